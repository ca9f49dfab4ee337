"""The pages: what a person reads, in every state; nothing is loaded from elsewhere and nothing that was sent is run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from builders import ROOT, signer
from chain_rows import DAY, EPOCH, FEC, INSTALMENTS, MANIFEST, ChainRows
from chainpoints.api.app import create_app
from chainpoints.config import load_settings
from chainpoints.store import tables
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT
from chainpoints.web.pages import Pages, router
from gateway import serving

pytestmark = pytest.mark.integration

ALICE, BOB = signer("alice").address, signer("bob").address


@pytest.fixture
def pages(store: Store, tmp_path: Path) -> Iterator[httpx.Client]:
    app = create_app(load_settings({"CHAINPOINTS_HOME": str(tmp_path)}), MANIFEST, store, pages=[router(store)])
    with serving(app) as url, httpx.Client(base_url=url) as http:
        yield http


def fill(store: Store) -> None:
    """Alice has a node that has begun to release, and one that is locked; Day 40 is in week 5."""
    with store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks()
        rows.state()
        rows.program(FEC)
        rows.balance(ALICE, 1_234 * ONE_POINT)
        rows.minted()
        node = rows.node(ALICE, 1, 10_000 * ONE_POINT, claimed=3_831_380, claimed_periods=1)
        rows.node(ALICE, 6, 500 * ONE_POINT)
        rows.books(FEC, committed=10_496_168_620, released=3_831_380)
        rows.event(tables.claims, 20, node=node, owner=ALICE, receiver=ALICE, amount=3_831_380, claimed_periods=1)


class Markup(HTMLParser):
    """Checks that tags are balanced, and collects what the page loads and links to."""

    VOID = {"meta", "link", "input"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def good(answer: httpx.Response, status: int = 200) -> str:
    """The page, after the checks that every page passes."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    markup = Markup(answer.text)
    assert all(address.startswith("/") and not address.startswith("//") for address in markup.addresses)
    assert not {name for name in markup.attributes if name.startswith("on") or name == "style"}
    assert {"h1", "main", "title"} <= markup.tags
    assert not re.search(r"profit|yield|invest|guarante", answer.text, re.IGNORECASE)
    return answer.text


def test_home_explains_and_leads_to_the_api_and_to_wallets(pages: httpx.Client, store: Store) -> None:
    fill(store)
    page = good(pages.get("/"))
    assert 'href="/docs"' in page
    assert f'href="/wallet/{ALICE}"' in page
    assert "finality: head" in page


def test_home_before_anybody_claimed_says_so(pages: httpx.Client, store: Store) -> None:
    with store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks()
        rows.state()
    assert "Nobody has claimed" in good(pages.get("/"))


def test_pages_before_the_chain_is_read_say_so(pages: httpx.Client) -> None:
    for path in ("/", f"/wallet/{ALICE}"):
        assert "has not been read yet" in good(pages.get(path), 503) or "no block" in pages.get(path).text


def test_the_form_leads_to_the_wallet(pages: httpx.Client, store: Store) -> None:
    answer = pages.get("/wallet", params={"address": f"  {ALICE.upper().replace('0X', '0x')} "})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/wallet/{ALICE}")


def test_a_wallet_shows_what_it_holds_and_what_comes(pages: httpx.Client, store: Store) -> None:
    fill(store)
    page = good(pages.get(f"/wallet/{ALICE}"))
    shown = (
        "1234.000000",
        "10000.000000",
        "4 of 100 periods",
        "FEC",
        "<svg",
        "Claim 12.",
        "3.831380",
        "finality: head",
    )
    for words in shown:
        assert words in page, words
    bars = page.count('class="bar"')
    assert 50 < bars <= 104
    unlocks = datetime.fromtimestamp(EPOCH + 7 * 7 * DAY, UTC)
    assert f"locked until {unlocks.day} {unlocks:%b %Y}" in page


def test_a_wallet_says_where_the_points_come_from_and_how_much_they_dilute(pages: httpx.Client, store: Store) -> None:
    fill(store)
    page = good(pages.get(f"/wallet/{ALICE}"))
    assert "10496.168620 points owed to all nodes will be newly minted, 850.58% of all points there are now" in page
    assert "each release dilutes" in page
    assert "Half of it is released after 86 of the 100 periods" in page


@pytest.mark.parametrize(("closes_at", "words"), [(41, "takes payments until"), (40, "took payments until")])
def test_a_wallet_and_the_api_say_what_replaces_a_program(
    pages: httpx.Client, store: Store, closes_at: int, words: str
) -> None:
    """At its end a program takes payments no more. Its nodes go on."""
    fill(store)
    with store.write() as connection:
        rows = ChainRows(connection)
        rows.program(INSTALMENTS, funding="FUNDED", name="FEC 2")
        closing = {"program": FEC, "block_number": 3, "replaced_by": INSTALMENTS, "closes_at": EPOCH + closes_at * DAY}
        connection.execute(tables.replacements.insert().values(closing))
    page = good(pages.get(f"/wallet/{ALICE}"))
    closing_day = datetime.fromtimestamp(EPOCH + closes_at * DAY, UTC)
    assert f"FEC 2 replaces this program, which {words} {closing_day.day} {closing_day:%b %Y}" in page
    replacement = {"program": INSTALMENTS, "closes_at": EPOCH + closes_at * DAY}
    assert pages.get(f"/v1/programs/{FEC}").json()["replacement"] == replacement
    assert pages.get(f"/v1/programs/{INSTALMENTS}").json()["replacement"] is None
    assert pages.get("/v1/programs").json()["items"][0]["replacement"] == replacement


def test_a_frozen_wallet_says_until_when_and_why(pages: httpx.Client, store: Store) -> None:
    fill(store)
    with store.write() as connection:
        end = EPOCH + 60 * DAY
        reason = {"by": BOB, "reason": "<script>alert(1)</script>"}
        ChainRows(connection).event(tables.freezes, 30, account=ALICE, until=end, **reason)
    page = pages.get(f"/wallet/{ALICE}").text
    assert f"frozen until {datetime.fromtimestamp(end, UTC):%-d %b %Y}" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "script>alert" not in page
    assert "frozen" not in pages.get(f"/wallet/{BOB}").text


def test_an_empty_wallet_says_so_in_words(pages: httpx.Client, store: Store) -> None:
    fill(store)
    page = good(pages.get(f"/wallet/{BOB}"))
    for words in ("has no release nodes", "Nothing was claimed", "Nothing will be released"):
        assert words in page
    assert "<svg" not in page
    assert "<button" not in page


@pytest.mark.parametrize(
    "bad", ["<script>alert(1)</script>", "0x12", "%00", "0x" + "g" * 40, "../../etc/passwd", "0x" + "00" * 20]
)
def test_what_is_no_address_is_told_and_not_run(pages: httpx.Client, bad: str) -> None:
    answer = pages.get("/wallet", params={"address": bad})
    assert "This is no address" in good(answer, 400)
    assert "<script>alert" not in answer.text


def test_names_of_programs_are_escaped(store: Store) -> None:
    fill(store)
    with store.write() as connection:
        connection.execute(tables.programs.update().values(name="<b>x</b>"))
    page = Pages(store).wallet(ALICE)
    assert b"&lt;b&gt;x&lt;/b&gt;" in page.body
    assert b"<b>" not in page.body


def test_what_pages_need_is_served_and_nothing_else(pages: httpx.Client) -> None:
    style, script = pages.get("/static/style.css"), pages.get("/static/claim.js")
    assert style.headers["content-type"].startswith("text/css")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "idempotency-key" in script.text
    for name in ("nothing.js", "..%2Fpages.py", "%2E%2E%2Fpages.py"):
        assert pages.get(f"/static/{name}").status_code == 404


def pressed(pages: httpx.Client, wallet: str, *presses: str) -> tuple[list[dict[str, Any]], str]:
    """The claims that the button's own script sends, and what the page then says (see claim_page.js)."""
    node = shutil.which("node")
    assert node, "the button's script needs node, which `make test` installs"
    script = ROOT / "src/chainpoints/web/static/claim.js"
    command = [node, ROOT / "tests/claim_page.js", script, str(pages.base_url).rstrip("/"), wallet, *presses]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    *claims, end = map(json.loads, result.stdout.splitlines())
    return claims, end["shown"]


def test_a_press_after_a_refusal_is_a_new_request(pages: httpx.Client, store: Store) -> None:
    fill(store)
    claims, shown = pressed(pages, BOB, "press", "press")
    assert [claim["status"] for claim in claims] == [422, 422]
    assert claims[0]["key"] != claims[1]["key"]
    assert shown == "Not claimed: the wallet has no nodes"


def test_a_press_after_a_lost_answer_is_the_same_request(pages: httpx.Client, store: Store) -> None:
    fill(store)
    claims, shown = pressed(pages, ALICE, "lose", "lose", "press")
    assert [(claim["status"], claim["replayed"]) for claim in claims] == [(202, False), (202, True), (202, True)]
    assert len({claim["key"] for claim in claims}) == 1
    assert shown == "Accepted …"
