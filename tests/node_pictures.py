"""Nodes in every state, their pictures, and a real browser to look at them with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from builders import ROOT, Anvil
from chainpoints.chain.calls import Calls
from chainpoints.chain.compiler import Artifact
from chainpoints.domain.schedule import Schedule
from chainpoints.types import ONE_POINT, Address

DAY = 86_400
START = 2
ORIGIN = 0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIETLY = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
QUIETLY += ("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=20000")

FEC, STRAIGHT, ONCE = Schedule(100, 21, 20), Schedule(4), Schedule(1)


@dataclass(frozen=True)
class Picture:
    """A node to draw. So many periods of a day have `elapsed` since its start; below 0: the start lies ahead. A name's
    bytes that are no UTF-8 are written as lone surrogates (PEP 383)."""

    name: str
    total: int
    elapsed: float
    claimed_periods: int = 0
    schedule: Schedule = FEC
    program: int = 1
    multiplier: int = 10
    funded: bool = False

    @property
    def periods(self) -> int:
        """Full periods since the start."""
        return max(0, min(int(self.elapsed), self.schedule.periods))


PICTURES = {
    "start in the future": Picture("FEC", 10_000 * ONE_POINT, -0.5),
    "locked": Picture("FEC", 10_000 * ONE_POINT, 0.5),
    "nothing claimed": Picture("FEC Founders Circle", 3_500 * ONE_POINT, 10.7, program=2),
    "partly claimed": Picture("FEC", 12_345_678_901, 78.4, 60),
    "claimed up to now": Picture("FEC", 10_000 * ONE_POINT, 70.5, 70, program=3),
    "all released": Picture("FEC", 10_000 * ONE_POINT, 120, program=4),
    "all released, partly claimed": Picture("FEC", 10_000 * ONE_POINT, 120, 90, program=12),
    "all claimed": Picture("FEC", 10_000 * ONE_POINT, 120, 100, program=5),
    "straight line": Picture("Four days", 2_000 * ONE_POINT, 2.6, 1, STRAIGHT, 6, 2, True),
    "straight line, first day": Picture("Four days", 2_000 * ONE_POINT, 1.5, 0, STRAIGHT, 7, 2, True),
    "one period": Picture("All at once", 2_000 * ONE_POINT, 0.6, 0, ONCE, 8, 1, True),
    "one period, released": Picture("All at once", 2_000 * ONE_POINT, 1.5, 0, ONCE, 9, 1, True),
    "60 days": Picture("Sixty days", 987_654_321, 31.2, 12, Schedule(60), 10),
    "255 periods": Picture("A long one", 9_999_999_999_999, 240.5, 201, Schedule(255, 51, 50), 11, 1),
    "one unit": Picture("Tiny", 1, 60.5, 30, Schedule(120), 13),
    "2^63": Picture("Huge", 1 << 63, 90.5, 40, Schedule(100, 51, 50), 14, 1),
    "the largest total": Picture("W" * 31, (1 << 64) - 1, 50.5, 40, FEC, 15, 1),
    "below a hundredth of a percent": Picture("Slow start", 10_000 * ONE_POINT, 1.5, 0, Schedule(200, 21, 20), 16),
    "the largest program": Picture("Last", 10_000 * ONE_POINT, 0.5, 0, Schedule(255), (1 << 32) - 1),
    "name of markup": Picture("</text><script>alert(1)</script>", ONE_POINT, 20, program=17),
    "name of quotes": Picture("\"'&amp;]]>\\u0000@~{}", ONE_POINT, 20, program=18),
    "name in Chinese": Picture("积分商店会员俱乐部店", ONE_POINT, 20, program=19),
    "name of pictures": Picture("🎟🎉🥇🛍🏪🎁🎈", ONE_POINT, 20, program=20),
    "name of the widest letters": Picture("\ufdfd" * 10, ONE_POINT, 20, program=21),
    "name of marks on marks": Picture("Z" + "\u0348\u0301" * 7, ONE_POINT, 20, program=22),
    "name from right to left": Picture("\u202egnip\u2066 متجر", ONE_POINT, 20, program=23),
    "name of controls": Picture("a\0b\x1b[31m\r\nc\x7f\ufffe", ONE_POINT, 20, program=24),
    "name of no UTF-8": Picture("cut \udcf0\udc9f\udc8e, lone \udc80, \udced\udca0\udc80", ONE_POINT, 20, program=25),
    "no name": Picture("", ONE_POINT, 20, program=26),
}


@dataclass(frozen=True)
class At:
    """Where contracts are that are in no manifest."""

    addresses: dict[str, Address]

    def address(self, contract: str) -> Address:
        return self.addresses[contract]


def token_uris(chain: Anvil) -> dict[str, str]:
    """Each picture's `tokenURI`: the renderer's own, over a node contract that takes on any state. And the collection's
    `contractURI`, as "collection"."""
    artifacts = {name: compiled(name) for name in ("NodeRenderer", "Nodes")}
    constructed_with = {"NodeRenderer": (), "Nodes": (0,)}
    sender = chain.rpc.call("eth_accounts")[0]
    addresses: dict[str, Address] = {}
    calls = Calls(At(addresses), artifacts)
    for name, arguments in constructed_with.items():
        creation = {"from": sender, "data": calls.encode_creation(name, arguments)}
        addresses[name] = chain.rpc.call("eth_getTransactionReceipt", _sent(chain, creation))["contractAddress"]
    to, data = calls.encode("NodeRenderer", "contractURI", ())
    answer = chain.rpc.call("eth_call", {"to": to, "data": data}, "latest")
    uris = {"collection": calls.decode("NodeRenderer", "contractURI", answer)[0]}
    for key, picture in PICTURES.items():
        node = picture.program << 224 | START << 200 | ORIGIN
        to, data = calls.encode("Nodes", "set", _state(picture, node, chain.now()))
        _sent(chain, {"from": sender, "to": to, "data": data})
        to, data = calls.encode("NodeRenderer", "tokenURI", (addresses["Nodes"], addresses["Nodes"], node))
        answer = chain.rpc.call("eth_call", {"to": to, "data": data}, "latest")
        (uris[key],) = calls.decode("NodeRenderer", "tokenURI", answer)
    return uris


def browser() -> str | None:
    """A Chromium that is installed."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def page_in_browser(folder: Path, html: str, *arguments: str) -> str:
    """What a browser prints of a page, which it opens from `folder` and with a profile of its own."""
    page = folder / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{html}")
    command = [str(browser()), *QUIETLY, f"--user-data-dir={folder / 'profile'}", *arguments, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def measured(folder: Path, uris: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What a browser measures of each picture: see node_picture.js."""
    images = {key: metadata(uri)["image"] for key, uri in uris.items()}
    script = (ROOT / "tests" / "node_picture.js").read_text()
    page = f"<body><script>const uris = {json.dumps(images)};\n{script}</script>"
    dom = page_in_browser(folder, page, "--dump-dom")
    results: dict[str, dict[str, Any]] = json.loads(unescape(dom.split("<pre>")[1].split("</pre>")[0]))
    return results


def metadata(uri: str) -> dict[str, Any]:
    scheme = "data:application/json;base64,"
    assert uri.startswith(scheme)
    read: dict[str, Any] = json.loads(b64decode(uri.removeprefix(scheme), validate=True))
    return read


def compiled(name: str) -> Artifact:
    """A contract of contracts/ or tests/forge, as forge compiles it."""
    paths = [str(ROOT / "node_modules" / ".bin"), str(ROOT / ".venv" / "bin"), os.environ.get("PATH", "")]
    source = next(path for folder in ("contracts", "tests/forge") for path in (ROOT / folder).glob(f"{name}.sol"))
    command = ["forge", "build", str(source.relative_to(ROOT))]
    environment = os.environ | {"PATH": os.pathsep.join(paths)}
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    output = json.loads((ROOT / "build" / "forge" / "out" / f"{name}.sol" / f"{name}.json").read_text())
    code = output["bytecode"]["object"].removeprefix("0x")
    return Artifact(name, str(source), output["abi"], code, "", {}, {}, {}, {}, "")


def _state(picture: Picture, node: int, now: int) -> tuple[Any, ...]:
    """The arguments of `Nodes.set`: the program's grid is laid so that now is where the picture wants it."""
    schedule = picture.schedule
    epoch = now - int((START + picture.elapsed) * DAY)
    growth = (schedule.numerator, schedule.denominator)
    terms = (int(picture.funded), 1000, picture.multiplier, schedule.periods, DAY, epoch, 1, 1, 1, *growth, bytes(32))
    name = picture.name.encode("utf-8", "surrogateescape")
    return terms, schedule.table_bytes(), name, node, picture.total, picture.claimed_periods


def _sent(chain: Anvil, transaction: dict[str, str]) -> str:
    """Sends a transaction and gives its hash, once it is mined."""
    sent: str = chain.rpc.call("eth_sendTransaction", transaction)
    while (receipt := chain.rpc.call("eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.002)
    assert receipt["status"] == "0x1"
    return sent
