"""A chain of ERC-20 transfers alone: 97 in each block, between 15,000 accounts, four transactions a block."""

from __future__ import annotations

import random

from benchmarks.indexing.node import Node
from chainpoints.chain.events import topic
from chainpoints.chain.manifest import Manifest
from chainpoints.types import ONE_POINT

USUAL = 300_000
IN_BLOCK = 97
_ACCOUNTS = 15_000
_TRANSACTIONS_IN_BLOCK = 4
_GAS = 3_000_000

_TRANSFER = topic("Transfer(address,address,uint256)").removeprefix("0x")


def _code() -> str:
    """Instructions that log a Transfer for each three words of the calldata: sender, receiver, amount."""
    start = "5f 5b 36 81 10 6009 57 00"  # place = 0; again: if place >= calldatasize, stop
    amount = "5b 80 6040 01 35 5f 52"  # memory[0] = calldata[place + 64]
    topics = f"80 6020 01 35 81 35 7f{_TRANSFER}"  # calldata[place + 32], calldata[place], the event
    log = "6020 5f a3"
    again = "6060 01 6001 56"  # place += 96
    return "0x" + "".join((start, amount, topics, log, again)).replace(" ", "")


def build(node: Node, manifest: Manifest, transfers: int) -> None:
    """The token's code is swapped for one that logs what it is told: an indexer reads nothing but logs."""
    token = manifest.address("PointsToken")
    node.rpc.call("anvil_setCode", token, _code())
    sender = manifest.deployer
    node.give_ether([sender])
    chance = random.Random(1)
    accounts = [f"{chance.getrandbits(160):064x}" for _ in range(_ACCOUNTS)]
    remaining = transfers
    while remaining > 0:
        count = min(IN_BLOCK, remaining)
        words = [_transfer(chance, accounts) for _ in range(count)]
        parts = [words[start::_TRANSACTIONS_IN_BLOCK] for start in range(_TRANSACTIONS_IN_BLOCK)]
        node.mine([(sender, token, "0x" + "".join(part)) for part in parts if part], _GAS)
        remaining -= count


def _transfer(chance: random.Random, accounts: list[str]) -> str:
    sender, receiver = chance.choice(accounts), chance.choice(accounts)
    return f"{sender}{receiver}{chance.randint(1, 1_000 * ONE_POINT):064x}"


def send_some(node: Node, manifest: Manifest) -> None:
    """A few transfers that wait for the next block."""
    node.rpc.call("evm_setAutomine", False)
    chance = random.Random()
    accounts = [f"{number:064x}" for number in range(1, 20)]
    data = "0x" + "".join(_transfer(chance, accounts) for _ in range(5))
    token = manifest.address("PointsToken")
    node.give_ether([manifest.deployer])
    transaction = {"from": manifest.deployer, "to": token, "data": data, "gas": hex(_GAS)}
    node.rpc.call("anvil_impersonateAccount", manifest.deployer)
    node.rpc.call("eth_sendTransaction", transaction)
