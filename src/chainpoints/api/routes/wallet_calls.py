"""What a holder's wallet sends itself, as ready transactions: with the gateway away, nothing of it changes.

The contracts have no signed form of these (docs/contracts.md), or one that a wallet may do without.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from chainpoints.api.deps import Gateway, GatewayDep, View
from chainpoints.api.routes.wallet_actions import NodePath, given_node, some, standing_node
from chainpoints.api.routes.wallets import WalletPath
from chainpoints.api.schemas.wallet_actions import (
    BeneficiaryQuery,
    ClaimApprovalTerms,
    ClaimToQuery,
    GiveQuery,
    MergeQuery,
    PointsQuery,
    ReceiverQuery,
    SplitQuery,
    WalletCallAnswer,
)
from chainpoints.chain.wallet_calls import wallet_call
from chainpoints.errors import RequestRefused
from chainpoints.store.nodes import NodeRow, holdings
from chainpoints.types import parse_address, parse_points, parse_wallet

router = APIRouter(tags=["wallet actions"])


@router.get("/nodes/{node_id}/calls/split", tags=["nodes"])
def get_split_call(gateway: GatewayDep, node_id: NodePath, query: Annotated[SplitQuery, Query()]) -> WalletCallAnswer:
    """The owner's transaction that takes pieces off the node; the node keeps the rest."""
    totals = [some(total) for total in query.totals]
    with gateway.reading() as view:
        row = _free_node(view, node_id)
        if sum(totals) >= row.total:
            raise RequestRefused(422, "pieces-too-large", "the pieces must leave something of the node's total")
        return _call(gateway, view, row.owner, "split", int(node_id), totals)


@router.get("/nodes/{node_id}/calls/merge", tags=["nodes"])
def get_merge_call(gateway: GatewayDep, node_id: NodePath, query: Annotated[MergeQuery, Query()]) -> WalletCallAnswer:
    """The owner's transaction that merges other nodes into this one: of the same program, start and beneficiary."""
    with gateway.reading() as view:
        into = _free_node(view, node_id)
        for each in query.nodes:
            other = _free_node(view, each)
            if _likeness(other) != _likeness(into) or each == node_id:
                raise RequestRefused(422, "nodes-not-alike", f"node {each} cannot be merged into {node_id}")
        return _call(gateway, view, into.owner, "merge", int(node_id), [int(each) for each in query.nodes])


@router.get("/nodes/{node_id}/calls/give", tags=["nodes"])
def get_give_call(gateway: GatewayDep, node_id: NodePath, query: Annotated[GiveQuery, Query()]) -> WalletCallAnswer:
    """The owner's transaction that gives the node away by a link: whoever has its key may take it until `expiry`."""
    secret = parse_wallet(query.secret)
    with gateway.reading() as view:
        owner = _free_node(view, node_id).owner
        if query.expiry <= view.now:
            raise RequestRefused(422, "gift-is-over", f"the gift would end before it begins: it is {view.now} now")
        return _call(gateway, view, owner, "give", int(node_id), secret, query.expiry)


@router.get("/nodes/{node_id}/calls/take-back", tags=["nodes"])
def get_take_back_call(gateway: GatewayDep, node_id: NodePath) -> WalletCallAnswer:
    """Anyone's transaction that ends a gift which nobody took in time."""
    with gateway.reading() as view:
        given_node(view, node_id)
        return _call(gateway, view, standing_node(view, node_id).owner, "take_back", int(node_id))


@router.get("/nodes/{node_id}/calls/beneficiary", tags=["nodes"])
def get_beneficiary_call(
    gateway: GatewayDep, node_id: NodePath, query: Annotated[BeneficiaryQuery, Query()]
) -> WalletCallAnswer:
    """The owner's transaction that names who is paid (custody). What was claimable is paid first, to who was before."""
    beneficiary = parse_address(query.beneficiary)
    with gateway.reading() as view:
        row = _free_node(view, node_id, unlocked=False)
        return _call(gateway, view, row.owner, "set_beneficiary", int(node_id), beneficiary)


@router.get("/nodes/{node_id}/calls/transfer", tags=["nodes"])
def get_node_transfer_call(
    gateway: GatewayDep, node_id: NodePath, query: Annotated[ReceiverQuery, Query()]
) -> WalletCallAnswer:
    """The owner's transaction that hands the node over; what is claimable is paid to the owner first."""
    to = parse_wallet(query.to)
    with gateway.reading() as view:
        owner = _free_node(view, node_id).owner
        return _call(gateway, view, owner, "transfer_node", owner, to, int(node_id))


@router.get("/wallets/{address}/calls/claim-to")
def get_claim_to_call(
    gateway: GatewayDep, address: WalletPath, query: Annotated[ClaimToQuery, Query()]
) -> WalletCallAnswer:
    """The wallet's transaction that claims nodes to somebody else: its own, or of who made it a delegate."""
    sender, to = parse_wallet(address), parse_wallet(query.to)
    with gateway.reading() as view:
        nodes = [int(standing_node(view, each).node) for each in query.nodes]
        return _call(gateway, view, sender, "claim_to", nodes, to)


@router.get("/wallets/{address}/calls/claim-approval")
def get_claim_approval_call(
    gateway: GatewayDep, address: WalletPath, query: Annotated[ClaimApprovalTerms, Query()]
) -> WalletCallAnswer:
    """The owner's transaction that lets a delegate claim to one receiver, up to a cap and a deadline."""
    owner, terms = (
        parse_wallet(address),
        (parse_wallet(query.delegate), parse_wallet(query.to), parse_points(query.cap)),
    )
    with gateway.reading() as view:
        return _call(gateway, view, owner, "approve_claim", *terms, query.deadline)


@router.get("/wallets/{address}/calls/transfer")
def get_transfer_call(
    gateway: GatewayDep, address: WalletPath, query: Annotated[PointsQuery, Query()]
) -> WalletCallAnswer:
    """The holder's transaction that sends points."""
    sender, to, amount = parse_wallet(address), parse_wallet(query.to), some(query.amount)
    with gateway.reading() as view:
        return _call(gateway, view, sender, "transfer", to, amount)


@router.get("/wallets/{address}/calls/cancel-payments")
def get_cancel_payments_call(gateway: GatewayDep, address: WalletPath) -> WalletCallAnswer:
    """The payer's transaction that takes back all payments it signed to be valid before now."""
    payer = parse_wallet(address)
    with gateway.reading() as view:
        return _call(gateway, view, payer, "cancel_payments")


def _call(gateway: Gateway, view: View, sender: str, name: str, *arguments: Any) -> WalletCallAnswer:
    call = wallet_call(gateway.manifest, name, *arguments)
    return WalletCallAnswer(
        read_at=view.read_at(), sender=sender, to=call.to, data=call.data, gas=call.gas, value="0x0"
    )


def _free_node(view: View, node_id: str, *, unlocked: bool = True) -> NodeRow:
    """Raises NotFound, or RequestRefused (422) for a node that is given away, or locked where it must not be."""
    row = standing_node(view, node_id)
    if row.given_until is not None:
        detail = "a link gives this node away: nothing else can be done with it until it is taken or taken back"
        raise RequestRefused(422, "node-given", detail, given_until=row.given_until)
    if unlocked:
        ((_, held),) = holdings(view.connection, [row], view.at)
        if held.is_locked(view.now):
            detail = "until its first release a node is locked: it can be refunded, and nothing else"
            raise RequestRefused(422, "node-locked", detail, unlocks_at=held.unlocks_at())
    return row


def _likeness(row: NodeRow) -> tuple[Any, ...]:
    return row.program, row.start, row.owner, row.beneficiary
