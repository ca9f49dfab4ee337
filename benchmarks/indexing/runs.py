"""Carries subjects out, each in a process of its own, and says what came of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import msgspec

from benchmarks.indexing.node import HOME, Node
from benchmarks.indexing.subject import Outcome, Restored

_RUNS = 3


def several(what: str, node: Node, fresh: Callable[[], str] | None = None) -> list[Outcome]:
    """Runs of `floor`, or of `ours` each into a `fresh` database."""
    return [_indexed(what, node, *([fresh()] if fresh else [])) for _ in range(_RUNS)]


def median(runs: list[Outcome]) -> Outcome:
    """The middle one: these take seconds, so what else the machine does shows in one."""
    return sorted(runs, key=lambda outcome: outcome.seconds)[len(runs) // 2]


def empty_sqlite(name: str) -> str:
    """The address of an empty database, always the same."""
    for leftover in HOME.glob(f"{name}.db*"):
        leftover.unlink()
    return f"sqlite:///{HOME / name}.db"


def _indexed(what: str, node: Node, *arguments: str) -> Outcome:
    outcome = msgspec.json.decode(_carried_out(what, node, *arguments), type=Outcome)
    say(f"{what}: {outcome.events:,} events in {outcome.seconds:.2f} s, {outcome.peak_rss_mb:.0f} MB")
    return outcome


def restored(node: Node, database: str, file: str, into: str) -> Restored:
    return msgspec.json.decode(_carried_out("restored", node, database, file, into), type=Restored)


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _carried_out(what: str, node: Node, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "benchmarks.indexing.subject", what, node.url, str(node.settings.manifest)]
    return subprocess.run([*command, *arguments], stdout=subprocess.PIPE, check=True).stdout
