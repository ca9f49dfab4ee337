"""GET /health/live and /health/ready, for whatever starts, stops and chooses between processes."""

from __future__ import annotations

from anyio.to_thread import run_sync
from fastapi import APIRouter, Response

from chainpoints.api.deps import Gateway, GatewayDep
from chainpoints.api.schemas.base import Health
from chainpoints.errors import StoreError

router = APIRouter(prefix="/health", tags=["status"])


@router.get("/live")
async def get_live() -> Health:
    """200 while this process answers at all."""
    return Health(status="ok", why=None)


@router.get("/ready", responses={503: {"model": Health}})
async def get_ready(gateway: GatewayDep, response: Response) -> Health:
    """200 while this process can do its work: it reads the database, and the chain is followed. Else 503, and why."""
    why = await run_sync(_why_not, gateway, limiter=gateway.probes)  # waits for no other request
    if why is None:
        return Health(status="ok", why=None)
    response.status_code = 503
    return Health(status="unavailable", why=why)


def _why_not(gateway: Gateway) -> str | None:
    try:
        with gateway.reading(states=False) as view:
            return view.out_of_reach() or view.state.out_of_sight(view.block)
    except StoreError as error:
        return str(error)
