"""What a chain shows of a deployment: code, programs and roles, each compared with the plan."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from eth_utils.crypto import keccak

from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import Artifact
from chainpoints.chain.plan import ADMIN_ROLE_ID, ROLES, Addresses, Create, Open, Plan, Step
from chainpoints.chain.rpc import Rpc
from chainpoints.errors import DeploymentError
from chainpoints.types import Address, Hash32

_BLOCKS_A_BATCH = 50
_UNMINED_SECONDS = 180.0


class ChainState:
    """What does not depend on a deployment."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def chain_id(self) -> int:
        return int(self._rpc.call("eth_chainId"), 16)

    def head(self) -> int:
        return int(self._rpc.call("eth_blockNumber"), 16)

    def nonce(self, account: Address, block: str = "latest") -> int:
        return int(self._rpc.call("eth_getTransactionCount", account, block), 16)

    def wait_for_unmined(self, account: Address) -> None:
        """Waits for what an interrupted run of the account has sent. Raises DeploymentError when it stays unmined."""
        until = time.monotonic() + _UNMINED_SECONDS
        while self.nonce(account, "pending") > (mined := self.nonce(account)):
            if time.monotonic() > until:
                raise DeploymentError(
                    f"transaction {mined} of {account} was sent and is not mined after {_UNMINED_SECONDS:.0f} seconds: "
                    "its fee may be too low. Nothing more was sent; wait for it or replace it, then run this again"
                )
            time.sleep(0.5)

    def code(self, address: Address) -> bytes:
        return bytes.fromhex(self._rpc.call("eth_getCode", address, "latest")[2:])

    def code_hash(self, address: Address) -> Hash32 | None:
        """keccak256 of the runtime code; None where there is none."""
        code = self.code(address)
        return Hash32("0x" + keccak(code).hex()) if code else None

    def call(self, to: Address, data: str) -> str:
        return str(self._rpc.call("eth_call", {"to": to, "data": data}, "latest"))

    def block_of_transaction(self, sender: Address, nonce: int, first_block: int) -> int:
        """The block of a mined transaction, searched from `first_block` on; needs no old state of the node."""
        head = self.head()
        for begin in range(first_block, head + 1, _BLOCKS_A_BATCH):
            numbers = range(begin, min(begin + _BLOCKS_A_BATCH, head + 1))
            for raw in self._rpc.batch([("eth_getBlockByNumber", (hex(number), True)) for number in numbers]):
                block = msgspec.json.decode(raw)
                for transaction in block["transactions"]:
                    if transaction["from"].lower() == sender and int(transaction["nonce"], 16) == nonce:
                        return int(block["number"], 16)
        raise DeploymentError(
            f"transaction {nonce} of {sender} is in no block from {first_block} to {head}: the RPC endpoint does not "
            "show what it should. Run the same command again, or with another endpoint"
        )


class DeployedState:
    """What stands of the deployment at `addresses`; `artifacts` are what its contracts are compiled to here."""

    def __init__(self, chain: ChainState, addresses: Addresses, artifacts: dict[str, Artifact]) -> None:
        self._chain, self._addresses, self._artifacts = chain, addresses, artifacts
        self._calls = Calls(addresses, artifacts)

    def is_done(self, step: Step) -> bool:
        """Whether the chain has what the step makes. Raises DeploymentError when it has something else instead."""
        if isinstance(step, Create):
            return self._has_contract(step.contract)
        if isinstance(step, Open):
            return self._has_program(step)
        # One transaction sets all roles and takes the deployer's, so the latter tells of all.
        manager = self._addresses.address("AccessManager")
        return bool(self._chain.code(manager)) and not self._has_role(ADMIN_ROLE_ID, self._addresses.deployer)[0]

    def code_hash(self, contract: str) -> Hash32:
        address = self._addresses.address(contract)
        code_hash = self._chain.code_hash(address)
        if code_hash is None:
            raise DeploymentError(
                f"{contract} stood at {address} and is gone: the chain was reorganised. Run the same command again"
            )
        return code_hash

    def check_roles(self, plan: Plan) -> None:
        """Raises DeploymentError when the roles on chain are not the plan's, or the deployer still has one."""
        wrong = []
        for role in ROLES:
            for contract, functions in role.functions.items():
                target = self._addresses.address(contract)
                for function in functions:
                    selector = self._calls.function(contract, function).selector
                    if self._values("AccessManager", "getTargetFunctionRole", target, selector)[0] != role.id:
                        wrong.append(f"{contract}.{function} does not need role {role.name}")
            account, delay = plan.parameters.accounts[role.name], plan.parameters.delays[role.name]
            if self._has_role(role.id, account) != (True, delay):
                wrong.append(f"{account} is not {role.name} with a delay of {delay} seconds")
            if self._has_role(role.id, self._addresses.deployer)[0]:
                wrong.append(f"the deployer is {role.name}")
        if wrong:
            raise DeploymentError(
                f"the roles on chain are not those planned: {'; '.join(wrong)}. Do not use this deployment; find out "
                "who changed them, then deploy anew"
            )

    def _has_contract(self, contract: str) -> bool:
        address = self._addresses.address(contract)
        code = self._chain.code(address)
        if not code:
            return False
        artifact = self._artifacts[contract]
        compiled = bytes.fromhex(artifact.deployed_bytecode)
        if _without_immutables(code, artifact) != _without_immutables(compiled, artifact):
            raise DeploymentError(
                f"the code at {address} is not the {contract} compiled here: it was deployed from other sources. "
                "Nothing more was sent; check out those sources, or move the manifest away to deploy this version anew"
            )
        return True

    def _has_program(self, step: Open) -> bool:
        if not self._has_contract("Programs") or self._values("Programs", "programCount")[0] < step.id:
            return False
        terms = self._values("Programs", "terms", step.id)[0]
        table = self._values("Programs", "releaseTable", step.id)[0]
        wanted = step.program.terms()
        differing = [name for (name, value), found in zip(wanted.items(), terms, strict=True) if value != found]
        if table != step.program.schedule.table_bytes():
            differing.append("table")
        if self._values("Programs", "programName", step.id)[0] != step.program.name:
            differing.append("name")
        if differing:
            raise DeploymentError(
                f"program {step.id} ({step.program.name}) is open with another {', '.join(differing)} than planned, "
                "and programs never change. Nothing more was sent; use the first parameters, or move the manifest away"
            )
        return True

    def _has_role(self, role_id: int, account: Address) -> tuple[bool, int]:
        member, delay = self._values("AccessManager", "hasRole", role_id, account)
        return member, delay

    def _values(self, contract: str, function: str, *arguments: Any) -> tuple[Any, ...]:
        return self._calls.decode(
            contract, function, self._chain.call(*self._calls.encode(contract, function, arguments))
        )


def _without_immutables(code: bytes, artifact: Artifact) -> bytes:
    """The code with zeros where the constructor wrote immutables."""
    plain = bytearray(code)
    for places in artifact.immutable_references.values():
        for place in places:
            begin, end = place["start"], place["start"] + place["length"]
            plain[begin:end] = bytes(end - begin)
    return bytes(plain)
