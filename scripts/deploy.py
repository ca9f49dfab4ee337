"""`brownie run deploy [--network <id>]`: the deployment plan, carried out with Brownie's accounts and networks.

The plan, the checks, the manifest and how an interrupted deployment goes on are those of `chainpoints deploy`; what is
here only sends. On chain 31337 the development accounts of `chainpoints run` are used, on any other development network
Brownie's own, on a public network the keystores that CHAINPOINTS_KEYS names.
"""

import os
from pathlib import Path

from brownie import accounts, project, web3
from brownie import rpc as development_chain

from chainpoints.chain.carry_out import carry_out
from chainpoints.chain.compiler import load_artifacts, project_root
from chainpoints.chain.local import GENESIS_TIMESTAMP, give_ether
from chainpoints.chain.parameters import (
    DAY_SECONDS,
    GRANTED,
    Parameters,
    first_programs,
    local_parameters,
    public_parameters,
)
from chainpoints.chain.plan import deployment_plan
from chainpoints.chain.rpc import Rpc
from chainpoints.chain.signer import keystore_path, local_key
from chainpoints.config import CHAINS, Settings, load_settings
from chainpoints.errors import DeploymentError


class BrownieExecutor:
    """Sends with one of Brownie's accounts, what Brownie has compiled too."""

    def __init__(self, account, contracts):
        self.account, self.contracts = account, contracts
        self.address = str(account.address).lower()

    def create(self, contract: str, code: str, nonce: int) -> int:
        # Brownie has no container for what is deployed out of a package.
        if contract in self.contracts and not code.startswith("0x" + self.contracts[contract].bytecode):
            raise DeploymentError(
                f"Brownie compiles {contract} to other code than `chainpoints deploy` does: nothing was sent; run "
                "`brownie compile --all`, and see that brownie-config.yaml has the settings of chain/compiler.py"
            )
        return self._mined(contract, self.account.transfer(data=code, nonce=nonce, silent=True))

    def send(self, to: str, data: str, nonce: int) -> int:
        return self._mined(to, self.account.transfer(to=to, data=data, nonce=nonce, silent=True))

    def _mined(self, what: str, receipt) -> int:
        if receipt.status != 1:
            raise DeploymentError(
                f"{what}: transaction {receipt.txid} failed in Brownie's hands; see it in an explorer"
            )
        return receipt.block_number


def main() -> None:
    loaded = project.get_loaded_projects()[0]
    settings = _settings(web3.chain_id)
    rpc = Rpc(settings.rpc_url)
    account, parameters, manifest_path = _who_and_what(settings, rpc)
    plan = deployment_plan(parameters)
    executor = BrownieExecutor(account, loaded)
    carry_out(plan, load_artifacts(project_root()), rpc, executor, manifest_path, print)
    rpc.close()


def _settings(chain_id: int) -> Settings:
    """The settings of the chain that Brownie is connected to; a development network counts as a local chain."""
    key = next((chain.key for chain in CHAINS.values() if chain.chain_id == chain_id), None)
    if key is None and not development_chain.is_active():
        raise DeploymentError(f"chainpoints does not know chain {chain_id}; add it to CHAINS in chainpoints/config.py")
    chosen = {"CHAINPOINTS_CHAIN": key or "local", "CHAINPOINTS_RPC_URL": web3.provider.endpoint_uri}
    return load_settings(os.environ | chosen)


def _who_and_what(settings: Settings, rpc: Rpc) -> tuple[object, Parameters, Path]:
    """The deployer's account, the parameters, and where the manifest goes."""
    chain_id = web3.chain_id
    if not settings.chain.is_local:
        # Without a password file Brownie asks for the password.
        file = settings.keys_password_file
        deployer = accounts.load(keystore_path(settings, "deployer"), file.read_text().rstrip("\r\n") if file else None)
        return deployer, public_parameters(settings), settings.manifest
    if chain_id == settings.chain.chain_id:
        deployer = accounts.add(local_key("deployer"))
        parameters = local_parameters(GENESIS_TIMESTAMP)
        for account in (str(deployer.address), *parameters.accounts.values()):
            give_ether(rpc, account)
        return deployer, parameters, settings.manifest
    now = int(rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    parameters = Parameters(
        chain_id=chain_id,
        accounts={role: str(accounts[i].address).lower() for i, role in enumerate(GRANTED, start=1)},
        delays=dict.fromkeys(GRANTED, 0),
        programs=first_programs(now - now % DAY_SECONDS),
    )
    return accounts[0], parameters, settings.deployments / f"{chain_id}.json"
