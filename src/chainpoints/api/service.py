"""The API process: one uvicorn server."""

from __future__ import annotations

import gc
import socket
import sys
import threading

import structlog
import uvicorn

from chainpoints.api.app import Application
from chainpoints.config import Settings
from chainpoints.errors import ConfigError

_GRACE_SECONDS = 5

_SWITCH_SECONDS = 0.0005
"""After so long a thread makes room for another one that waits. A request waits some twenty times for its turn (each
query gives it away), by default up to 5 ms each; with this a busy API answers in half the time."""


def serve(settings: Settings, app: Application, stop: threading.Event) -> None:
    """Serves on the host and port of the settings until `stop` (or SIGTERM, SIGINT); requests under way are answered.

    Raises ConfigError when it cannot listen there.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_GRACE_SECONDS
    )
    server = uvicorn.Server(config)

    def stop_when_told() -> None:
        stop.wait()
        server.should_exit = True

    gc.collect()
    gc.freeze()  # what is there before the first request stays: the collector need not walk through it again and again
    with _listen(settings) as listening:
        structlog.get_logger().info("serves", host=settings.host, port=settings.port)
        threading.Thread(target=stop_when_told, name="stop", daemon=True).start()
        server.run(sockets=[listening])


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
        # Accepted connections inherit it. Without it each answer waits 40 ms for the client's acknowledgement, since
        # asyncio sees no TCP in a socket that it did not make itself.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror}); set CHAINPOINTS_HOST and "
            "CHAINPOINTS_PORT to an address that is free, or end what uses it"
        ) from None
