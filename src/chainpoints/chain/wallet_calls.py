"""Contract calls that a holder's wallet sends itself, as ready calldata: no operation needs the gateway.

Encoded from the signatures alone, since the API has the deployment's addresses and not its artifacts; a test holds them
against the ABIs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from eth_utils.crypto import keccak

from chainpoints.chain.manifest import Manifest
from chainpoints.errors import InvalidInput
from chainpoints.types import Address

MOST_GAS = 16_700_000
"""Below EIP-7825's 2**24, the most that a transaction may ask for."""


@dataclass(frozen=True, slots=True)
class WalletCall:
    """`gas` is a limit with room to spare: what is not used is not paid. `data` is 0x text."""

    to: Address
    data: str
    gas: int


@dataclass(frozen=True, slots=True)
class _Function:
    """`gas` for the call, and `gas_each` for each item of its list."""

    contract: str
    signature: str
    gas: int
    gas_each: int = 0


# Twice what was measured (benchmarks/gas, tests/integration/api/test_wallet_calls.py), for states that cost more.
FUNCTIONS: dict[str, _Function] = {
    "split": _Function("ReleaseNode", "split(uint256,uint64[])", 120_000, 120_000),
    "merge": _Function("ReleaseNode", "merge(uint256,uint256[])", 200_000, 60_000),
    "give": _Function("ReleaseNode", "give(uint256,address,uint40)", 160_000),
    "take": _Function("ReleaseNode", "take(uint256,address,bytes)", 250_000),
    "take_back": _Function("ReleaseNode", "takeBack(uint256)", 80_000),
    "set_beneficiary": _Function("ReleaseNode", "setBeneficiary(uint256,address)", 250_000),
    "transfer_node": _Function("ReleaseNode", "safeTransferFrom(address,address,uint256)", 500_000),
    "claim": _Function("ReleaseNode", "claim(uint256[])", 200_000, 60_000),
    "claim_to": _Function("ReleaseNode", "claimTo(uint256[],address)", 200_000, 60_000),
    "approve_claim": _Function("ReleaseNode", "approveClaim(address,address,uint64,uint40)", 120_000),
    "transfer": _Function("PointsToken", "transfer(address,uint256)", 120_000),
    "cancel_payments": _Function("PointsToken", "cancelPayments()", 80_000),
}


def wallet_call(manifest: Manifest, name: str, *arguments: Any) -> WalletCall:
    """The call `name` of FUNCTIONS. Addresses are 0x text. Raises InvalidInput for what does not fit."""
    function = FUNCTIONS[name]
    types = function.signature.partition("(")[2].removesuffix(")")
    try:
        data = keccak(text=function.signature)[:4] + encode(types.split(",") if types else [], arguments)
    except (EncodingError, ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(f"these are no arguments of {function.signature}: {error}") from None
    items = sum(len(each) for each in arguments if isinstance(each, Sequence) and not isinstance(each, (str, bytes)))
    gas = min(function.gas + items * function.gas_each, MOST_GAS)
    return WalletCall(manifest.address(function.contract), f"0x{data.hex()}", gas)
