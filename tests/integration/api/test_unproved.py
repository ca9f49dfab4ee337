"""What anybody may send in another's name, a payment by a contract wallet, holds up nothing of theirs."""

from __future__ import annotations

import pytest

from builders import private_key
from chainpoints.chain.signatures import sign
from chainpoints.store import relay
from gateway import FEC, Api

pytestmark = pytest.mark.integration


def test_a_payment_that_proves_nothing_does_not_make_the_payers_requests_wait(api: Api) -> None:
    shop = api.merchant(1)
    first, second = (
        shop.post("/v1/orders", {"reference": name, "program": FEC, "points": "10"}) for name in ("first", "second")
    )
    offer = api.public.get(f"/v1/orders/{second['id']}/authorization", payer=api.alice)
    body = {"payer": api.alice, "valid_after": offer["valid_after"], "valid_before": offer["valid_before"]}
    forged = body | {"order": first["id"], "signature": "0x00", "contract_wallet": True}
    signed = body | {"order": second["id"], "signature": sign(offer["typed_data"], private_key("alice"))}
    sent = [api.public.post("/v1/payments", payment) for payment in (forged, signed)]
    assert [request["wallet"] for request in sent] == [api.alice, api.alice]
    with api.store.read() as connection:
        ready = relay.ready_requests(connection, "relayer", 2**40, 10)
    assert [request.id for request in ready] == [request["id"] for request in sent]
