"""GET /v1/merchants/{merchant}/statements: a merchant's books over a time, in double entry."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from chainpoints.api.auth import Token, authenticate
from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.routes.merchants import MerchantPath, known
from chainpoints.api.schemas.statements import AccountAmounts, Statement, StatementEntry, StatementQuery
from chainpoints.domain.statement import ACCOUNTS, Postings, total
from chainpoints.errors import RequestRefused
from chainpoints.store.statements import Entry, balances, entries, last_block_before
from chainpoints.types import format_points

router = APIRouter(tags=["merchants"])

MOST_ENTRIES = 10_000

_COLUMNS = ("timestamp", "kind", "reference", "order_hash", "transaction", "block", "log_index", *ACCOUNTS)
_AS_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": ",".join(_COLUMNS) + "\r\n"}}}
}


@router.get("/merchants/{merchant}/statements", response_model=Statement, responses=_AS_CSV)
def get_statement(
    gateway: GatewayDep, token: Token, merchant: MerchantPath, query: Annotated[StatementQuery, Query()]
) -> Any:
    """Every payment, refund, issue and change of quota of a time, with the balances before and after. Needs the scope
    orders:read."""
    with gateway.reading(query.finality) as view:
        authenticate(gateway, view, token, "orders:read").check_merchant(merchant)
        known(view, merchant)
        found = _statement(view, merchant, query)
    return found if query.format == "json" else Response(_csv(found), media_type="text/csv; charset=utf-8")


def _statement(view: View, merchant: int, query: StatementQuery) -> Statement:
    before = last_block_before(view.connection, query.since, view.at)
    last = max(before, last_block_before(view.connection, query.until, view.at))
    opening = balances(view.connection, merchant, before)
    booked = entries(view.connection, merchant, before, last, MOST_ENTRIES)
    if len(booked) > MOST_ENTRIES:
        detail = f"more than {MOST_ENTRIES} entries lie in this time"
        raise RequestRefused(422, "statement-too-large", detail, most=MOST_ENTRIES)
    closing = total([opening, *(entry.postings for entry in booked)])
    return Statement(
        read_at=view.read_at(),
        merchant=merchant,
        since=query.since,
        until=query.until,
        opening=_amounts(opening),
        entries=[_entry(entry) for entry in booked],
        closing=_amounts(closing),
    )


def _amounts(postings: Postings) -> AccountAmounts:
    return AccountAmounts(**{name: format_points(amount) for name, amount in postings._asdict().items()})


def _entry(entry: Entry) -> StatementEntry:
    shown = entry._asdict()
    return StatementEntry(amounts=_amounts(shown.pop("postings")), **shown)


def _csv(statement: Statement) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\r\n")
    table.writeheader()
    table.writerow({"timestamp": statement.since, "kind": "opening", **statement.opening.model_dump()})
    for entry in statement.entries:
        row = entry.model_dump()
        table.writerow(row.pop("amounts") | row | {"reference": _harmless(entry.reference)})
    table.writerow({"timestamp": statement.until, "kind": "closing", **statement.closing.model_dump()})
    return text.getvalue()


def _harmless(reference: str | None) -> str:
    """So that a table program takes it for text, not for a formula."""
    return f"'{reference}" if reference and reference[0] in "=+-@" else reference or ""
