"""GET /v1/status and /v1/totals."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from chainpoints.api.counting import counts_at
from chainpoints.api.deps import GatewayDep
from chainpoints.api.schemas.base import AtQuery
from chainpoints.api.schemas.chain import IndexState, LaneState, Status, StatusQuery, Totals
from chainpoints.store.relay import open_requests
from chainpoints.store.relay_transactions import all_lanes
from chainpoints.store.status import refusals, requests_by_state, totals
from chainpoints.types import format_points

router = APIRouter(tags=["status"])


@router.get("/status")
def get_status(gateway: GatewayDep, query: Annotated[StatusQuery, Query()]) -> Status:
    """How far the chain is read, what waits to be carried out, what stops it. Ask as often as you like."""
    with gateway.reading(query.finality, states=False) as view:
        state = view.state
        index = IndexState(
            head=view.at,
            safe=state.safe,
            final=state.final,
            node_head=state.node_head,
            lag=max(0, state.node_head - view.at) if query.finality == "head" else 0,
            first_block=state.first_block,
            checked_at=state.checked_at,
            halted=state.halted,
            trouble=state.trouble,
        )
        return Status(
            read_at=view.read_at(),
            index=index,
            open_requests=open_requests(view.connection, query.due_by),
            lanes=[
                LaneState(name=lane.lane, sender=lane.sender, trouble=lane.trouble)
                for lane in all_lanes(view.connection)
            ],
            contracts={name: contract.address for name, contract in gateway.manifest.contracts.items()},
        )


@router.get("/totals")
def get_totals(gateway: GatewayDep, query: Annotated[AtQuery, Query()]) -> Totals:
    """Counts and sums over everything up to the block."""
    with gateway.reading(query.finality) as view:
        sums = totals(view.connection, view.at, counts_at(gateway, view))
        return Totals(
            read_at=view.read_at(),
            requests=requests_by_state(view.connection),
            refusals=refusals(view.connection),
            supply=format_points(sums.supply),
            payments=sums.payments,
            refunds=sums.refunds,
            issues=sums.issues,
            claims=sums.claims,
            transfers=sums.transfers,
            nodes=sums.nodes,
            paid=format_points(sums.paid),
            refunded=format_points(sums.refunded),
            issued=format_points(sums.issued),
            diverted=format_points(sums.diverted),
            claimed=format_points(sums.claimed),
            committed=format_points(sums.committed),
        )
