"""The headers of a delivery, as Standard Webhooks has them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from chainpoints import __version__
from chainpoints.config import Secret


def signed_headers(message_id: str, payload: str, now: int, secrets: Sequence[Secret]) -> dict[str, str]:
    """`now` is the time of the attempt, unix seconds: receivers refuse what was signed more than 5 minutes ago.

    One signature by each secret; a receiver takes the message when one of them is good.
    """
    at = datetime.fromtimestamp(now, UTC)
    signatures = [Webhook(secret.reveal()).sign(message_id, at, payload) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": f"chainpoints/{__version__}",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signatures),
    }
