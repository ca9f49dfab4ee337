"""docs/webhooks.md: its code runs, its examples have the form of what is sent, no kind of message is left out."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any, get_args

import pytest

from builders import signer
from chainpoints.config import Secret
from chainpoints.domain.webhooks import RETRY_SECONDS, EventType, reversed_type
from chainpoints.store.history import END_OF_BLOCK
from chainpoints.store.webhook_feed import Happening
from chainpoints.store.webhook_messages import MessageRow
from chainpoints.types import ZERO_ADDRESS, NodeId
from chainpoints.webhooks.payloads import Draft, draft, refused, reversal
from chainpoints.webhooks.signing import signed_headers

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ALICE = signer("alice").address
HASH = "0x" + "5e" * 32
NODE = str(NodeId.of_payment(1, 2, ALICE))
PLACE = {"block_number": 8, "block_hash": HASH, "log_index": 3, "transaction_hash": HASH, "timestamp": 852076800}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def drafts() -> dict[str, Draft]:
    """One of each form, by its type."""
    order = {"merchant": 1, "order_hash": HASH, "program": 1, "start": 2, "total": 5}
    rows: dict[str, dict[str, Any]] = {
        "payments": {**order, "payer": ALICE, "amount": 5, "diverted": 1},
        "issues": {**order, "customer": ALICE, "points": 5, "evidence": HASH},
        "claims": {"node": NODE, "owner": ALICE, "receiver": ALICE, "amount": 5, "claimed_periods": 1},
        "node_transfers": {"node": NODE, "sender": ALICE, "receiver": ALICE},
        "merchants": {"merchant": 1, "active": True, "paid_per_day": 1, "issued_per_day": 1, "quota": 1},
    }
    made = [draft(Happening(kind, PLACE | row, frozenset({1})), "whk", 1, "head", {}) for kind, row in rows.items()]
    request = {"merchant": 1, "order_hash": HASH, "id": "r", "kind": "payment", "wallet": ALICE, "accepted_at": 1}
    made.append(refused(request | {"refusal": {}}, "whk", 1, {}))
    moved = next(each for each in made if each.type == "node.transferred").message(1)
    row = {name: getattr(moved, name) for name in moved.__slots__}
    made.append(reversal(MessageRow(**row, number=1, state="pending", tries=0, next_attempt_at=0, created_at=0), 1))
    return {each.type: each for each in made}


def test_its_code_verifies_and_acts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINPOINTS_WEBHOOK_SECRET", SECRET)
    handled: list[tuple[str, Any]] = []
    (code,) = blocks("python")
    names: dict[str, Any] = {"handle": lambda event, data: handled.append((event, data))}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    body = drafts()["payment.created"].message(1).payload
    headers = signed_headers("msg_1", body, int(time.time()), [Secret(SECRET)])
    assert [names["receive"](body.encode(), headers) for _ in range(2)] == [204, 204]
    assert names["receive"](body.encode() + b" ", headers) == 400
    assert [event for event, _ in handled] == ["payment.created"]


def test_its_code_loses_nothing_that_could_not_be_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes headers however they are written."""
    monkeypatch.setenv("CHAINPOINTS_WEBHOOK_SECRET", SECRET)
    answers = iter([RuntimeError("the database is away"), None])
    handled = list[str]()

    def handle(event: str, _: Any) -> None:
        if failure := next(answers):
            raise failure
        handled.append(event)

    (code,) = blocks("python")
    names: dict[str, Any] = {"handle": handle}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    body = drafts()["payment.created"].message(1).payload
    signed = signed_headers("msg_1", body, int(time.time()), [Secret(SECRET)])
    headers = {name.title(): value for name, value in signed.items()}
    with pytest.raises(RuntimeError):
        names["receive"](body.encode(), headers)
    assert names["receive"](body.encode(), headers) == 204
    assert handled == ["payment.created"]


def test_each_example_has_the_form_of_what_is_sent() -> None:
    examples = {each["type"]: each for each in map(json.loads, blocks("json"))}
    made = drafts()
    assert examples.keys() == made.keys() | {"ping"}
    for event, each in made.items():
        sent = json.loads(each.message(4).payload)
        assert list(examples[event]) == list(sent)
        keys = {*examples[event]["data"]}
        assert keys == {*sent["data"]}, event
        for name, value in examples[event]["data"].items():
            if None not in (value, sent["data"][name]):
                assert type(value) is type(sent["data"][name]), (event, name)


def test_every_kind_of_message_is_named() -> None:
    kinds = get_args(EventType)
    wanted = {*kinds, *(reversed_type(each) for each in kinds if each != "request.refused"), "ping"}
    assert {each for each in wanted if f"`{each}`" not in PAGE} == set()


def test_what_is_in_no_log_place_has_none() -> None:
    row = PLACE | {"log_index": END_OF_BLOCK, "merchant": 1, "active": True, "quota": 1}
    row |= {"paid_per_day": 1, "issued_per_day": 1}
    told = draft(Happening("merchants", row, frozenset({1})), "whk", 1, "head", {}).message(1)
    assert json.loads(told.payload)["data"]["log_index"] is None


def test_a_node_that_begins_or_ends_is_told_as_that() -> None:
    for sender, receiver, event in ((ZERO_ADDRESS, ALICE, "node.created"), (ALICE, ZERO_ADDRESS, "node.ended")):
        row = PLACE | {"node": NODE, "sender": sender, "receiver": receiver}
        assert draft(Happening("node_transfers", row, frozenset({1})), "whk", 1, "head", {}).type == event


def test_the_table_of_retries_is_the_schedule() -> None:
    shown = next(line for line in PAGE.splitlines() if line.startswith("| after the one before"))
    units = {"s": 1, "min": 60, "h": 3_600}
    cells = [cell.strip().split() for cell in shown.split("|")[3:-1]]
    assert [int(number) * units[unit] for number, unit in cells] == list(RETRY_SECONDS)
