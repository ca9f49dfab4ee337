"""The part of the project's README that says what things cost: written from the committed figures, never by hand."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gas.comparison import OPERATION_ROWS, TOKEN_ROWS, markdown, notes, table
from benchmarks.gas.peers.figures import Peer
from benchmarks.gas.snapshot import Gas
from chainpoints.chain.compiler import project_root

README = project_root() / "README.md"
BEGIN, END = "<!-- gas: written by `make gas` -->", "<!-- end of gas -->"


def section(gas: Gas, peers: list[Peer]) -> str:
    tables = (markdown(table(rows, gas, peers)) for rows in (OPERATION_ROWS, TOKEN_ROWS))
    return "\n\n".join((BEGIN, *tables, "\n".join(f"- {line}" for line in notes(peers)), END))


def committed_section(readme: Path = README) -> str:
    """What the README says now, with its marks."""
    text = readme.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


def write_section(gas: Gas, peers: list[Peer]) -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(committed_section(), section(gas, peers)), encoding="utf-8")
