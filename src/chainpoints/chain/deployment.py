"""`chainpoints deploy`: the plan carried out with web3 and a key of ours. EIP-1559 fees, under a cap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
from eth_typing import HexStr
from web3 import HTTPProvider, Web3
from web3.exceptions import TimeExhausted, Web3Exception, Web3RPCError
from web3.types import TxParams, TxReceipt

from chainpoints.chain.carry_out import Progress, carry_out
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.local import GENESIS_TIMESTAMP, give_ether
from chainpoints.chain.manifest import Manifest
from chainpoints.chain.parameters import local_parameters, public_parameters
from chainpoints.chain.plan import Plan, deployment_plan
from chainpoints.chain.rpc import Rpc, without_address
from chainpoints.chain.signer import ROLES, TransactionSigner, load_signer, relayer_keys, role_address
from chainpoints.config import Secret, Settings
from chainpoints.errors import DeploymentError, RpcError
from chainpoints.types import Address

MAX_FEE_WEI = 100 * 10**9
"""The most that a unit of gas may cost: a deployment can wait for a calmer hour."""

RECEIPT_SECONDS = 300.0

GAS_MARGIN_PERCENT = 20


class Web3Executor:
    """Signs with `signer` and sends through `rpc_url`."""

    def __init__(self, rpc_url: Secret, signer: TransactionSigner, *, poll_seconds: float) -> None:
        self._web3 = Web3(HTTPProvider(rpc_url.reveal()))
        self._rpc_url, self._signer, self._poll_seconds = rpc_url, signer, poll_seconds

    @property
    def address(self) -> Address:
        return self._signer.address

    def create(self, contract: str, code: str, nonce: int) -> int:
        return self._mined(f"the creation of {contract}", {"data": HexStr(code)}, nonce)

    def send(self, to: Address, data: str, nonce: int) -> int:
        return self._mined(f"the call of {to}", {"to": Web3.to_checksum_address(to), "data": HexStr(data)}, nonce)

    def _mined(self, what: str, fields: TxParams, nonce: int) -> int:
        try:
            raw, transaction_hash = self._signer.sign_transaction(self._complete(what, fields, nonce))
            self._web3.eth.send_raw_transaction(HexStr(raw))
            receipt = self._web3.eth.wait_for_transaction_receipt(
                HexStr(transaction_hash), timeout=RECEIPT_SECONDS, poll_latency=self._poll_seconds
            )
        except TimeExhausted:
            raise DeploymentError(
                f"{what} was sent and is not mined after {RECEIPT_SECONDS:.0f} seconds; run the same command again "
                "later: it waits for it and goes on"
            ) from None
        except Web3RPCError as error:
            words = without_address(error.message, self._rpc_url)
            raise DeploymentError(
                f"the node refused {what}: {words}. Nothing more was sent; remove the cause and run the same "
                "command again: it goes on here"
            ) from None
        except (requests.RequestException, Web3Exception) as error:
            # Its text may hold the endpoint's address, and that a key.
            raise RpcError(what, f"no answer from the RPC endpoint ({type(error).__name__})") from None
        return self._checked(what, receipt)

    def _checked(self, what: str, receipt: TxReceipt) -> int:
        if receipt["status"] != 1:
            raise DeploymentError(
                f"{what} reverted in block {receipt['blockNumber']}, transaction 0x{receipt['transactionHash'].hex()}, "
                f"after {receipt['gasUsed']} gas. Nothing more was sent; look at the transaction in an explorer"
            )
        return receipt["blockNumber"]

    def _complete(self, what: str, fields: TxParams, nonce: int) -> dict[str, Any]:
        eth = self._web3.eth
        gas = eth.estimate_gas(fields | {"from": Web3.to_checksum_address(self.address)})
        gas += gas * GAS_MARGIN_PERCENT // 100
        base_fee, priority_fee = eth.get_block("latest")["baseFeePerGas"], eth.max_priority_fee
        if base_fee + priority_fee > MAX_FEE_WEI:
            raise DeploymentError(
                f"a unit of gas costs {base_fee + priority_fee} wei, more than the cap of {MAX_FEE_WEI}: {what} was "
                "not sent. Run the same command in a calmer hour: it goes on here"
            )
        # Twice the base fee outlasts six full blocks.
        max_fee = min(2 * base_fee + priority_fee, MAX_FEE_WEI)
        balance = eth.get_balance(Web3.to_checksum_address(self.address))
        if balance < gas * max_fee:
            raise DeploymentError(
                f"the deployer {self.address} has {balance} wei and {what} may cost {gas * max_fee}: it was not sent. "
                "Send ETH of this chain to the account, then run the same command again: it goes on here"
            )
        return fields | {
            "chainId": eth.chain_id,
            "nonce": nonce,
            "value": 0,
            "gas": gas,
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": priority_fee,
        }


def deploy(
    settings: Settings,
    signer: TransactionSigner,
    plan: Plan,
    manifest_path: Path,
    artifacts: dict[str, Artifact],
    progress: Progress,
) -> Manifest:
    """Carries out `plan` with `signer` as the deployer; whatever of it is done already is not done again."""
    rpc = Rpc(settings.rpc_url)
    executor = Web3Executor(settings.rpc_url, signer, poll_seconds=settings.chain.poll_seconds)
    try:
        return carry_out(plan, artifacts, rpc, executor, manifest_path, progress)
    finally:
        rpc.close()


def deploy_to(settings: Settings, artifacts: dict[str, Artifact], progress: Progress) -> Manifest:
    """The deployment of the chain that the settings choose."""
    if settings.chain.is_local:
        return deploy_local(settings, artifacts, progress)
    plan = deployment_plan(public_parameters(settings))
    return deploy(settings, load_signer(settings, "deployer"), plan, settings.manifest, artifacts, progress)


def deploy_local(settings: Settings, artifacts: dict[str, Artifact], progress: Progress) -> Manifest:
    """The deployment of the local chain, whose development accounts get ETH first; periods begin with the chain."""
    rpc = Rpc(settings.rpc_url)
    for role in {*ROLES, *relayer_keys(settings)}:
        give_ether(rpc, role_address(settings, role))
    rpc.close()
    plan = deployment_plan(local_parameters(GENESIS_TIMESTAMP))
    return deploy(settings, load_signer(settings, "deployer"), plan, settings.manifest, artifacts, progress)
