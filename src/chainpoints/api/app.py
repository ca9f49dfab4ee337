"""The application: every route, one shape of errors, limits, and its own documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry

from chainpoints import __version__
from chainpoints.api import docs, metrics
from chainpoints.api.deps import Gateway
from chainpoints.api.documented import PROBLEM
from chainpoints.api.errors import add_handlers
from chainpoints.api.examples import add_examples
from chainpoints.api.idempotency import require_keys
from chainpoints.api.limits import AtOnce, BodyLimit, Buckets, Limits, RateLimit
from chainpoints.api.observed import PREFIX, HttpMetrics, Observed
from chainpoints.api.routes import (
    authorizations,
    claims,
    gas,
    health,
    history,
    issues,
    keys,
    merchants,
    orders,
    payments,
    programs,
    requests,
    statements,
    status,
    stream,
    wallet_actions,
    wallet_calls,
    wallets,
    webhooks,
    x402,
)
from chainpoints.api.schemas.base import Problem
from chainpoints.chain.manifest import Manifest
from chainpoints.config import Settings
from chainpoints.store.session import Store

MAX_BODY_BYTES = 64 * 1024

_THREADS, _THREADS_ON_POSTGRESQL = 4, 12
"""So many requests are worked on side by side. More of them only take turns more often: 40, which is the framework's
choice, cost a quarter more for each payment on SQLite. PostgreSQL is waited for meanwhile."""

Application = FastAPI
"""For the composition above this layer, which does not know the framework."""

_ROUTERS = (  # looked through in this order: what is asked for most comes first
    wallets.router,
    payments.router,
    status.router,
    programs.router,
    history.router,
    merchants.router,
    gas.router,
    statements.router,
    keys.router,
    orders.router,
    authorizations.router,
    issues.router,
    claims.router,
    wallet_actions.router,
    wallet_calls.router,
    requests.router,
    webhooks.router,
    stream.router,
    x402.router,
)

_ABOUT = """Loyalty points that are released over time.

- Amounts are decimal strings of points with 6 decimals; never numbers.
- `read_at` names the block that all of an answer is as of. `?finality=safe` or `final` reads at an older, firmer block.
- POSTs that have effects need an `Idempotency-Key`: the same key and body get the first answer again, with its
  `read_at`, without a second effect.
- What goes on chain is accepted (202) as a relay request; `GET /v1/requests/{id}` tells its end.
- Errors are problem documents (RFC 9457); `type` leads to an explanation. What is refused for what the chain says has
  `read_at` too.
- Lists are newest first; `next` is the cursor of the following page and stays valid across a reorg.
"""


def create_app(
    settings: Settings,
    manifest: Manifest,
    store: Store,
    *,
    limits: Limits | None = None,
    pages: Sequence[APIRouter] = (),
) -> Application:
    """The API, with other routers (pages) beside it. Holds no key and opens no connection to the chain."""
    app = FastAPI(
        title="chainpoints",
        version=__version__,
        summary="Loyalty points that are released over time, on chain, with a payment gateway for merchants",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        responses=PROBLEM,
        lifespan=_with_threads(_THREADS if store.is_sqlite else _THREADS_ON_POSTGRESQL),
    )
    buckets = Buckets(limits or Limits())
    app.state.gateway = Gateway(settings, manifest, store, buckets.known_keys)
    app.state.answered = CollectorRegistry()
    app.router.add_api_route(**wallets.WALLET_ROUTE)
    for router in _ROUTERS:
        app.include_router(router, prefix=PREFIX)
    for router in (health.router, metrics.router, docs.router):
        app.include_router(router)
    for page in pages:
        app.include_router(page)
    add_handlers(app)
    app.add_middleware(AtOnce, most=buckets.limits.at_once)
    app.add_middleware(BodyLimit, most_bytes=MAX_BODY_BYTES)
    app.add_middleware(RateLimit, buckets=buckets)
    app.add_middleware(Observed, metrics=HttpMetrics(app.state.answered))  # the last one is the outermost
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    app.openapi()  # the framework puts routes together when they are first used; here that is before any request
    return app


def _with_threads(count: int) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = count
        yield

    return lifespan


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, with the problem's shape, which no route returns by itself."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        add_examples(document)
        require_keys(document)
        app.openapi_schema = document
    return app.openapi_schema
