"""Every error has one shape: an RFC 9457 problem. `KINDS` is the list of them; /problems/<kind> explains each.

A problem's `type` is /problems/<kind>, its `instance` the path of the request. Nothing else that was sent is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from chainpoints.api import observed
from chainpoints.api.schemas.forms import told, unreadable
from chainpoints.errors import Conflict, InvalidInput, NotFound, RequestRefused, StoreUnavailable

KINDS: dict[str, tuple[str, str]] = {
    "invalid-request": ("The request is not of its form", "`errors` names each field at fault and what it must be."),
    "unreadable-body": ("The body cannot be read", "Send JSON in UTF-8 with content-type: application/json."),
    "body-too-large": ("The body is too large", "Send less; 64 KiB are taken."),
    "not-found": ("There is no such thing", "Check the id. What belongs to another merchant does not exist for you."),
    "method-not-allowed": ("This address does not take this method", "See /docs."),
    "unauthorized": ("An API key is needed", "Send `Authorization: Bearer cp_...` with a key that was not revoked."),
    "missing-scope": ("The key may not do this", "`missing_scope` names the scope; use or make a key that has it."),
    "merchant-key-needed": ("Only a merchant's own key does this", "Use a key made by POST /v1/merchants/{id}/keys."),
    "scope-not-grantable": ("The key cannot give this scope", "A key gives only scopes that it has itself."),
    "rate-limited": ("Too many requests", "Wait as many seconds as the header Retry-After says."),
    "idempotency-key-missing": ("Idempotency-Key is missing", "Send a header Idempotency-Key of your own choice."),
    "idempotency-key-invalid": ("Idempotency-Key is not of its form", "Use 1 to 255 printable ASCII characters."),
    "idempotency-key-reused": ("This Idempotency-Key was used for another request", "Use a new key for a new request."),
    "request-in-flight": ("The same request is being answered", "Ask again in a moment, with the same key."),
    "attempt-pending": ("An earlier attempt is pending", "`request` is its id; wait for its end before another one."),
    "order-exists": ("The order exists already", "`order` is its id; each reference is one order."),
    "order-already-paid": ("The order is paid", "Nothing is to be done; a second payment would be refused."),
    "order-already-issued": ("Points were issued for the order", "One order, one issue."),
    "order-tried-too-often": ("Too many payments of the order were refused", "Make an order with a new reference."),
    "order-mispaid": ("Another amount was paid for the order", "Make an order with a new reference."),
    "order-expired": ("The order can be paid no more", "`expires_at` was its end; make an order with a new reference."),
    "order-not-paid": ("The order is not paid in points", "Only a payment in points can be refunded."),
    "not-priced-in-points": ("The order has no price in points", "Create the order with `points`."),
    "not-priced-in-money": ("The order has no price in money", "Create the order with `money`."),
    "wrong-customer": ("The order is another customer's", "Use the order's `customer`, or none when creating it."),
    "zero-amount": ("An amount of zero does nothing", "Send an amount above zero."),
    "below-minimum": ("The payment is too small", "`minimum` is the smallest payment that the program takes."),
    "insufficient-points": ("The payer does not hold enough points", "`balance` is what the payer holds."),
    "wrong-signature": ("The signature is not the holder's", "Sign the typed data unchanged, with the holder's key."),
    "authorization-not-valid-now": ("The authorization is not valid now", "valid_after < chain time < valid_before."),
    "authorization-cancelled": (
        "The payer took the authorization back",
        "`cancelled_at` is when: ask for the order's message again and sign it; its valid_after is not before that.",
    ),
    "wallet-frozen": (
        "The wallet is frozen",
        "It can receive and claim; it sends nothing until `frozen_until` (null: until it is lifted). Ask the operator.",
    ),
    "unknown-program": ("There is no such program", "GET /v1/programs lists them."),
    "program-not-started": ("The program has not begun", "`begins_at` is when it does."),
    "program-closed": ("The program takes no payments any more", "`replaced_by` is the program that replaces it."),
    "program-not-funded": ("The program has no reserve", "Only FUNDED programs hold one."),
    "merchant-inactive": ("The merchant is switched off", "Ask the operator."),
    "merchant-over-limit": (
        "The merchant's limits do not allow it",
        "`limit` is what a day allows, `left` what is left of the quota; ask the operator, who sets both.",
    ),
    "gas-budget-exhausted": (
        "The day's gas is used up",
        "`free_at` is the chain time at which a new day begins; the operator sets what a merchant may cost a day.",
    ),
    "several-owners": ("The nodes pay several wallets", "Claim the nodes that pay one wallet at a time."),
    "nothing-claimable": ("Nothing can be claimed now", "`next_release` says when there will be something."),
    "statement-too-large": (
        "The statement has too many entries",
        "Ask for a shorter time; `most` is how many it takes.",
    ),
    "too-much-unproved": (
        "Too many requests wait that only the chain can check",
        "Wait as Retry-After says; what the holder's own key signs is taken meanwhile.",
    ),
    "too-many-streams": ("Too many streams are open", "Close one of them, or wait as Retry-After says."),
    "node-locked": ("The node is locked", "`unlocks_at` is when its first release is; until then it can be refunded."),
    "node-given": ("The node is given away", "`given_until` is how long; after that it can be taken back."),
    "node-not-given": ("The node is not given away", "Ask the giver for a new link."),
    "gift-is-over": ("The time of the gift is over", "Give it anew, with a later expiry."),
    "gift-runs": ("The gift can still be taken", "`given_until` is how long; take it back after that."),
    "pieces-too-large": ("The pieces are too large", "A node of some points stays behind: split off less."),
    "nodes-not-alike": ("These nodes cannot be merged", "Merge nodes of one owner, program, start and beneficiary."),
    "refund-too-large": ("The refund is larger than what is left", "`left` is what can still be refunded."),
    "refund-window-closed": ("The payment can no longer be refunded", "Refunds end with the node's first release."),
    "webhook-address-refused": (
        "Webhooks are not sent to this address",
        "Give the http(s) address of a server that the whole web can reach, by its name, without user and password.",
    ),
    "webhook-inactive": ("The webhook is switched off", "Switch it on: PATCH it with `active` true."),
    "too-many-webhooks": ("The merchant has enough webhooks", "Delete one; `most` is how many a merchant may have."),
    "chain-out-of-reach": (
        "The chain cannot be reached now",
        "Reading goes on: `read_at` names the block. Send the same request again, with its Idempotency-Key.",
    ),
    "unavailable": ("The gateway cannot answer now", "Try again in a moment."),
    "internal": ("The gateway failed", "Try again; if it stays so, tell the operator the answer's X-Request-Id."),
}

_OF_STATUS = {
    400: "unreadable-body",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    429: "rate-limited",
}
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_RETRY_AFTER = {"retry-after": "1"}


def problem(
    instance: str, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """A problem document as an HTTP answer."""
    title = KINDS[kind][0]
    body = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail, "instance": instance}
    content = msgspec.json.encode(body | members)
    return Response(content, status, headers=headers, media_type="application/problem+json")


def instance_of(scope: Mapping[str, Any]) -> str:
    """The path of a request as it was sent, percent-encoded."""
    return str(scope["raw_path"].decode("latin-1"))


def add_handlers(app: FastAPI) -> None:
    """Makes every way in which a request can fail end in a problem document."""

    @app.exception_handler(RequestRefused)
    async def refused(request: Request, error: RequestRefused) -> Response:
        headers = {"www-authenticate": "Bearer"} if error.status == 401 else _RETRY_AFTER if error.retryable else None
        return problem(instance_of(request.scope), error.status, error.kind, error.detail, headers, **error.members)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        if why := unreadable(error.errors()):
            return problem(instance_of(request.scope), why[0], "unreadable-body", why[1])
        errors = [{"field": _place(each["loc"]), "message": told(each)} for each in error.errors()[:20]]
        detail = "; ".join(f"{each['field']}: {each['message']}" for each in errors[:3])
        return problem(instance_of(request.scope), 422, "invalid-request", detail, errors=errors)

    @app.exception_handler(InvalidInput)
    async def invalid_input(request: Request, error: InvalidInput) -> Response:
        return problem(instance_of(request.scope), 422, "invalid-request", str(error))

    @app.exception_handler(NotFound)
    async def not_found(request: Request, error: NotFound) -> Response:
        return problem(instance_of(request.scope), 404, "not-found", str(error))

    @app.exception_handler(Conflict)
    async def conflict(request: Request, error: Conflict) -> Response:
        return problem(instance_of(request.scope), 409, "attempt-pending", str(error))

    @app.exception_handler(StoreUnavailable)
    async def unavailable(request: Request, error: StoreUnavailable) -> Response:
        return problem(instance_of(request.scope), 503, "unavailable", str(error), _RETRY_AFTER)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        kind = _OF_STATUS.get(error.status_code, "invalid-request")
        headers = {"allow": _allowed(request)} if error.status_code == 405 else error.headers
        return problem(instance_of(request.scope), error.status_code, kind, KINDS[kind][1], headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        # This is called outside of every middleware, so the id is told again.
        request_id = request.scope["state"]["request_id"]
        structlog.get_logger().error("request failed", path=request.url.path, request_id=request_id, exc_info=error)
        return problem(instance_of(request.scope), 500, "internal", KINDS["internal"][1], {observed.HEADER: request_id})


def _allowed(request: Request) -> str:
    """The methods that any route of the path takes (RFC 9110, section 10.2.1): a route knows only its own."""
    tries = {method: {**request.scope, "method": method} for method in _METHODS}
    return ", ".join(
        method
        for method, scope in tries.items()
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    )


def _place(location: tuple[int | str, ...]) -> str:
    """Where a value stands: `body.points`, without what was sent there."""
    return ".".join(str(part)[:40] for part in location)
