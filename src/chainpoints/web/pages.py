"""GET / and /wallet/{address}. Every page says the block that it was read at and how final that is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import RedirectResponse

from chainpoints.domain.forecast import forecast, next_release
from chainpoints.domain.terms import describe, ratio
from chainpoints.errors import InvalidInput, StoreUnavailable
from chainpoints.store import Connection
from chainpoints.store.history import page
from chainpoints.store.nodes import holdings, nodes_of, nodes_paying
from chainpoints.store.programs import books, programs, replacements
from chainpoints.store.session import Store
from chainpoints.store.status import Head, indexed, state_and_block
from chainpoints.store.wallets import balance, example_wallets, freezes, supply
from chainpoints.types import Address, format_points, parse_wallet
from chainpoints.web.chart import release_chart

_HERE = Path(__file__).parent
_STATIC = {"style.css": "text/css", "claim.js": "text/javascript"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_CLAIMS_SHOWN, _EXAMPLES_SHOWN = 20, 5


def router(store: Store) -> APIRouter:
    """The pages, over a store."""
    pages = Pages(store)
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/", pages.home)
    routes.add_api_route("/wallet", pages.find)
    routes.add_api_route("/wallet/{address}", pages.wallet)
    routes.add_api_route("/static/{name}", pages.static)
    return routes


class Pages:
    """One method for each page; what goes wrong is told in a page too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.filters |= {"date": _date, "points": format_points, "short": _short}

    def home(self) -> Response:
        try:
            with self._store.read() as connection:
                _, block = state_and_block(connection, "head")
                examples = example_wallets(connection, block.number, _EXAMPLES_SHOWN)
                return self._show("home.html", examples=examples, **_read_at(connection, block))
        except StoreUnavailable as error:
            return self._message(503, "Not ready yet", str(error))

    def find(self, address: str = "") -> Response:
        """What the form on the home page asks for."""
        try:
            return RedirectResponse(f"/wallet/{parse_wallet(address.strip())}", 303)
        except InvalidInput as error:
            return self._message(400, "This is no address", str(error))

    def wallet(self, address: str) -> Response:
        try:
            owner = parse_wallet(address)
            with self._store.read() as connection:
                _, block = state_and_block(connection, "head")
                return self._show("wallet.html", **_wallet(connection, block, owner))
        except InvalidInput as error:
            return self._message(400, "This is no address", str(error))
        except StoreUnavailable as error:
            return self._message(503, "Not ready yet", str(error))

    def static(self, name: str) -> Response:
        if name not in _STATIC:
            words = "The page that asked for it may be an old one; load it again."
            return self._message(404, "There is no such file", words)
        content = (_HERE / "static" / name).read_bytes()
        return Response(content, headers={"cache-control": "no-cache", **_HEADERS}, media_type=_STATIC[name])

    def _show(self, template: str, status: int = 200, **values: Any) -> Response:
        html = self._templates.get_template(template).render(**values)
        return Response(html, status, headers=_HEADERS, media_type="text/html")

    def _message(self, status: int, title: str, words: str) -> Response:
        return self._show("message.html", status, title=title, words=words)


def _wallet(connection: Connection, block: Head, owner: Address) -> dict[str, Any]:
    rows = {row.node: row for of in (nodes_of, nodes_paying) for row in of(connection, owner, block.number)}
    held = holdings(connection, list(rows.values()), block.number)
    paying = [node for row, node in held if row.pays == owner]
    ahead = forecast(paying, block.timestamp)
    names = {number: terms.name for number, terms in programs(connection, block.number).items()}
    nodes = [
        {
            "row": row,
            "program": names[row.program],
            "starts_at": node.grid.begins_at(row.start),
            "unlocks_at": node.unlocks_at(),
            "ends_at": node.grid.begins_at(row.start + node.grid.schedule.periods),
            "locked": node.is_locked(block.timestamp),
            "elapsed": node.grid.elapsed(row.start, block.timestamp),
            "periods": node.grid.schedule.periods,
            "claimable": node.claimable(block.timestamp),
        }
        for row, node in held
    ]
    return {
        "owner": owner,
        "balance": balance(connection, owner, block.number),
        "frozen": freezes(connection, [owner], block.number, block.timestamp).get(owner),
        "claimable": sum(node.claimable(block.timestamp) for node in paying),
        "committed": sum(node.total - node.claimed for node in paying),
        "next_release": next_release(paying, block.timestamp),
        "nodes": nodes,
        "programs": _programs(connection, block, {row.program for row, _ in held}),
        "chart": release_chart(ahead, block.timestamp),
        "claims": page(connection, "claims", block.number, limit=_CLAIMS_SHOWN, wallet=owner).rows,
        **_read_at(connection, block),
    }


def _programs(connection: Connection, block: Head, held: set[int]) -> list[dict[str, Any]]:
    """Of each program that the wallet holds nodes of: its rules in words, and how what it owes is covered now."""
    points_supply, closing = supply(connection, block.number), replacements(connection, block.number)
    known, shown = programs(connection, block.number), []
    for number, terms in known.items():
        if number not in held:
            continue
        owed, replacement = books(connection, number, block.number), closing.get(number)
        share = ratio(100 * owed.committed, points_supply)
        shown.append(
            {
                "name": terms.name,
                "words": describe(terms),
                "is_funded": terms.is_funded,
                "committed": owed.committed,
                "reserve": owed.reserve,
                "replaced_by": known[replacement.replaced_by].name if replacement else None,
                "closes_at": replacement.closes_at if replacement else None,
                "dilution": share[:-4] if share else None,  # to the hundredth of a percent
            }
        )
    return shown


def _read_at(connection: Connection, block: Head) -> dict[str, Any]:
    state = indexed(connection)
    return {"block": block, "finality": state.finality(block.number), "chain": f"eip155:{state.chain_id}"}


def _date(timestamp: int) -> str:
    """A chain time as a person reads it, to the minute where it is not midnight."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    day = f"{moment.day} {moment:%b %Y}"
    return day if moment.hour == moment.minute == 0 else f"{day}, {moment:%H:%M} UTC"


def _short(text: str) -> str:
    """An address, hash or long number by its ends."""
    return text if len(text) < 16 else f"{text[:8]}…{text[-6:]}"
