"""Carries subjects out, each in a process of its own, and says what came of them."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from benchmarks.indexing.node import Node
from benchmarks.indexing.subject import Outcome, Restored


def indexed(what: str, node: Node, *arguments: str) -> Outcome:
    """By the subject `floor` or `ours`."""
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
