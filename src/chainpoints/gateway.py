"""The gateway as one application: the API and the pages over one store."""

from __future__ import annotations

import threading

from chainpoints.api.app import Application, create_app
from chainpoints.api.limits import Limits
from chainpoints.api.service import serve
from chainpoints.chain.manifest import load_manifest
from chainpoints.config import Settings
from chainpoints.store.migrate import migrate
from chainpoints.store.processes import heartbeat
from chainpoints.store.session import MOST_MAPPED_BYTES, Store
from chainpoints.web.pages import router


def build_gateway(settings: Settings, *, limits: Limits | None = None) -> Application:
    """The application for these settings, its database at the newest schema. Raises ConfigError without a manifest."""
    manifest = load_manifest(settings.manifest)
    store = Store(settings.database, mapped_bytes=MOST_MAPPED_BYTES)
    migrate(store)
    return create_app(settings, manifest, store, limits=limits, pages=[router(store)])


def serve_gateway(settings: Settings, stop: threading.Event) -> None:
    """Serves the gateway until `stop`. Raises ConfigError without a manifest, or when its port is taken."""
    app = build_gateway(settings)
    with heartbeat(app.state.gateway.store, "serve"):
        serve(settings, app, stop)
