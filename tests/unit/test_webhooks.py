"""domain/webhooks and webhooks/signing: when messages are sent again, and how they are signed (T33, T35)."""

from __future__ import annotations

import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chainpoints.config import Secret
from chainpoints.domain.webhooks import (
    LONGEST_RETRY_AFTER_SECONDS,
    RETRY_SECONDS,
    id_of_message,
    parse_retry_after,
    payload,
    retry_seconds,
    reversed_type,
)
from chainpoints.webhooks.signing import signed_headers

pytestmark = pytest.mark.unit

DAY = 86_400
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = Secret("whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB")


def test_the_official_vector() -> None:
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', 1614265330, [SECRET])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_during_a_rotation_either_secret_verifies() -> None:
    headers = signed_headers("msg_1", "{}", int(time.time()), [SECRET, OTHER])
    for secret in (SECRET, OTHER):
        assert Webhook(secret.reveal()).verify("{}", headers) == {}


@pytest.mark.parametrize("change", ["body", "id", "time", "old"])
def test_what_was_changed_or_is_old_is_refused(change: str) -> None:
    now = int(time.time())
    headers = signed_headers("msg_1", "{}", now - 301 if change == "old" else now, [SECRET])
    headers |= {"id": {"webhook-id": "msg_2"}, "time": {"webhook-timestamp": str(now - 1)}}.get(change, {})
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET.reveal()).verify('{"a": 1}' if change == "body" else "{}", headers)


def test_retries_go_over_three_days_and_end() -> None:
    delays = [retry_seconds(tries, None, 0.0) for tries in range(1, len(RETRY_SECONDS) + 2)]
    assert delays[-1] is None
    assert delays[:3] == [5, 300, 1800]
    assert 3 * DAY <= sum(delay or 0 for delay in delays) < 3.5 * DAY


def test_attempts_are_spread_by_a_tenth() -> None:
    assert (retry_seconds(2, None, 0.0), retry_seconds(2, None, 1.0)) == (300, 330)


def test_a_receiver_puts_the_next_attempt_off_within_bounds() -> None:
    assert retry_seconds(1, 60, 0.0) == 60
    assert retry_seconds(2, 60, 0.0) == 300
    assert retry_seconds(1, 10**9, 0.0) == LONGEST_RETRY_AFTER_SECONDS
    assert retry_seconds(len(RETRY_SECONDS) + 1, 60, 0.0) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("-5", None),
        ("1e9", None),
        ("soon", None),
        ("٣", None),
        ("9" * 65, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: int | None) -> None:
    assert parse_retry_after(text, now=100) == seconds


def test_ids_follow_from_what_is_told() -> None:
    assert id_of_message("a", "b", 1) == id_of_message("a", "b", 1) != id_of_message("ab", "", 1)


def test_the_shape_of_a_message() -> None:
    assert payload("ping", 852076800, {"a": "1.000000"}) == (
        '{"type":"ping","timestamp":"1997-01-01T00:00:00Z","data":{"a":"1.000000"}}'
    )
    assert reversed_type("payment.created") == "payment.reversed"
