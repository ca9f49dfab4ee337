"""Requests carried out on a real chain, for people without ETH; refusals told in words and numbers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from builders import Deployment, private_key, signer
from chainpoints.chain.signatures import (
    Refund,
    claim_approval_typed_data,
    payment_typed_data,
    refund_typed_data,
    sign,
)
from chainpoints.config import Secret
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT, Points
from relaying import FEC, FOREVER, FUNDED, MERCHANT, Shop, node_of, order_hash, relaying

pytestmark = pytest.mark.integration

WEEK = 7 * 86_400


@pytest.fixture
def shop(deployment: Deployment, store: Store) -> Shop:
    return Shop(deployment, store)


def test_people_without_ether_are_issued_pay_and_claim(shop: Shop) -> None:
    people = [f"person {n}" for n in range(5)]
    with relaying(shop):
        shop.wait(shop.open())
        issued = shop.wait([shop.issue(person, 100, f"till {person}") for person in people])
        assert {request.state for request in issued} == {"mined"}
        nodes = {person: node_of(shop, person) for person in people}
        paid = shop.wait([shop.pay(person, 40, f"shop {person}") for person in people])
        assert {request.state for request in paid} == {"mined"}
        shop.anvil.move_to(shop.anvil.now() + 3 * WEEK)
        claimed = shop.wait([shop.claim(person, [nodes[person]]) for person in people])
        assert {request.state for request in claimed} == {"mined"}
    for person in people:
        assert int(shop.anvil.rpc.call("eth_getBalance", signer(person).address, "latest"), 16) == 0
        assert shop.points(person) > 60
    assert shop.points("payout") == 5 * 36
    assert sorted(shop.paid_orders()) == sorted(order_hash(f"shop {person}") for person in people)
    assert all(request.transaction_hash and request.block_number for request in (*issued, *paid, *claimed))
    shop.assert_no_gaps()


def test_many_requests_share_transactions_and_keep_their_order(shop: Shop) -> None:
    people = [f"person {n}" for n in range(120)]
    ids = shop.open()
    issues = [shop.issue(person, 100, f"till {person}") for person in people]
    again = [shop.pay(person, points, f"{points} {person}") for person in people[:3] for points in (10, 20, 30)]
    with relaying(shop):
        done = shop.wait([*ids, *issues, *again], seconds=60)
    assert {request.state for request in done} == {"mined"}
    carried = {request.transaction_hash for request in done if request.kind == "issue"}
    assert len(carried) <= 3
    for person in people[:3]:
        payments = [r for r in done if r.kind == "payment" and r.wallet == signer(person).address]
        blocks = [request.block_number or 0 for request in payments]
        assert blocks == sorted(blocks)
        assert len(set(blocks)) == 3
    shop.assert_no_gaps()


def test_a_refusal_says_the_numbers_and_does_not_hold_up_the_others(shop: Shop) -> None:
    with relaying(shop):
        shop.wait(shop.open())
    good = [shop.issue(f"person {n}", 100, f"till {n}") for n in range(6)]
    bad = shop.issue("greedy", 1_000.5, "till greedy")
    more = [shop.issue(f"person {n}", 100, f"till {n}") for n in range(6, 10)]
    with relaying(shop):
        done = shop.wait([*good, bad, *more])
    assert [request.state for request in done] == ["mined"] * 6 + ["refused"] + ["mined"] * 4
    refusal = done[6].refusal
    assert refusal is not None
    assert refusal["name"] == "PointsToken_PersonLimitExceeded"
    assert refusal["arguments"] == {
        "person": signer("greedy").address,
        "tried": 1_000_500_000,
        "left": 1_000_000_000,
    }
    assert "1000.500000 points" in refusal["sentence"]
    assert "1000.000000 points" in refusal["sentence"]
    assert shop.points("greedy") == 0
    shop.assert_no_gaps()


@pytest.fixture(scope="module")
def open_shop(module_deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with a relayer at work, for tests that leave each other alone."""
    store = Store(Secret(f"sqlite:///{tmp_path_factory.mktemp('store') / 'gateway.db'}"))
    migrate(store)
    shop = Shop(module_deployment, store)
    with relaying(shop):
        shop.wait(shop.open())
        yield shop
    store.close()


@pytest.mark.parametrize(
    ("changed", "name", "words"),
    [
        ({"amount": 41 * ONE_POINT}, "PaymentProcessor_InvalidSignature", "sign it with the holder's own key"),
        ({"terms": {"program": 9}}, "Programs_Unknown", "no program 9"),
        ({"terms": {"merchant": 9}}, "MerchantRegistry_Unknown", "no merchant 9"),
        ({"valid_before": 1}, "PaymentProcessor_NotValidNow", "before 1970-01-01 00:00:01 UTC"),
        ({"terms": {"amount": 0}}, "PaymentProcessor_BelowMinimum", "are less than the smallest payment"),
        ({"signature": "no hex"}, "", "can never be sent"),
        ({"program": 2**40}, "", "can never be sent"),
    ],
)
def test_a_payment_that_cannot_be_is_refused_with_its_reason(
    open_shop: Shop, changed: dict[str, Any], name: str, words: str
) -> None:
    reference = f"order with {changed}"
    request = open_shop.wait([open_shop.pay("ann", 40, reference, **changed)])[0]
    assert request.state == "refused"
    assert request.refusal is not None
    assert request.refusal["name"] == name
    assert words in request.refusal["sentence"]
    assert order_hash(reference) not in open_shop.paid_orders()


def test_a_payment_beyond_the_balance_names_both(open_shop: Shop) -> None:
    open_shop.wait([open_shop.issue("ben", 30, "till ben")])
    request = open_shop.wait([open_shop.pay("ben", 31, "too much")])[0]
    assert request.refusal is not None
    assert request.refusal["name"] == "ERC20InsufficientBalance"
    assert "has 30.000000 points and needs 31.000000" in request.refusal["sentence"]


def test_hashes_of_payments_and_refunds_are_those_of_the_chain(open_shop: Shop) -> None:
    manifest = open_shop.deployment.manifest
    payment = open_shop.payment("ann", 12.5, "some order")
    refund = Refund(payment, 7, Points(3), Points(0), signer("payout").address)
    on_chain = open_shop.read("PaymentProcessor", "paymentHash", [payment.struct(), 5, 9])
    assert hash_to_sign(payment_typed_data(manifest, payment, 5, 9)) == on_chain
    on_chain = open_shop.read("PaymentProcessor", "refundHash", [payment.struct(), 7, 3, 5, 9])
    assert hash_to_sign(refund_typed_data(manifest, refund, 5, 9)) == on_chain


def hash_to_sign(typed_data: dict[str, Any]) -> bytes:
    message = encode_typed_data(full_message=typed_data)
    return keccak(b"\x19" + message.version + message.header + message.body)


def test_an_approval_to_claim_is_taken_as_signed(open_shop: Shop) -> None:
    owner, delegate, to = (signer(name).address for name in ("owner", "delegate", "to"))
    terms = (owner, delegate, to, Points(5 * ONE_POINT), FOREVER - 1)
    signature = sign(claim_approval_typed_data(open_shop.deployment.manifest, *terms, nonce=0), private_key("owner"))
    contract, data = open_shop.calls.encode("ReleaseNode", "permitClaim", [*terms, bytes.fromhex(signature[2:])])
    transaction = {"from": open_shop.anvil.rpc.call("eth_accounts")[0], "to": contract, "data": data}
    open_shop.anvil.rpc.call("eth_sendTransaction", transaction)
    open_shop.anvil.mine()
    assert open_shop.read("ReleaseNode", "claimAllowance", [owner, delegate, to]) == (5 * ONE_POINT, FOREVER - 1)


def test_refund_and_reserve(shop: Shop) -> None:
    with relaying(shop):
        shop.wait([*shop.open(), shop.issue("ann", 100, "till")])
        reserve = {"merchant": MERCHANT, "order": order_hash("reserve"), "program": FUNDED}
        reserve |= {"amount": 500 * ONE_POINT, "evidence": order_hash("receipt")}
        shop.wait([shop.accept("issue_reserve", reserve, order="reserve")])
        assert shop.read("ReleaseNode", "books", [FUNDED])[3] == 500 * ONE_POINT
        node = node_of(shop, "ann")
        shop.wait([shop.pay("ann", 100, "order")])
        payment = shop.payment("ann", 100, "order")
        half = Points(50 * ONE_POINT)
        refund = Refund(payment, node.start, half, Points(0), signer("payout").address)
        typed_data = refund_typed_data(shop.deployment.manifest, refund, 0, FOREVER)
        payload = {"merchant": MERCHANT, "program": FEC, "amount": payment.amount, "payer": payment.payer}
        payload |= {"order": payment.order_hash, "start": node.start, "refund_amount": half}
        payload |= {"valid_after": 0, "valid_before": FOREVER, "signature": sign(typed_data, private_key("payout"))}
        done = shop.wait([shop.accept("refund", payload, order="order")])[0]
    assert done.state == "mined", done.refusal
    assert shop.points("ann") == 50


def test_t32_fifty_requests_for_one_order_have_one_effect(shop: Shop) -> None:
    with relaying(shop):
        shop.wait(shop.open())
        shop.wait([shop.issue(f"person {n}", 30, f"till {n}") for n in range(5)])
        ids: list[str] = []
        buyers = [
            threading.Thread(target=lambda n=n: ids.append(shop.pay(f"person {n % 5}", 10, "one order")))
            for n in range(50)
        ]
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            buyer.join()
        done = shop.wait(ids, seconds=60)
    assert sorted(request.state for request in done) == ["mined"] + ["refused"] * 49
    names = {request.refusal["name"] for request in done if request.refusal}
    assert names == {"PaymentProcessor_AlreadyPaid"}
    assert shop.paid_orders() == [order_hash("one order")]
    assert sum(shop.points(f"person {n}") for n in range(5)) == 140


def test_an_accepted_request_is_mined_while_the_customer_watches(shop: Shop) -> None:
    with relaying(shop):
        shop.wait(shop.open())
        took = []
        for n in range(15):
            began = time.monotonic()
            shop.wait([shop.issue(f"person {n}", 5, f"till {n}")])
            took.append(time.monotonic() - began)
            time.sleep(0.1)
    # About 0.05 s on a machine with nothing else to do.
    assert sorted(took)[len(took) // 2] < 0.5
