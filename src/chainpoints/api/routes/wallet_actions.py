"""What a holder signs and the relayer carries out: transfers of points, permits, claim approvals, taking a gift.

Each has a GET with the typed data to sign, and a POST that takes the signature. All are public: the signature says who
wants what. What has no signed form in the contracts is in `wallet_calls`.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.gas import promised
from chainpoints.api.idempotency import Action, Answer, PublicActionDep
from chainpoints.api.proofs import (
    check_balance,
    check_not_frozen,
    check_room_for_unproved,
    check_signature,
    check_time,
    id_of,
    wallet_action_id,
)
from chainpoints.api.routes.requests import accepted
from chainpoints.api.routes.wallets import WalletPath
from chainpoints.api.schemas.base import NodeIdText
from chainpoints.api.schemas.requests import RelayRequestAnswer
from chainpoints.api.schemas.wallet_actions import (
    ClaimApprovalQuery,
    GiftQuery,
    NewClaimApproval,
    NewPermit,
    NewTake,
    NewTakeBack,
    NewTransfer,
    PermitQuery,
    SignatureAsked,
    TransferAsked,
    TransferQuery,
)
from chainpoints.chain.signatures import (
    claim_approval_typed_data,
    for_wallets,
    gift_typed_data,
    permit_typed_data,
    recover,
    transfer_typed_data,
)
from chainpoints.errors import InvalidInput, NotFound, RequestRefused
from chainpoints.store.nodes import NodeRow, node
from chainpoints.store.relay import APPROVALS, add_request, known_request
from chainpoints.types import (
    ZERO_ADDRESS,
    Address,
    Hash32,
    Points,
    format_points,
    parse_address,
    parse_hash,
    parse_points,
    parse_wallet,
)

router = APIRouter(tags=["wallet actions"])

NodePath = Annotated[NodeIdText, Path()]


@router.get("/wallets/{address}/transfer-authorization")
def get_transfer_authorization(
    gateway: GatewayDep, address: WalletPath, query: Annotated[TransferQuery, Query()]
) -> TransferAsked:
    """What a holder signs to send points (EIP-3009); POST /v1/transfers takes the signature."""
    sender, to, amount = parse_wallet(address), parse_wallet(query.to), some(query.amount)
    nonce = Hash32(f"0x{secrets.token_hex(32)}")
    with gateway.reading() as view:
        check_not_frozen(view, sender)
        valid_after, valid_before = view.now - 1, view.now + query.valid_for
        typed_data = transfer_typed_data(gateway.manifest, sender, to, amount, valid_after, valid_before, nonce)
        return TransferAsked(
            read_at=view.read_at(),
            signer=sender,
            typed_data=for_wallets(typed_data),
            to=to,
            amount=format_points(amount),
            valid_after=valid_after,
            valid_before=valid_before,
            nonce=nonce,
        )


@router.post("/transfers", status_code=202, response_model=RelayRequestAnswer)
def create_transfer(action: PublicActionDep, body: NewTransfer) -> Response:
    """Sends points by their holder's signature; the gateway pays the gas."""
    return action.public(body, lambda view: _transfer(action, view, body))


@router.get("/wallets/{address}/permit-authorization")
def get_permit_authorization(
    gateway: GatewayDep, address: WalletPath, query: Annotated[PermitQuery, Query()]
) -> SignatureAsked:
    """What a holder signs so that `spender` may take points (EIP-2612); POST /v1/permits takes the signature."""
    owner = parse_wallet(address)
    terms = parse_wallet(query.spender), parse_points(query.amount), query.nonce, query.deadline
    return _asked(gateway, owner, permit_typed_data(gateway.manifest, owner, *terms))


@router.post("/permits", status_code=202, response_model=RelayRequestAnswer)
def create_permit(action: PublicActionDep, body: NewPermit) -> Response:
    """Sets an allowance of points by their holder's signature."""
    return action.public(body, lambda view: _permit(action, view, body))


@router.get("/wallets/{address}/claim-approval-authorization")
def get_claim_approval_authorization(
    gateway: GatewayDep, address: WalletPath, query: Annotated[ClaimApprovalQuery, Query()]
) -> SignatureAsked:
    """What an owner signs so that a delegate may claim to one receiver, up to a cap and a deadline."""
    owner, terms = (
        parse_wallet(address),
        (parse_wallet(query.delegate), parse_wallet(query.to), parse_points(query.cap)),
    )
    typed_data = claim_approval_typed_data(gateway.manifest, owner, *terms, query.deadline, query.nonce)
    return _asked(gateway, owner, typed_data)


@router.post("/claim-approvals", status_code=202, response_model=RelayRequestAnswer)
def create_claim_approval(action: PublicActionDep, body: NewClaimApproval) -> Response:
    """Lets a delegate claim, by the owner's signature."""
    return action.public(body, lambda view: _approve_claim(action, view, body))


@router.get("/nodes/{node_id}/gift-authorization", tags=["nodes"])
def get_gift_authorization(
    gateway: GatewayDep, node_id: NodePath, query: Annotated[GiftQuery, Query()]
) -> SignatureAsked:
    """What the one-time key of a gift's link signs so that the node goes to `to`."""
    with gateway.reading() as view:
        given_node(view, node_id)
        _check_giver_not_frozen(view, node_id)
    return _asked(gateway, None, gift_typed_data(gateway.manifest, int(node_id), parse_wallet(query.to)))


@router.post("/nodes/{node_id}/take", status_code=202, response_model=RelayRequestAnswer, tags=["nodes"])
def take_gift(action: PublicActionDep, node_id: NodePath, body: NewTake) -> Response:
    """Takes a node that was given by a link, by the signature of the link's key."""
    return action.public(body, lambda view: _take(action, view, node_id, body))


@router.post("/nodes/{node_id}/take-back", status_code=202, response_model=RelayRequestAnswer, tags=["nodes"])
def take_gift_back(action: PublicActionDep, node_id: NodePath, body: NewTakeBack) -> Response:
    """Ends a gift that nobody took in time: the node is its giver's again."""
    return action.public(body, lambda view: _take_back(action, view, node_id))


def standing_node(view: View, node_id: str) -> NodeRow:
    """Raises NotFound for a node that there is not (any more)."""
    row = node(view.connection, node_id, view.at)
    if row is None or row.owner == ZERO_ADDRESS:
        raise NotFound("there is no such node, or it has ended")
    return row


def given_node(view: View, node_id: str) -> int:
    """Until when the node may be taken. Raises NotFound, or RequestRefused (422) when it is not given."""
    given_until = standing_node(view, node_id).given_until
    if given_until is None:
        raise RequestRefused(422, "node-not-given", "no link gives this node away, or it was taken already")
    return given_until


def some(text: str) -> Points:
    """Raises RequestRefused (422) for 0 points."""
    amount = parse_points(text)
    if amount == 0:
        raise RequestRefused(422, "zero-amount", "an amount of 0 points does nothing")
    return amount


def _asked(gateway: GatewayDep, signer: Address | None, typed_data: dict[str, Any]) -> SignatureAsked:
    with gateway.reading() as view:
        return SignatureAsked(read_at=view.read_at(), signer=signer, typed_data=for_wallets(typed_data))


def _transfer(action: Action, view: View, body: NewTransfer) -> Answer:
    sender, to, amount = parse_wallet(body.sender), parse_wallet(body.to), some(body.amount)
    check_time(view, body.valid_after, body.valid_before)
    times, nonce = (body.valid_after, body.valid_before), parse_hash(body.nonce)
    typed_data = transfer_typed_data(action.gateway.manifest, sender, to, amount, *times, nonce)
    message_id = _proved(action, view, body, typed_data, sender)
    if known := _known(view, message_id):
        return known
    check_not_frozen(view, sender)
    check_balance(view, sender, amount)
    payload = {
        "from": sender,
        "to": to,
        "amount": amount,
        "valid_after": body.valid_after,
        "valid_before": body.valid_before,
        "nonce": nonce,
    }
    return _accept(action, view, "transfer", sender, body, payload, message_id)


def _permit(action: Action, view: View, body: NewPermit) -> Answer:
    owner, spender, amount = parse_wallet(body.owner), parse_wallet(body.spender), parse_points(body.amount)
    _check_deadline(view, body.deadline)
    terms = spender, amount, body.nonce, body.deadline
    typed_data = permit_typed_data(action.gateway.manifest, owner, *terms)
    message_id = _proved(action, view, body, typed_data, owner)
    if known := _known(view, message_id):
        return known
    payload = {"owner": owner, "spender": spender, "amount": amount, "deadline": body.deadline}
    return _accept(action, view, "permit", owner, body, payload, message_id)


def _approve_claim(action: Action, view: View, body: NewClaimApproval) -> Answer:
    owner, delegate, to = parse_wallet(body.owner), parse_address(body.delegate), parse_address(body.to)
    cap = parse_points(body.cap)
    _check_deadline(view, body.deadline)
    terms = delegate, to, cap, body.deadline, body.nonce
    typed_data = claim_approval_typed_data(action.gateway.manifest, owner, *terms)
    message_id = _proved(action, view, body, typed_data, owner)
    if known := _known(view, message_id):
        return known
    payload = {"owner": owner, "delegate": delegate, "to": to, "cap": cap, "deadline": body.deadline}
    return _accept(action, view, "permit_claim", owner, body, payload, message_id)


_Signed = NewTransfer | NewPermit | NewClaimApproval


def _proved(action: Action, view: View, body: _Signed, typed_data: dict[str, Any], holder: str) -> str | None:
    """The id of the signed message, which is one request whoever brings it: what was mined anybody can read and send
    again. None for a contract wallet, whose signature is not checked here, so that nobody can take the id ahead."""
    if body.contract_wallet:
        return None
    check_signature(typed_data, body.signature, holder)
    message_id = id_of(typed_data)
    action.gateway.store.hold(view.connection, f"signed {message_id}")
    return message_id


def _known(view: View, message_id: str | None) -> Answer | None:
    """How the request stands that the message was before, brought here or by x402; of two, the one not refused."""
    ids = (wallet_action_id(message_id), message_id) if message_id else ()
    known = [request for each in ids if (request := known_request(view.connection, each))]
    known.sort(key=lambda request: request.state == "refused")
    return accepted(view, known[0]) if known else None


def _accept(
    action: Action,
    view: View,
    kind: str,
    holder: str,
    body: _Signed,
    payload: dict[str, Any],
    message_id: str | None,
) -> Answer:
    signed = {"signature": body.signature, "contract_wallet": body.contract_wallet}
    if body.contract_wallet or kind in APPROVALS:
        check_room_for_unproved(view, kind)
    request = add_request(
        view.connection,
        kind=kind,
        lane="relayer",
        payload=payload | signed,
        not_before=view.now,
        wallet=None if body.contract_wallet else holder,  # unproved, it must hold up nothing of theirs
        promised_gwei=promised(action.gateway, view, kind, None, by_code=body.contract_wallet),
        request_id=wallet_action_id(message_id) if message_id else None,
    )
    return accepted(view, request)


def _take(action: Action, view: View, node_id: str, body: NewTake) -> Answer:
    to = parse_wallet(body.to)
    if given_node(view, node_id) < view.now:
        raise RequestRefused(422, "gift-is-over", "the time to take this node is over; it can be taken back")
    _check_giver_not_frozen(view, node_id)
    try:  # whose key it has to be only the chain knows: here no account at all is told
        recover(gift_typed_data(action.gateway.manifest, int(node_id), to), body.signature)
    except InvalidInput as error:
        raise RequestRefused(422, "wrong-signature", str(error)) from None
    payload = {"node": node_id, "to": to, "signature": body.signature}
    return _relayed(action, view, "take", payload)


def _check_giver_not_frozen(view: View, node_id: str) -> None:
    """Raises RequestRefused (422) while the owner of a given node is frozen."""
    check_not_frozen(view, standing_node(view, node_id).owner)


def _take_back(action: Action, view: View, node_id: str) -> Answer:
    given_until = given_node(view, node_id)
    if given_until >= view.now:
        detail = f"whoever has the link may take this node until {given_until}"
        raise RequestRefused(422, "gift-runs", detail, given_until=given_until)
    return _relayed(action, view, "take_back", {"node": node_id})


def _relayed(action: Action, view: View, kind: str, payload: dict[str, Any]) -> Answer:
    check_room_for_unproved(view, kind)
    gwei = promised(action.gateway, view, kind, None)
    request = add_request(
        view.connection, kind=kind, lane="relayer", payload=payload, not_before=view.now, promised_gwei=gwei
    )
    return accepted(view, request)


def _check_deadline(view: View, deadline: int) -> None:
    if deadline < view.now:
        detail = f"the deadline is over: it is {view.now} on the chain"
        raise RequestRefused(422, "authorization-not-valid-now", detail, chain_time=view.now)
