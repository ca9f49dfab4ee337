"""Ponder, from npm into build/bench-indexing/ponder, on the same chain: transfers and balances, in PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import msgspec

from benchmarks.indexing.node import HOME, BenchmarkError, Node
from benchmarks.ports import free_port
from chainpoints.chain.manifest import load_manifest

_FOLDER = HOME / "ponder"
_PROJECT = Path(__file__).with_name("peer")
_LONGEST_SECONDS = 900


class _Line(msgspec.Struct):
    """Of Ponder's log; `time` in milliseconds."""

    time: int
    msg: str
    endpoint: str = ""


def install() -> None:
    """Nothing is downloaded when the same versions are there already."""
    wanted = (_PROJECT / "package.json").read_bytes()
    there = _FOLDER / "package.json"
    fresh = not (_FOLDER / "node_modules").exists() or there.read_bytes() != wanted
    shutil.copytree(_PROJECT, _FOLDER, dirs_exist_ok=True)
    if fresh:
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund"], cwd=_FOLDER, capture_output=True, text=True
        )
        if done.returncode:
            raise BenchmarkError(f"Ponder cannot be installed: {done.stderr[-500:]}")


def seconds(node: Node, database: str, run: str) -> float:
    """From the first question to the node until all is indexed, by Ponder's own clock.

    It leaves out the start of Node and of its compiler. A second run on the same database finds what the first one
    downloaded.
    """
    manifest = load_manifest(node.settings.manifest)
    port, log = free_port(), HOME / f"ponder-{run}.log"
    environment = os.environ | {
        "DATABASE_URL": database,
        "BENCH_RPC_URL": node.url,
        "BENCH_TOKEN": manifest.address("PointsToken"),
        "BENCH_FIRST_BLOCK": str(manifest.first_block),
        "PONDER_TELEMETRY_DISABLED": "1",
    }
    command = [str(_FOLDER / "node_modules/.bin/ponder"), "--log-format", "json", "start", "--schema", run]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=_FOLDER, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            return _wait(process, log)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path) -> float:
    end = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.5)
        lines = [_line(text) for text in log.read_bytes().splitlines() if text.startswith(b"{")]
        began = [line.time for line in lines if line.msg == "Started backfill indexing"]
        ready = [line.time for line in lines if line.endpoint == "/ready"]
        if began and ready:
            return (ready[0] - began[0]) / 1000
    raise BenchmarkError(f"Ponder did not get ready; see {log}")


def _line(text: bytes) -> _Line:
    try:
        return msgspec.json.decode(text, type=_Line)
    except msgspec.MsgspecError:  # of another form, or half written
        return _Line(0, "")
