"""The totals of a deployment by plain eth_getLogs: no indexer, no store, no decoder of the project's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import httpx
from eth_utils.crypto import keccak

MULTIPLIERS = {1: 10, 2: 2}
"""Of the first programs, by id: what a node's total is to what was diverted."""

ZERO = "0x" + "00" * 32


def topic(signature: str) -> str:
    return "0x" + keccak(text=signature).hex()


TRANSFER = topic("Transfer(address,address,uint256)")
PAID = topic("Paid(uint32,bytes32,address,uint32,uint24,uint64,uint64)")
REFUNDED = topic("Refunded(uint32,bytes32,address,uint32,uint24,uint64,uint64,uint64)")
ISSUED = topic("Issued(uint32,bytes32,address,uint32,uint24,uint64,uint64,bytes32)")
CLAIMED = topic("Claimed(uint256,address,uint64,uint8)")


def words(data: str) -> list[int]:
    return [int(data[at : at + 64], 16) for at in range(2, len(data), 64)]


def log_sums(rpc_url: str, contracts: Mapping[str, str]) -> Counter[str]:
    """Counts, and sums in base units, over every log of the contracts."""
    question = {"fromBlock": "0x0", "toBlock": "latest", "address": list(contracts.values())}
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [question]}
    logs = httpx.post(rpc_url, json=body, timeout=60).json()["result"]
    sums: Counter[str] = Counter()
    for log in logs:
        first, data = log["topics"][0], words(log["data"])
        if first == TRANSFER and log["address"] == contracts["PointsToken"]:
            sums["supply"] += data[0] * ((log["topics"][1] == ZERO) - (log["topics"][2] == ZERO))
        elif first == TRANSFER and log["address"] == contracts["ReleaseNode"]:
            sums["nodes"] += (log["topics"][1] == ZERO) - (log["topics"][2] == ZERO)
        elif first == PAID:
            program, _, amount, diverted = data
            sums.update(payments=1, paid=amount, diverted=diverted, committed=diverted * MULTIPLIERS[program])
        elif first == REFUNDED:
            _, _, amount, diverted, total = data
            sums.update(refunds=1, refunded=amount, diverted=-diverted, committed=-total)
        elif first == ISSUED:
            _, _, points, total, _ = data
            sums.update(issues=1, issued=points + total, committed=total)
        elif first == CLAIMED:
            amount, _ = data
            sums.update(claims=1, claimed=amount, committed=-amount)
    return sums
