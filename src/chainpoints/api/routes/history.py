"""Pages of payments, refunds, issues, claims and transfers: of everyone (public chain data), of a wallet or a node."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from chainpoints.api.deps import Gateway, GatewayDep, View
from chainpoints.api.routes.wallets import WalletPath
from chainpoints.api.schemas.base import NodeIdText, PageQuery, cursor_of, log_place
from chainpoints.api.schemas.events import (
    ClaimEvent,
    ClaimPage,
    ClaimsQuery,
    IssueEvent,
    IssuePage,
    NodeTransferEvent,
    NodeTransferPage,
    OrderEventsQuery,
    PaymentEvent,
    PaymentPage,
    TransferEvent,
    TransferPage,
    TransfersQuery,
)
from chainpoints.store.history import Row, page
from chainpoints.types import NodeId, format_points, parse_address, parse_hash, parse_wallet

router = APIRouter(tags=["history"])


@router.get("/payments")
def list_payments(gateway: GatewayDep, query: Annotated[OrderEventsQuery, Query()]) -> PaymentPage:
    """Payments in points."""
    return PaymentPage(**_page(gateway, "payments", query, **_order_filters(query)))


@router.get("/refunds")
def list_refunds(gateway: GatewayDep, query: Annotated[OrderEventsQuery, Query()]) -> PaymentPage:
    """Refunds: each item says what was given back."""
    return PaymentPage(**_page(gateway, "refunds", query, **_order_filters(query)))


@router.get("/issues")
def list_issues(gateway: GatewayDep, query: Annotated[OrderEventsQuery, Query()]) -> IssuePage:
    """Points issued for payments in money."""
    return IssuePage(**_page(gateway, "issues", query, **_order_filters(query)))


@router.get("/claims")
def list_claims(gateway: GatewayDep, query: Annotated[ClaimsQuery, Query()]) -> ClaimPage:
    """What nodes paid out."""
    owner = parse_address(query.owner) if query.owner else None
    return ClaimPage(**_page(gateway, "claims", query, node=query.node, owner=owner))


@router.get("/transfers")
def list_transfers(gateway: GatewayDep, query: Annotated[TransfersQuery, Query()]) -> TransferPage:
    """Every movement of points, mints and burns too."""
    sender = parse_address(query.sender) if query.sender else None
    receiver = parse_address(query.receiver) if query.receiver else None
    return TransferPage(**_page(gateway, "transfers", query, sender=sender, receiver=receiver))


@router.get("/wallets/{address}/payments", tags=["wallets"])
def list_wallet_payments(gateway: GatewayDep, address: WalletPath, query: Annotated[PageQuery, Query()]) -> PaymentPage:
    """Payments that the wallet made."""
    return PaymentPage(**_page(gateway, "payments", query, wallet=parse_wallet(address)))


@router.get("/wallets/{address}/issues", tags=["wallets"])
def list_wallet_issues(gateway: GatewayDep, address: WalletPath, query: Annotated[PageQuery, Query()]) -> IssuePage:
    """Points issued to the wallet."""
    return IssuePage(**_page(gateway, "issues", query, wallet=parse_wallet(address)))


@router.get("/wallets/{address}/transfers", tags=["wallets"])
def list_wallet_transfers(
    gateway: GatewayDep, address: WalletPath, query: Annotated[PageQuery, Query()]
) -> TransferPage:
    """Points that came and went."""
    return TransferPage(**_page(gateway, "transfers", query, wallet=parse_wallet(address)))


@router.get("/wallets/{address}/claims", tags=["wallets"])
def list_wallet_claims(gateway: GatewayDep, address: WalletPath, query: Annotated[PageQuery, Query()]) -> ClaimPage:
    """What the wallet's nodes paid out."""
    return ClaimPage(**_page(gateway, "claims", query, wallet=parse_wallet(address)))


@router.get("/nodes/{node_id}/transfers", tags=["nodes"])
def list_node_transfers(
    gateway: GatewayDep, node_id: Annotated[NodeIdText, Path()], query: Annotated[PageQuery, Query()]
) -> NodeTransferPage:
    """Whose the node was, from its making on. A node that was never made has none."""
    return NodeTransferPage(**_page(gateway, "node_transfers", query, node=node_id))


def payment_event(view: View, row: Row) -> PaymentEvent:
    return PaymentEvent(
        **_event(view, row),
        merchant=row["merchant"],
        order_hash=row["order_hash"],
        payer=row["payer"],
        program=row["program"],
        node=str(NodeId.of_payment(row["program"], row["start"], row["payer"])),
        amount=format_points(row["amount"]),
        merchant_share=format_points(row["amount"] - row["diverted"]),
        diverted=format_points(row["diverted"]),
        node_total=format_points(row["total"]),
    )


def _issue_event(view: View, row: Row) -> IssueEvent:
    has_node = row["total"] != 0
    return IssueEvent(
        **_event(view, row),
        merchant=row["merchant"],
        order_hash=row["order_hash"],
        customer=row["customer"],
        points=format_points(row["points"]),
        node_total=format_points(row["total"]),
        program=row["program"] if has_node else None,
        node=str(NodeId.of_issue(row["program"], row["start"], row["customer"])) if has_node else None,
        evidence=row["evidence"],
    )


def _claim_event(view: View, row: Row) -> ClaimEvent:
    return ClaimEvent(
        **_event(view, row),
        node=row["node"],
        owner=row["owner"],
        receiver=row["receiver"],
        amount=format_points(row["amount"]),
        claimed_periods=row["claimed_periods"],
    )


def _transfer_event(view: View, row: Row) -> TransferEvent:
    return TransferEvent(
        **_event(view, row), sender=row["sender"], receiver=row["receiver"], amount=format_points(row["amount"])
    )


def _node_transfer_event(view: View, row: Row) -> NodeTransferEvent:
    return NodeTransferEvent(**_event(view, row), node=row["node"], sender=row["sender"], receiver=row["receiver"])


SHAPES = {
    "payments": payment_event,
    "refunds": payment_event,
    "issues": _issue_event,
    "claims": _claim_event,
    "transfers": _transfer_event,
    "node_transfers": _node_transfer_event,
}


def _event(view: View, row: Row) -> dict[str, Any]:
    return {
        "block": row["block_number"],
        "log_index": row["log_index"],
        "transaction": row["transaction_hash"],
        "timestamp": row["timestamp"],
        "finality": view.state.finality(row["block_number"]),
    }


def _page(
    gateway: Gateway, kind: str, query: PageQuery, *, wallet: str | None = None, **filters: Any
) -> dict[str, Any]:
    after = log_place(query.cursor)
    with gateway.reading(query.finality) as view:
        found = page(view.connection, kind, view.at, limit=query.limit, after=after, wallet=wallet, **filters)
        items = [SHAPES[kind](view, row) for row in found.rows]
        return {"read_at": view.read_at(), "items": items, "next": cursor_of(found.next)}


def _order_filters(query: OrderEventsQuery) -> dict[str, Any]:
    order_hash = parse_hash(query.order_hash) if query.order_hash else None
    return {"merchant": query.merchant, "order_hash": order_hash, "program": query.program}
