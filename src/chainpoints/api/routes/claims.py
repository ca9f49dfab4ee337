"""POST /v1/claims: what nodes have released, paid to their owner, whoever asks."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chainpoints.api.deps import View
from chainpoints.api.gas import promised
from chainpoints.api.idempotency import Action, Answer, PublicActionDep
from chainpoints.api.proofs import check_not_frozen
from chainpoints.api.routes.requests import accepted
from chainpoints.api.routes.wallets import next_release_shape
from chainpoints.api.schemas.requests import NewClaim, RelayRequestAnswer
from chainpoints.api.standing import attempt_pending, is_pending
from chainpoints.domain.forecast import Holding
from chainpoints.errors import InvalidInput, NotFound, RequestRefused
from chainpoints.store.nodes import NodeRow, holdings, nodes_by_id, nodes_paying
from chainpoints.store.relay import add_request, requests_of_wallet
from chainpoints.store.wallets import freezes
from chainpoints.types import parse_wallet

router = APIRouter(tags=["claims"])

_NODES_IN_A_CLAIM = 500

_Held = list[tuple[NodeRow, Holding]]


@router.post("/claims", status_code=202, response_model=RelayRequestAnswer)
def create_claim(action: PublicActionDep, body: NewClaim) -> Response:
    """Claims the nodes that pay a wallet, or the named ones. Public: each pays its owner, or the beneficiary that the
    owner named, whoever asks; the gateway pays the gas."""
    return action.public(body, lambda view: _claim(action, view, body))


def _claim(action: Action, view: View, body: NewClaim) -> Answer:
    wallet, held = _named(view, body)
    action.gateway.store.hold(view.connection, f"claim {wallet}")
    for request in requests_of_wallet(view.connection, wallet, ["claim"]):
        if is_pending(request, view.at):
            raise attempt_pending(request)
    held = _payable(view, held, named=body.nodes is not None)
    claimable = [row.node for row, node in held if node.claimable(view.now) > 0]
    if not claimable or (body.nodes is not None and len(claimable) < len(held)):
        raise _nothing_claimable(view, held)
    nodes = claimable[:_NODES_IN_A_CLAIM]
    request = add_request(
        view.connection,
        kind="claim",
        lane="relayer",
        payload={"nodes": nodes, "wallet": wallet},
        not_before=view.now,
        wallet=wallet,
        promised_gwei=promised(action.gateway, view, "claim", None, nodes=len(nodes)),
    )
    return accepted(view, request)


def _named(view: View, body: NewClaim) -> tuple[str, _Held]:
    """Who is paid, and the nodes that are asked for."""
    if (body.wallet is None) == (body.nodes is None):
        raise InvalidInput("send either `wallet` or `nodes`")
    if body.wallet is not None:
        wallet = parse_wallet(body.wallet)
        return wallet, holdings(view.connection, nodes_paying(view.connection, wallet, view.at), view.at)
    ids = list(dict.fromkeys(body.nodes or []))
    rows = nodes_by_id(view.connection, ids, view.at)
    missing = set(ids) - {row.node for row in rows}
    if missing:
        raise NotFound(f"there is no node {min(missing)}")
    paid = {row.pays for row in rows}
    if len(paid) > 1:
        raise RequestRefused(422, "several-owners", f"the nodes pay {len(paid)} wallets")
    return paid.pop(), holdings(view.connection, rows, view.at)


def _payable(view: View, held: _Held, *, named: bool) -> _Held:
    """What a frozen owner lets somebody else be paid is not paid out, and would fail all the rest.

    Raises RequestRefused (422) for such a node that was asked for by name.
    """
    owners = sorted({row.owner for row, _ in held if row.owner != row.pays})
    frozen = freezes(view.connection, owners, view.at, view.now) if owners else {}
    kept = [(row, node) for row, node in held if row.owner == row.pays or row.owner not in frozen]
    if named and len(kept) < len(held):
        check_not_frozen(view, min(frozen))
    return kept


def _nothing_claimable(view: View, held: _Held) -> RequestRefused:
    """Names the nodes that have nothing, and says when the next release is."""
    empty = [row.node for row, node in held if node.claimable(view.now) <= 0]
    coming = next_release_shape([node for _, node in held], view.now)
    detail = "these nodes have nothing to claim now" if held else "the wallet has no nodes"
    return RequestRefused(
        422, "nothing-claimable", detail, nodes=empty[:100], next_release=coming.model_dump() if coming else None
    )
