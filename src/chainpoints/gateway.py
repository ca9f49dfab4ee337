"""The gateway as one application: the API and the pages over one store."""

from __future__ import annotations

import threading

from chainpoints.api.app import create_app
from chainpoints.api.service import serve
from chainpoints.chain.manifest import load_manifest
from chainpoints.config import Settings
from chainpoints.store.migrate import migrate
from chainpoints.store.processes import heartbeat
from chainpoints.store.session import Store
from chainpoints.web.pages import router


def serve_gateway(settings: Settings, stop: threading.Event) -> None:
    """Serves the gateway until `stop`, its database at the newest schema.

    Raises ConfigError without a manifest, or when its port is taken.
    """
    manifest = load_manifest(settings.manifest)
    store = Store(settings.database)
    migrate(store)
    with heartbeat(store, "serve"):
        serve(settings, create_app(settings, manifest, store, pages=[router(store)]), stop)
