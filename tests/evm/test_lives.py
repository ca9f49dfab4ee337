"""T03, T05: the whole deployment in the EVM against the twin, for thousands of random lives;
`scripts/evm.py --scenarios 100000`.

After every call both did the same, or refused with the same error and arguments; at the end every getter agrees. A run
in which little succeeds, or an error is never met, proves little: so both are counted, over all that there are.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
from deployment import Disagreement
from lives import Tally, live

import twin.payments
from chainpoints.chain.compiler import load_artifacts
from chainpoints.domain.payment import BASIS_POINTS, Split
from twin import Twin

pytestmark = pytest.mark.integration

TOGETHER = 500
"""Lives that are one task of a process."""
WITHIN = 1_000
"""Lives in which a wrong twin must be found."""
CONTRACTS = ("PointsToken", "Programs", "ReleaseNode", "PaymentProcessor")

OF_CONTRACTS = {
    *("addProgram", "closeProgram", "commitIssue", "depositIssued", "handOver", "recount", "releaseTo"),
    *("setSupplyApart", "settle", "settleIssue", "settleRefund", "settleReserve", "topUp", "undo", "setAuthority"),
    *("PointsToken_NotNodes", "PointsToken_NotProcessor", "ReleaseNode_NotProcessor", "ReleaseNode_NotPrograms"),
    *("AccessManagedInvalidAuthority", "AccessManagedRequiredDelay"),
}
"""Calls of the contracts among themselves and of their manager, and how they refuse others: tests/forge."""
NEVER = {
    *("Programs_InvalidTerm", "Programs_TooMany"),  # the twin is given terms in range: tests/forge/Programs.t.sol
    *("ERC20InvalidSender", "ERC721InvalidSender"),  # nobody calls from the zero address
    "ERC20InvalidApprover",  # 0 units from the zero address: tests/forge/PointsToken.t.sol
    "ERC721InvalidOwner",  # of a getter
    *("InvalidShortString", "StringTooLong"),  # of constructors
    *("ERC2612InvalidSigner", "ERC3009InvalidSignature"),  # the token says PointsToken_InvalidSignature instead
    "InvalidAccountNonce",  # of a function that the token has not
}


def test_the_contracts_live_as_the_twin_does(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    first, count = pytestconfig.getoption("seed"), pytestconfig.getoption("scenarios")
    seeds, tally, began = range(first, first + count), Tally(), time.monotonic()
    with capsys.disabled():
        print()  # noqa: T201
        for part in _shared(seeds, pytestconfig.getoption("processes")):
            tally.add(part)
            if tally.lives == count or tally.lives % 10_000 == 0:
                print(f"seeds from {first}: {_told(tally, time.monotonic() - began)}")  # noqa: T201
    floor = count // 1_000
    rare = {name: tally.met[name] for name in _names() if tally.met[name] < floor}
    assert rare == {}, f"fewer than {floor} of these"


def _round_up(amount: int, divert_bps: int, multiplier: int) -> Split:
    diverted = -(-amount * divert_bps // BASIS_POINTS)
    return Split(amount - diverted, diverted, diverted * multiplier)


@pytest.mark.parametrize(
    ("where", "name", "wrong"),
    [
        (twin.payments, "split", _round_up),
        (Twin, "_undo", lambda *_: None),
        (Twin, "_require_not_frozen", lambda *_: None),
        (Twin, "_require_advance", lambda *_: None),
        (Twin, "_require_not_cancelled", lambda *_: None),
        (Twin, "_use_authorization", lambda *_: None),
        (Twin, "_use_nonce", lambda *_: None),
        (Twin, "unlocks_at", lambda *_: 0),
    ],
)
def test_a_twin_that_is_wrong_is_found(where: Any, name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    live(range(0))
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(Disagreement, match="--seed"):
        live(range(WITHIN))


def _shared(seeds: range, processes: int) -> Iterator[Tally]:
    """What the lives came to, part by part; with them ends at the first Disagreement."""
    parts = [seeds[i : i + TOGETHER] for i in range(0, len(seeds), TOGETHER)]
    if processes == 1:
        yield from map(live, parts)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(live, parts)
    finally:
        pool.shutdown(cancel_futures=True)


def _names() -> set[str]:
    """All that must be met: each error, and each function that changes anything."""
    entries = [entry for contract in CONTRACTS for entry in load_artifacts()[contract].abi]
    errors = {entry["name"] for entry in entries if entry["type"] == "error"}
    functions = [entry for entry in entries if entry["type"] == "function"]
    acts = {entry["name"] for entry in functions if entry["stateMutability"] not in ("view", "pure")}
    return (errors | acts) - OF_CONTRACTS - NEVER


def _told(tally: Tally, seconds: float) -> str:
    done, refused = tally.done.total(), tally.refused.total()
    return (
        f"{tally.lives:,} lives, {done:,} calls that succeeded, {refused:,} that were refused with "
        f"{len(tally.refused)} errors, {tally.asked:,} getters, {seconds:.0f} s, {tally.lives / seconds:.0f} a second"
    )
