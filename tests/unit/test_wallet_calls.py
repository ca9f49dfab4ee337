"""Calls that a wallet sends itself: each is a function of the contract that it names."""

import pytest

from builders import sample_manifest
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import load_artifacts
from chainpoints.chain.wallet_calls import FUNCTIONS, MOST_GAS, wallet_call
from chainpoints.errors import InvalidInput

pytestmark = pytest.mark.unit

SOMEBODY = "0x" + "ab" * 20
VALUES = {
    "uint256": 7,
    "uint64": 5,
    "uint40": 9,
    "address": SOMEBODY,
    "bytes": b"\x01",
    "uint256[]": [1, 2],
    "uint64[]": [3],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_call_is_what_the_abi_makes_of_it(name: str) -> None:
    calls, function = Calls(sample_manifest(), load_artifacts()), FUNCTIONS[name]
    arguments = [VALUES[kind] for kind in calls.function(function.contract, function.signature).inputs]
    call = wallet_call(sample_manifest(), name, *arguments)
    assert (call.to, call.data) == calls.encode(function.contract, function.signature, arguments)


def test_gas_grows_with_the_list_up_to_what_a_transaction_may_ask_for() -> None:
    one, ten, most = (wallet_call(sample_manifest(), "claim", list(range(items))).gas for items in (1, 10, 500))
    assert ten - one == 9 * FUNCTIONS["claim"].gas_each
    assert most == MOST_GAS


def test_what_does_not_fit_is_refused() -> None:
    for arguments in ((-1, [1]), (1 << 256, [1]), (1, [1 << 64]), (1,)):
        with pytest.raises(InvalidInput, match="split"):
            wallet_call(sample_manifest(), "split", *arguments)
