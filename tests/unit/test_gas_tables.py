"""What the README and `make gas` say of gas follows from the committed figures."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from benchmarks.gas import snapshot
from benchmarks.gas.comparison import OPERATION_ROWS, TOKEN_ROWS, Row, markdown, over_bounds, plain, table
from benchmarks.gas.operations import OPERATIONS
from benchmarks.gas.peers.figures import Peer, load_peers
from benchmarks.gas.peers.packages import Package, PackageUnavailable, fetch
from benchmarks.gas.readme import committed_section, section

pytestmark = pytest.mark.unit

ROWS = (Row("pay", "pay_steady", "create_steady"), Row("refund", "refund_full"))
PEERS = [
    Peer("Dear", "npm dear 1.0.0", "2026-11-26", True, {"create_steady": 2_000}),
    Peer("Cheap", "npm cheap 1.0.0", "2026-11-26", True, {"create_steady": 1_000}),
    Peer("Less", "nowhere", "2026-11", False, {"create_steady": 10}, "Does less", ("create_steady",)),
    Peer("Other", "nowhere", "2026-11", False, {"split": 1}),
]


def test_the_readme_is_as_the_figures() -> None:
    assert committed_section() == section(snapshot.load(), load_peers()), "run `make gas`"


def test_every_figure_of_ours_is_in_a_table() -> None:
    assert {operation.key for operation in OPERATIONS} <= {row.key for row in (*OPERATION_ROWS, *TOKEN_ROWS)}


def test_every_figure_of_ours_is_committed() -> None:
    assert {operation.key for operation in OPERATIONS} <= set(snapshot.load())


def test_a_table_compares_with_the_cheapest_peer_that_does_as_much() -> None:
    lines = table(ROWS, {"pay_steady": 1_500, "refund_full": 7}, PEERS)
    assert lines == [
        ["gas", "ours", "at most", "to best peer", "Dear", "Cheap", "Less"],
        ["pay", "1,500", "–", "×1.50", "2,000", "1,000", "(10)"],
        ["refund", "7", "–", "–", "–", "–", "–"],
    ]


def test_a_table_is_set_in_markdown_and_in_columns() -> None:
    lines = [["gas", "ours"], ["pay", "1,500"]]
    assert markdown(lines) == "| gas | ours |\n| :-- | --: |\n| pay | 1,500 |"
    assert plain(lines) == "gas   ours\npay  1,500"


@pytest.mark.parametrize(
    ("key", "most"),
    [(row.key, row.bound) for row in OPERATION_ROWS if row.bound is not None and not row.above],
)
def test_a_bound_holds_exactly_at_it_and_not_one_past(key: str, most: int) -> None:
    assert over_bounds({key: most}) == []
    assert over_bounds({key: most + 1}) == [f"{key}: {most + 1:,} gas is over its bound of {most:,}"]


def test_a_relayed_payment_is_bound_by_one_that_is_not() -> None:
    assert over_bounds({"pay_steady": 100, "pay_relayed_steady": 12_100}) == []
    assert over_bounds({"pay_steady": 100, "pay_relayed_steady": 12_101}) != []


def archive(folder: Path, package: Package) -> bytes:
    """A package's archive, put where a download puts it."""
    with tarfile.open(folder / package.file_name, "w:gz") as tar:
        member = tarfile.TarInfo("package/package.json")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"{}"))
    return (folder / package.file_name).read_bytes()


def test_a_package_is_unpacked_when_it_is_the_pinned_one(tmp_path: Path) -> None:
    content = archive(tmp_path, Package("@some/peer", "1.0.0", ""))
    pinned = Package("@some/peer", "1.0.0", base64.b64encode(hashlib.sha512(content).digest()).decode())
    assert (fetch(pinned, tmp_path) / "package.json").read_bytes() == b"{}"


def test_a_package_that_is_not_the_pinned_one_is_refused_and_not_kept(tmp_path: Path) -> None:
    package = Package("@some/peer", "1.0.0", "another")
    archive(tmp_path, package)
    with pytest.raises(PackageUnavailable, match=r"^@some/peer 1\.0\.0 is not the file that was pinned: SHA-512 "):
        fetch(package, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_npm_a_package_is_said_to_be_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PackageUnavailable, match="npm is not in PATH"):
        fetch(Package("@some/peer", "1.0.0", ""), tmp_path)
