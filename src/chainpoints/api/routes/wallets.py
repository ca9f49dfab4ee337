"""GET /v1/wallets/{address} and GET /v1/nodes/{id}: what a wallet holds, and what its nodes release and when."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.types import Receive, Scope, Send

from chainpoints.api.deps import AT_PARAMETERS, Gateway, GatewayDep, View, at_query_of, checked, gateway_of
from chainpoints.api.schemas.base import Address, AtQuery, NodeIdText
from chainpoints.api.schemas.chain import (
    Forecast,
    ForecastStep,
    NextRelease,
    NodeAnswer,
    NodeShape,
    ScheduleStep,
    Wallet,
    WalletNodes,
)
from chainpoints.domain.forecast import Grid, Holding, forecast, next_release, released, standing
from chainpoints.errors import NotFound
from chainpoints.store.nodes import NodeRow, holdings, nodes_of, nodes_of_wallets, nodes_paying
from chainpoints.store.nodes import node as node_row
from chainpoints.store.status import Finality
from chainpoints.store.wallets import Freeze, balances, freezes
from chainpoints.types import ZERO_ADDRESS, format_points, parse_wallet

router = APIRouter(tags=["wallets"])

WalletPath = Annotated[
    Address, Path(description="any address but the zero address; one that was never seen before holds 0 points")
]


async def get_wallet(request: Request, address: WalletPath) -> Response:
    """Balance, what can be claimed now, and what comes next. A wallet needs no registration: one that was never seen
    is answered with zeros."""
    gateway, asked = gateway_of(request), (at_query_of(request).finality, parse_wallet(address))
    return Response(await gateway.wallets.ask(asked, partial(_wallets, gateway)), media_type="application/json")


class _WalletRoute(APIRoute):
    """Leaves the framework's way to the parameters out, which is a tenth of the time of this route."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app = _answer_wallet


async def _answer_wallet(scope: Scope, receive: Receive, send: Send) -> None:
    address = checked(scope["path_params"]["address"], _WALLET_PATH, "path", "address")
    response = await get_wallet(Request(scope), address)
    await response(scope, receive, send)


_WALLET_PATH: TypeAdapter[str] = TypeAdapter(WalletPath)

WALLET_ROUTE: dict[str, Any] = {
    "path": "/v1/wallets/{address}",
    "endpoint": get_wallet,
    "response_model": Wallet,
    "openapi_extra": AT_PARAMETERS,
    "tags": ["wallets"],
    "route_class_override": _WalletRoute,
}
"""For the application's own router: another one in between takes a tenth of the time of this route."""


@router.get("/wallets/{address}/nodes")
def list_wallet_nodes(gateway: GatewayDep, address: WalletPath, query: Annotated[AtQuery, Query()]) -> WalletNodes:
    """All nodes of the wallet, by program and start."""
    with gateway.reading(query.finality) as view:
        held = holdings(view.connection, nodes_of(view.connection, parse_wallet(address), view.at), view.at)
        return WalletNodes(read_at=view.read_at(), items=[node_shape(row, node, view.now) for row, node in held])


@router.get("/wallets/{address}/forecast")
def get_wallet_forecast(gateway: GatewayDep, address: WalletPath, query: Annotated[AtQuery, Query()]) -> Forecast:
    """Every release ahead to the wallet, by date, summed over nodes of a program."""
    with gateway.reading(query.finality) as view:
        held = _paying(view, parse_wallet(address))
        items, cumulative = [], 0
        for step in forecast(held, view.now):
            cumulative += step.amount
            items.append(
                ForecastStep(
                    at=step.at,
                    program=step.program,
                    period=step.period,
                    amount=format_points(step.amount),
                    cumulative=format_points(cumulative),
                )
            )
        claimable = sum(node.claimable(view.now) for node in held)
        return Forecast(read_at=view.read_at(), claimable=format_points(claimable), items=items)


@router.get("/nodes/{node_id}", tags=["nodes"])
def get_node(
    gateway: GatewayDep, node_id: Annotated[NodeIdText, Path()], query: Annotated[AtQuery, Query()]
) -> NodeAnswer:
    """A node with its whole schedule."""
    with gateway.reading(query.finality) as view:
        row = node_row(view.connection, node_id, view.at)
        if row is None or row.owner == ZERO_ADDRESS:
            raise NotFound("there is no such node, or it has ended")
        ((_, node),) = holdings(view.connection, [row], view.at)
        shape = node_shape(row, node, view.now)
        return NodeAnswer(
            read_at=view.read_at(), **dict(shape), schedule=schedule_steps(node.grid, node.start, node.total)
        )


def _wallets(gateway: Gateway, asked: Sequence[tuple[Finality, str]]) -> dict[tuple[Finality, str], bytes]:
    """The answers about wallets that were asked for at once, each with the finality it is to be read at."""
    answers: dict[tuple[Finality, str], bytes] = {}
    for finality in {finality for finality, _ in asked}:
        addresses = [address for each, address in asked if each == finality]
        with gateway.reading(finality) as view:
            answers |= {(finality, address): answer for address, answer in _answers(view, addresses).items()}
    return answers


def _answers(view: View, addresses: list[str]) -> dict[str, bytes]:
    read_at, now = view.read_at(), view.now
    points = balances(view.connection, addresses, view.at)
    frozen = freezes(view.connection, addresses, view.at, now)
    owned: dict[str, int] = dict.fromkeys(addresses, 0)
    paying: dict[str, list[Holding]] = {address: [] for address in addresses}
    for row, node in holdings(view.connection, nodes_of_wallets(view.connection, addresses, view.at), view.at):
        if row.owner in owned:
            owned[row.owner] += 1
        if row.pays in paying:
            paying[row.pays].append(node)
    shared = read_at.model_dump()
    return {
        address: _answer(shared, address, points.get(address, 0), owned[address], paying[address], frozen, now)
        for address in addresses
    }


def _answer(
    read_at: dict[str, Any],
    address: str,
    points: int,
    owned: int,
    held: list[Holding],
    frozen: dict[str, Freeze],
    now: int,
) -> bytes:
    """The shape is `Wallet`; made by hand, since this is what is asked for most often."""
    claimable, coming = standing(held, now)
    freeze = frozen.get(address)
    return msgspec.json.encode(
        {
            "read_at": read_at,
            "address": address,
            "account": f"{read_at['chain']}:{address}",
            "balance": format_points(points),
            "claimable": format_points(claimable),
            "committed": format_points(sum([node.total - node.claimed for node in held])),
            "nodes": owned,
            "next_release": {"at": coming[0], "amount": format_points(coming[1])} if coming else None,
            "frozen": {"until": freeze.ends_at, "reason": freeze.reason, "by": freeze.by} if freeze else None,
        }
    )


def _paying(view: View, wallet: str) -> list[Holding]:
    rows = nodes_paying(view.connection, wallet, view.at)
    return [node for _, node in holdings(view.connection, rows, view.at)]


def next_release_shape(held: list[Holding], now: int) -> NextRelease | None:
    step = next_release(held, now)
    return NextRelease(at=step[0], amount=format_points(step[1])) if step else None


def node_shape(row: NodeRow, node: Holding, now: int) -> NodeShape:
    claimable = node.claimable(now)
    return NodeShape(
        id=row.node,
        program=row.program,
        owner=row.owner,
        beneficiary=row.beneficiary,
        given_until=row.given_until,
        start=row.start,
        starts_at=node.grid.begins_at(row.start),
        unlocks_at=node.unlocks_at(),
        ends_at=node.grid.begins_at(row.start + node.grid.schedule.periods),
        locked=node.is_locked(now),
        elapsed_periods=node.grid.elapsed(row.start, now),
        periods=node.grid.schedule.periods,
        total=format_points(row.total),
        released=format_points(row.claimed + claimable),
        claimed=format_points(row.claimed),
        claimable=format_points(claimable),
    )


def schedule_steps(grid: Grid, start: int, total: int) -> list[ScheduleStep]:
    """Every release of a node of `total` base units, from the first to the last."""
    steps, before = [], 0
    for k in range(1, grid.schedule.periods + 1):
        after = released(grid.schedule, total, k)
        steps.append(
            ScheduleStep(
                period=k,
                at=grid.begins_at(start + k),
                released=format_points(after),
                amount=format_points(after - before),
            )
        )
        before = after
    return steps
