"""What must not go wrong when something does: crashes, silence, races, reorgs, an empty account (T27 to T31)."""

from __future__ import annotations

import signal
import time
from itertools import pairwise
from threading import Lock
from typing import Any

import pytest
from sqlalchemy import select

from builders import Deployment, signer
from chainpoints.chain.reverts import Reverts
from chainpoints.chain.signer import load_signer, local_key, role_address
from chainpoints.config import Secret
from chainpoints.relayer.fees import FeePolicy, policy_of
from chainpoints.relayer.lane import Common, Lane
from chainpoints.relayer.node import Node
from chainpoints.relayer.sender import Sender
from chainpoints.relayer.watch import Watch
from chainpoints.store import gas, relay, relay_transactions, tables
from chainpoints.store.relay import Request
from chainpoints.store.relay_transactions import Attempt, Transaction
from chainpoints.store.session import Store
from chainpoints.types import ONE_POINT
from lying_endpoint import lying_endpoint, truth
from relaying import (
    MERCHANT,
    Shop,
    eventually,
    node_of,
    opened_shop,
    order_hash,
    relayer_process,
    relaying,
    spent,
)
from stubborn_mempool import stubborn_mempool

pytestmark = pytest.mark.integration

PEOPLE = [f"person {n}" for n in range(4)]


@pytest.fixture
def shop(deployment: Deployment, store: Store) -> Shop:
    """A shop whose customers have 100 points each."""
    return opened_shop(deployment, store, PEOPLE)


@pytest.mark.parametrize("step", ["recorded", "broadcast", "mined"])
def test_t28_killed_at_any_step_nothing_is_lost_or_done_twice(shop: Shop, database: Secret, step: str) -> None:
    ids = [shop.pay(person, 10, f"order {person}") for person in PEOPLE]
    process = relayer_process(shop, database, dies_at=step)
    assert process.wait(timeout=60) == -signal.SIGKILL, (shop.deployment.settings.home / "relayer.log").read_text()
    assert set(shop.states(ids)) == {"sent"}
    before = shop.transactions()
    with relaying(shop):
        done = shop.wait(ids)
        later = shop.wait([shop.pay(person, 5, f"later {person}") for person in PEOPLE])
    assert {request.state for request in (*done, *later)} == {"mined"}
    assert {request.transaction_hash for request in done} == {before[-1].hash}, "not the same bytes were sent again"
    assert len(set(shop.paid_orders())) == len(shop.paid_orders()) == 8
    shop.assert_no_gaps()


def test_t28_a_reply_lost_after_broadcast_is_no_failure(shop: Shop) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.deaf = True
        with relaying(shop, url=endpoint.url):
            done = shop.wait([shop.pay(person, 10, f"order {person}") for person in PEOPLE])
    assert {request.state for request in done} == {"mined"}
    assert sorted(shop.paid_orders()) == sorted(order_hash(f"order {person}") for person in PEOPLE)
    shop.assert_no_gaps()


def test_t29_a_stuck_transaction_is_replaced_and_either_may_win(shop: Shop) -> None:
    for winner in (0, -1):
        with stubborn_mempool(shop.anvil.url) as endpoint:
            endpoint.holding = True
            with relaying(shop, url=endpoint.url, replace_after_seconds=1):
                ids = [shop.pay(person, 10, f"order {person} {winner}") for person in PEOPLE]
                eventually(lambda endpoint=endpoint: len(endpoint.held) >= 3)
                assert set(shop.states(ids)) == {"sent"}
                endpoint.release(winner)
                done = shop.wait(ids)
            offers = [(offer["maxFeePerGas"], offer["maxPriorityFeePerGas"]) for offer in endpoint.taken]
            assert endpoint.underpriced == 0
            assert len({offer["nonce"] for offer in endpoint.taken}) == 1
            assert len({offer["data"] for offer in endpoint.taken}) == 1
            assert all(new[0] * 8 >= old[0] * 9 and new[1] * 8 >= old[1] * 9 for old, new in pairwise(offers))
            assert {request.state for request in done} == {"mined"}
            assert {request.transaction_hash for request in done} == {endpoint.taken[winner]["hash"]}
    assert len(set(shop.paid_orders())) == len(shop.paid_orders()) == 8
    shop.assert_no_gaps()


def test_t27_a_mempool_that_forgets_gets_everything_again(shop: Shop) -> None:
    """A node that was restarted: what was held is lost, the first nonce and those that follow it."""
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=2):
            ids: list[str] = []
            for person in PEOPLE:
                ids.append(shop.pay(person, 10, f"order {person}"))
                eventually(lambda: "accepted" not in shop.states(ids))
            eventually(lambda: len({offer["nonce"] for offer in endpoint.taken}) == len(PEOPLE))
            endpoint.forget()
            endpoint.holding = False
            forgotten_at = time.monotonic()
            assert {request.state for request in shop.wait(ids)} == {"mined"}
    assert time.monotonic() - forgotten_at < 6, "one after the other, each after a pause of its own"
    assert len(set(shop.paid_orders())) == len(shop.paid_orders()) == len(PEOPLE)
    shop.assert_no_gaps()


def test_t29_an_offer_far_above_the_market_is_not_raised_any_more(shop: Shop) -> None:
    """A node that takes transactions and never passes them on: that is told, and the fee stays."""
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=0):
            payment = shop.pay(PEOPLE[0], 10, "order")
            eventually(lambda: "far above the base fee" in (shop.lanes()["relayer"] or ""))
            offers = [offer["maxPriorityFeePerGas"] for offer in endpoint.taken]
            time.sleep(0.5)
            assert len(endpoint.taken) == len(offers) < 25
            assert max(offers) < 10 * min(offers)
            endpoint.release(-1)
            assert shop.wait([payment])[0].state == "mined"
            eventually(lambda: shop.lanes()["relayer"] is None)
    assert shop.paid_orders() == [order_hash("order")]


def test_t29_a_replacement_that_a_node_calls_underpriced_is_raised(shop: Shop) -> None:
    """Somebody else's transaction with our nonce lies in the mempool and offers more."""
    relayer = role_address(shop.deployment.settings, "relayer")
    nonce = int(shop.anvil.rpc.call("eth_getTransactionCount", relayer, "latest"), 16)
    with stubborn_mempool(shop.anvil.url) as endpoint:
        fees = {"maxFeePerGas": 4 * 10**9, "maxPriorityFeePerGas": 2 * 10**9}
        endpoint.taken.append(fees | {"sender": relayer, "nonce": nonce, "hash": "0x", "data": b""})
        with relaying(shop, url=endpoint.url, replace_after_seconds=1):
            payment = shop.pay(PEOPLE[0], 10, "order")
            assert shop.wait([payment], seconds=60)[0].state == "mined"
            eventually(lambda: shop.lanes()["relayer"] is None)
    assert endpoint.underpriced > 0
    shop.assert_no_gaps()


def test_t29_what_a_node_in_other_words_has_already_is_raised_after_a_restart(shop: Shop) -> None:
    """Nethermind's: what it has and what it would not replace."""
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.words = {
            "already known": "AlreadyKnown",
            "replacement transaction underpriced": "ReplacementNotAllowed",
        }
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            payment = shop.pay(PEOPLE[0], 10, "order")
            eventually(lambda: bool(endpoint.held))
        with relaying(shop, url=endpoint.url, replace_after_seconds=1):
            eventually(lambda: len(endpoint.held) > 1)
            assert shop.lanes()["relayer"] is None
            endpoint.release(-1)
            assert shop.wait([payment])[0].state == "mined"
    shop.assert_no_gaps()


def test_t29_a_clock_that_is_set_back_keeps_nothing_from_being_raised(shop: Shop) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            payment = shop.pay(PEOPLE[0], 10, "order")
            eventually(lambda: bool(endpoint.held))
            eventually(lambda: was_taken(shop, endpoint.held[0]))
            with shop.store.write() as connection:
                later = tables.relay_attempts.update().values(broadcast_at=int(time.time()) + 3_600)
                connection.execute(later.where(tables.relay_attempts.c.raw == endpoint.held[0]))
            eventually(lambda: len(endpoint.held) > 1)
            endpoint.release(-1)
            assert shop.wait([payment])[0].state == "mined"


def was_taken(shop: Shop, raw: str) -> bool:
    """Whether the relayer has noted that the node took it."""
    attempts = tables.relay_attempts.c
    with shop.store.read() as connection:
        return connection.scalar(select(attempts.broadcast_at).where(attempts.raw == raw)) is not None


def test_t31_no_transaction_offers_more_than_nodes_take(shop: Shop) -> None:
    """An ether: while one request alone would, it waits; when only several together would, they go apart."""
    gwei = 10**9
    with stubborn_mempool(shop.anvil.url) as endpoint, relaying(shop, url=endpoint.url, cap=50_000 * gwei):
        shop.anvil.rpc.call("anvil_setBalance", role_address(shop.deployment.settings, "relayer"), hex(10**21))
        shop.anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(8_000 * gwei))
        shop.anvil.mine()
        payments = [shop.pay(person, 10, f"order {person}") for person in PEOPLE]
        eventually(lambda: "which nodes do not take" in (shop.lanes()["relayer"] or ""))
        told = set()
        give_up_at = time.monotonic() + 1
        while time.monotonic() < give_up_at:
            told.add(shop.lanes()["relayer"] is None)
        assert told == {False}, "it is told for as long as it stands"
        assert set(shop.states(payments)) == {"accepted"}
        shop.anvil.mine(15)  # each empty block takes an eighth off the base fee
        assert {request.state for request in shop.wait(payments)} == {"mined"}
    assert len({request.transaction_hash for request in shop.requests(payments)}) > 1
    assert endpoint.too_dear == 0
    shop.assert_no_gaps()


def test_t31_no_no_op_offers_more_than_the_cap(shop: Shop) -> None:
    settings = shop.deployment.settings
    sender = Sender(load_signer(settings, "relayer"), settings.chain.chain_id)
    for cap, offer in ((112, None), (113, 113)):
        policy = FeePolicy(cap=cap, lowest_priority_fee=1, replace_after_seconds=3)
        node = Node(shop.anvil.rpc, settings.chain, sender.address)
        watch = Watch(shop.store, node, sender, shop.calls, policy, on_step=lambda _: None)
        attempt = Attempt("0x01", "0x", max_fee=100, priority_fee=1, gas=50_000)
        failed = Transaction(1, sender.address, 0, "payment", "mined", False, 7, "0x07", 0, [attempt])
        no_op = watch._no_op(failed)
        assert (no_op and no_op.max_fee) == offer


def test_a_leader_that_leads_again_tells_its_trouble_again(shop: Shop) -> None:
    """Another one led meanwhile, or nobody did: what stands in the store is not what this one told last."""
    settings = shop.deployment.settings
    sender = Sender(load_signer(settings, "relayer"), settings.chain.chain_id)
    node, policy = Node(shop.anvil.rpc, settings.chain, sender.address), policy_of(settings)
    artifacts = shop.deployment.artifacts
    common = Common(settings.chain, shop.store, shop.calls, Reverts(artifacts), policy, on_step=lambda _: None)
    lane = Lane("relayer", "relayer", Lock(), node, sender, common)
    shop.anvil.rpc.call("anvil_setBalance", sender.address, "0x0")
    for _ in range(2):
        lane.start()
        with shop.store.write() as connection:
            gas.set_price(connection, "relayer", 10**15)
        lane.step()
        assert "send it ETH" in (shop.lanes()["relayer"] or "")
        with shop.store.read() as connection:
            assert gas.price_and_budget(connection, MERCHANT)[0] < 10**12


def test_t31_when_fees_fall_the_lane_goes_on(shop: Shop) -> None:
    gwei = 10**9
    with relaying(shop, cap=50 * gwei):
        shop.anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(80 * gwei))
        shop.anvil.mine()
        eventually(lambda: int(shop.anvil.rpc.call("eth_gasPrice"), 16) > 50 * gwei)
        payment = shop.pay(PEOPLE[0], 10, "order")
        eventually(lambda: "requests wait until fees fall" in (shop.lanes()["relayer"] or ""))
        assert shop.states([payment]) == ["accepted"]
        shop.anvil.mine(8)  # each empty block takes an eighth off the base fee
        assert shop.wait([payment])[0].state == "mined"
        eventually(lambda: shop.lanes()["relayer"] is None)
    receipt = shop.anvil.rpc.call("eth_getTransactionReceipt", shop.requests([payment])[0].transaction_hash)
    assert int(receipt["effectiveGasPrice"], 16) <= 50 * gwei


def test_a_node_without_a_suggestion_of_fees_is_asked_for_their_history(shop: Shop) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.lacks = {"eth_maxPriorityFeePerGas"}
        with relaying(shop, url=endpoint.url):
            done = shop.wait([shop.pay(person, 10, f"order {person}") for person in PEOPLE])
    assert {request.state for request in done} == {"mined"}


def test_t30_a_node_that_fails_is_no_refusal(shop: Shop) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.broken = True
        with relaying(shop, url=endpoint.url):
            request_id = shop.pay(PEOPLE[0], 10, "order")
            eventually(lambda: "damaged" in (shop.lanes()["relayer"] or ""))
            assert shop.states([request_id]) == ["accepted"]
            endpoint.broken = False
            assert shop.wait([request_id])[0].state == "mined"
            eventually(lambda: shop.lanes()["relayer"] is None)


def test_t30_a_second_attempt_at_an_order_waits_for_the_first(shop: Shop) -> None:
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            first, second = shop.pay(PEOPLE[0], 10, "order"), shop.pay(PEOPLE[1], 10, "order")
            eventually(lambda: bool(endpoint.held))
            time.sleep(0.3)
            assert shop.states([first, second]) == ["sent", "accepted"]
            endpoint.release(0)
            states = [request.state for request in shop.wait([first, second])]
    assert states == ["mined", "refused"]
    assert shop.points(PEOPLE[1]) == 100


@pytest.mark.parametrize("depth", [1, 5])
def test_t24_after_a_reorg_the_same_transactions_are_sent_again(shop: Shop, depth: int) -> None:
    with relaying(shop):
        ids = [request_id for n in range(5) for request_id in shop_round(shop, n)]
        before = {request.id: request.transaction_hash for request in shop.requests(ids)}
        last = shop.requests(ids)[-1].block_hash
        shop.anvil.reorg(depth)
        eventually(lambda: shop.requests(ids)[-1].block_hash != last)
        done = shop.wait(ids)
        eventually(lambda: len(shop.paid_orders()) == 20)
    assert {request.state for request in done} == {"mined"}
    assert {request.id: request.transaction_hash for request in done} == before
    assert len(set(shop.paid_orders())) == 20
    shop.assert_no_gaps()


def shop_round(shop: Shop, n: int) -> list[str]:
    """Each customer pays 10 points, in one block."""
    ids = [shop.pay(person, 10, f"order {n} {person}") for person in PEOPLE]
    assert {request.state for request in shop.wait(ids)} == {"mined"}
    return ids


def test_a_reorg_in_the_middle_of_a_look_is_seen_before_anything_is_final(shop: Shop) -> None:
    """The endpoint's machines are not all as far: one still tells of the old block while another has the new ones."""
    with lying_endpoint(shop.anvil.url) as endpoint, relaying(shop, url=endpoint.url):
        first = shop.wait([shop.pay(PEOPLE[0], 1, "first")])[0]
        raw = bytes_of(shop, first)
        number = hex(shop.anvil.head())
        old = shop.anvil.rpc.call("eth_getBlockByNumber", number, False)
        endpoint.lie = lambda method, parameters, result: (
            old if method == "eth_getBlockByNumber" and parameters[0] == number else result
        )
        shop.anvil.reorg(1)
        shop.anvil.send("eth_sendRawTransaction", raw)
        second = shop.wait([shop.pay(PEOPLE[1], 1, "second")])[0]
        assert endpoint.told > 0
        assert shop.requests([first.id])[0].block_hash == old["hash"], "the relayer has seen the reorg already"
        endpoint.lie = truth
        shop.anvil.mine(64)
        eventually(lambda: {row.state for row in shop.transactions()} == {"final"})
        for request in shop.requests([first.id, second.id]):
            receipt = shop.anvil.rpc.call("eth_getTransactionReceipt", request.transaction_hash)
            assert request.block_hash == receipt["blockHash"]
    shop.assert_no_gaps()


def bytes_of(shop: Shop, request: Request) -> str:
    """The signed bytes that carried it."""
    with shop.store.read() as connection:
        attempts = connection.execute(tables.relay_attempts.select()).all()
    return next(str(attempt.raw) for attempt in attempts if attempt.hash == request.transaction_hash)


def test_a_chain_that_stepped_back_in_time_gets_nothing_before_its_time(shop: Shop) -> None:
    day = 86_400
    with relaying(shop):
        monday = shop_round(shop, 1)
        head = shop.anvil.head()
        shop.anvil.move_to(shop.anvil.now() + 8 * day)
        next_week = shop.anvil.now()
        tuesday = shop_round(shop, 2)
        node = node_of(shop, PEOPLE[0])
        shop.anvil.rpc.call("anvil_rollback", shop.anvil.head() - head)
        eventually(lambda: set(shop.states(tuesday)) == {"sent"})
        new = shop.pay(PEOPLE[0], 1, "in between")
        time.sleep(0.5)
        assert shop.states([*monday, *tuesday, new]) == ["mined"] * 4 + ["sent"] * 4 + ["accepted"]
        with shop.store.read() as connection:
            assert relay.next_not_before(connection, shop.anvil.now()) == next_week
        shop.anvil.move_to(next_week)
        done = shop.wait([*tuesday, new])
    assert {request.state for request in done} == {"mined"}
    assert shop.read("ReleaseNode", "nodeOf", [node.token_id])[3] == (10 + 1) * ONE_POINT
    shop.assert_no_gaps()


def test_a_request_is_not_refused_for_want_of_what_a_reorg_took(shop: Shop) -> None:
    """The customer's points are issued in a block that goes; the payment was accepted after it."""
    with stubborn_mempool(shop.anvil.url) as endpoint, relaying(shop, url=endpoint.url):
        shop.wait([shop.issue("newcomer", 100, "till newcomer")])
        endpoint.holding = True
        shop.anvil.reorg(1)
        payment = shop.pay("newcomer", 60, "order of the newcomer")
        eventually(lambda: bool(endpoint.held))
        time.sleep(0.3)
        assert shop.states([payment]) == ["accepted"]
        endpoint.holding = False
        endpoint.release(0)
        assert shop.wait([payment])[0].state == "mined"


def test_a_reorg_that_takes_an_issue_and_what_was_paid_with_it_refuses_nothing(shop: Shop) -> None:
    """Two lanes see it at two moments: the payment is sent again, and fails, before the issue is."""
    with relaying(shop):
        for turn in range(6):
            person = f"newcomer {turn}"
            issue = shop.issue(person, 100, f"till {turn}")
            shop.wait([issue])
            payment = shop.pay(person, 60, f"order {turn}")
            shop.wait([payment])
            last = shop.requests([payment])[0].block_hash
            shop.anvil.reorg(2)
            eventually(lambda: shop.requests([payment])[0].block_hash != last)  # noqa: B023
            assert {request.state for request in shop.wait([issue, payment])} == {"mined"}
            assert shop.points(person) == 40
    shop.assert_no_gaps()


@pytest.mark.parametrize("shared", ["wallet", "order", "merchant"])
def test_after_a_reorg_what_was_sent_first_is_sent_again_first_also_by_another_key(store: Store, shared: str) -> None:
    """An issue, after one to the same wallet or a request of the same order, or after quota for its merchant."""
    kind = {"wallet": "payment", "order": "payment", "merchant": "add_quota"}[shared]
    lane = "registrar" if kind == "add_quota" else "relayer"
    of_issue = {"merchant": MERCHANT, "order_hash": order_hash("order"), "wallet": signer("customer").address}
    others: dict[str, dict[str, object]] = {
        "wallet": {"merchant": MERCHANT + 1, "order_hash": order_hash("another"), "wallet": of_issue["wallet"]},
        "order": {"merchant": MERCHANT, "order_hash": of_issue["order_hash"], "wallet": None},
        "merchant": {"merchant": MERCHANT, "order_hash": None, "wallet": None},
    }
    with store.write() as connection:
        sent = []
        for nonce, (name, on, of) in enumerate(((kind, lane, others[shared]), ("issue", "issuer", of_issue))):
            request = relay.add_request(connection, kind=name, lane=on, payload={}, not_before=0, **of)  # type: ignore[arg-type]
            attempt = Attempt(f"0x{nonce:064x}", "0x", max_fee=1, priority_fee=1, gas=21_000)
            relay_transactions.record(connection, signer(on).address, name, [request.id], 0, attempt)
            sent += relay_transactions.unfinished(connection, signer(on).address)
        first, issue = sent
        assert relay.waits_for_another(connection, issue.id)
        assert not relay.waits_for_another(connection, first.id)
        relay_transactions.mined(connection, first, first.attempts[0].hash, True, (7, "0x" + "07" * 32))
        assert not relay.waits_for_another(connection, issue.id)


def test_a_key_that_no_lane_has_any_more_holds_up_no_refusal(shop: Shop) -> None:
    """Nobody follows its transactions: one is on record as sent for ever, one as mined in a block that is gone."""
    with shop.store.write() as connection:
        for nonce in range(2):
            attempt = Attempt(f"0x{nonce:064x}", "0x", max_fee=1, priority_fee=1, gas=21_000)
            relay_transactions.fill_gap(connection, signer("old relayer").address, nonce, attempt)
        gone = relay_transactions.unfinished(connection, signer("old relayer").address)[1]
        block = (shop.anvil.head() + 1, "0x" + "0e" * 32)
        relay_transactions.mined(connection, gone, gone.attempts[0].hash, True, block)
    with relaying(shop):
        done = shop.wait([shop.pay("poor", 10, "order of the poor")])
    assert [request.state for request in done] == ["refused"]


def test_a_contract_wallet_that_changes_its_mind_fails_alone(shop: Shop) -> None:
    """Between simulation and mining it takes its signature back, so its transaction fails on chain: nobody else's."""
    wallet = signer(PEOPLE[1]).address
    set_wallet(shop, wallet, accepts=True)
    of_wallet = {"contract_wallet": True, "signature": "0x" + "11" * 65}  # of no key, so the wallet's code is asked
    changed = [of_wallet if person == PEOPLE[1] else {} for person in PEOPLE]
    ids = [shop.pay(person, 60, f"order {person}", **what) for person, what in zip(PEOPLE, changed, strict=True)]
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            eventually(lambda: len(endpoint.held) == 2)
            set_wallet(shop, wallet, accepts=False)
            endpoint.holding = False
            for index in range(2):
                endpoint.release(index)
            done = shop.wait(ids)
    assert [request.state for request in done] == ["mined", "refused", "mined", "mined"]
    assert [request.failures for request in done] == [0, 1, 0, 0]
    assert done[1].refusal is not None
    assert done[1].refusal["name"] == "PaymentProcessor_InvalidSignature"
    assert len({request.transaction_hash for request in done if request.state == "mined"}) == 1
    shop.assert_no_gaps()


def set_wallet(shop: Shop, account: str, *, accepts: bool) -> None:
    """Puts an ERC-1271 wallet at the account that accepts every signature, or none: it returns the magic value or 0."""
    answer = "1626ba7e" if accepts else "00000000"
    shop.anvil.rpc.call("anvil_setCode", account, f"0x63{answer}60e01b60005260206000f3")


def fail_on_chain(shop: Shop) -> list[Request]:
    """Between simulation and mining one payer's points go elsewhere, so that the whole batch fails on chain."""
    ids = [shop.pay(person, 60, f"order {person}") for person in PEOPLE]
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            eventually(lambda: bool(endpoint.held))
            spend_all(shop, PEOPLE[1])
            endpoint.holding = False
            endpoint.release(0)
            return shop.wait(ids)


def test_mined_and_failed_requests_are_tried_again_or_refused(shop: Shop) -> None:
    done = fail_on_chain(shop)
    assert [request.state for request in done] == ["mined", "refused", "mined", "mined"]
    assert done[1].refusal is not None
    assert done[1].refusal["name"] == "ERC20InsufficientBalance"
    assert len(shop.paid_orders()) == 3
    shop.assert_no_gaps()


def test_a_failed_transaction_that_a_reorg_takes_becomes_a_no_op(shop: Shop) -> None:
    """Sent again it would succeed now, and pay what its requests' later transactions pay too."""
    done = fail_on_chain(shop)
    failed = next(row for row in shop.transactions() if row.succeeded is False)
    with relaying(shop):
        shop.anvil.reorg(shop.anvil.head() - failed.block_number + 1)
        eventually(lambda: relay_transactions.CANCEL in [row.kind for row in shop.transactions()])
        eventually(lambda: {row.state for row in shop.transactions()} <= {"mined", "final"})
    assert shop.states([request.id for request in done]) == ["mined", "refused", "mined", "mined"]
    assert len(shop.paid_orders()) == 3
    shop.assert_no_gaps()


def test_what_two_transactions_carry_by_turns_is_done_by_whichever_succeeds(store: Store) -> None:
    """Reorgs let the first one fail, then succeed, then fail again; the second one the other way round."""
    sender, block = signer("relayer").address, iter(range(1, 99))
    claim = {"kind": "claim", "lane": "relayer", "payload": {}, "not_before": 0, "merchant": MERCHANT}

    def mined(transaction: int, succeeded: bool) -> None:
        with store.write() as connection:
            rows = {
                row.id: row
                for state in ("unfinished", "watched")
                for row in getattr(relay_transactions, state)(connection, sender)
            }
            tx, at = rows[transaction], next(block)
            relay_transactions.mined(connection, tx, tx.attempts[0].hash, succeeded, (at, f"0x{at:064x}"), 10**9)

    def stands() -> tuple[str, int | None, int]:
        with store.read() as connection:
            row = connection.execute(tables.relay_requests.select()).one()
            return row.state, row.transaction_id, gas.usage(connection, MERCHANT, 0).spent

    with store.write() as connection:
        request = relay.add_request(connection, **claim)  # type: ignore[arg-type]
        for nonce in range(2):
            attempt = Attempt(f"0x{nonce:064x}", "0x", max_fee=1, priority_fee=1, gas=50_000)
            relay_transactions.record(connection, sender, "claim", [request.id][nonce:], nonce, attempt)
    mined(1, succeeded=False)
    assert stands() == ("accepted", None, 1)
    with store.write() as connection:
        relay.carry(connection, [request.id], 2)
    mined(2, succeeded=True)
    assert stands() == ("mined", 2, 2)

    mined(1, succeeded=True)
    mined(2, succeeded=False)
    assert stands() == ("mined", 1, 2)
    for order in ((1, 2), (2, 1)):  # whichever is looked at first
        for transaction in order:
            mined(transaction, succeeded=transaction == 2)
        assert stands() == ("mined", 2, 2)
        for transaction in order:
            mined(transaction, succeeded=transaction == 1)
        assert stands() == ("mined", 1, 2)
    with store.write() as connection:
        relay_transactions.finalise(connection, sender, 99)
        assert not connection.execute(tables.relay_failures.select()).all()


@pytest.mark.parametrize("gone_before", [False, True])
def test_what_had_failed_and_succeeds_after_a_reorg_is_told_as_done(shop: Shop, gone_before: bool) -> None:
    """The reorg puts the same bytes before what made them fail; or it does so after an earlier one, after which they
    had been given up and a no-op took their nonce."""
    done = fail_on_chain(shop)
    assert [request.state for request in done] == ["mined", "refused", "mined", "mined"]
    failed = next(row for row in shop.transactions() if row.succeeded is False)
    with shop.store.read() as connection:
        attempts = tables.relay_attempts
        raw = connection.scalar(
            attempts.select().with_only_columns(attempts.c.raw).where(attempts.c.hash == failed.hash)
        )
    before_it_failed = failed.block_number - 2  # the other transaction is in the block between
    with relaying(shop):
        if gone_before:
            shop.anvil.reorg(shop.anvil.head() - before_it_failed)
            eventually(lambda: relay_transactions.CANCEL in [row.kind for row in shop.transactions()])
            eventually(lambda: {row.state for row in shop.transactions()} <= {"mined", "final"})
        shop.anvil.reorg(shop.anvil.head() - before_it_failed, [raw])
        eventually(lambda: shop.states([request.id for request in done]) == ["mined"] * 4)
        eventually(lambda: {row.state for row in shop.transactions()} <= {"mined", "final"})
    assert {request.transaction_hash for request in shop.requests([each.id for each in done])} == {failed.hash}
    assert len(shop.paid_orders()) == 4
    receipts = [shop.anvil.rpc.call("eth_getTransactionReceipt", row.hash) for row in shop.transactions()]
    wei = [int(each["gasUsed"], 16) * int(each["effectiveGasPrice"], 16) for each in receipts]
    assert spent(shop) == sum(-(-each // 10**9) for each in wei), "those that failed have cost too"
    shop.assert_no_gaps()


def as_geth_tells(method: str, parameters: list[Any], result: Any) -> Any:
    """A simulated call that reverts: its data are in the error, and it has returned nothing."""
    if method == "eth_simulateV1":
        assert parameters[1] != "latest", "a block that has come since might not be before the time asked for"
        for call in result[0]["calls"]:
            if call["status"] == "0x0":
                call["error"] = {"code": 3, "message": "execution reverted", "data": call["returnData"]}
                call["returnData"] = "0x"
    return result


@pytest.mark.parametrize("has_code", [False, True])
def test_why_something_is_refused_is_told_by_nodes_that_tell_it_as_geth_does(shop: Shop, has_code: bool) -> None:
    of_wallet = {"contract_wallet": True, "signature": "0x" + "11" * 65} if has_code else {}
    if has_code:
        set_wallet(shop, signer("poor").address, accepts=True)
    with lying_endpoint(shop.anvil.url) as endpoint:
        endpoint.lie = as_geth_tells
        with relaying(shop, url=endpoint.url):
            (done,) = shop.wait([shop.pay("poor", 10, "order of the poor", **of_wallet)])
    assert done.refusal is not None
    assert done.refusal["name"] == "ERC20InsufficientBalance"


def test_a_node_without_eth_simulate_is_asked_for_estimates(shop: Shop) -> None:
    ids = [shop.pay(person, 120 if person == PEOPLE[2] else 20, f"order {person}") for person in PEOPLE]
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.lacks = {"eth_simulateV1"}
        with relaying(shop, url=endpoint.url):
            done = shop.wait(ids)
    assert [request.state for request in done] == ["mined", "mined", "refused", "mined"]
    assert done[2].refusal is not None
    assert done[2].refusal["name"] == "ERC20InsufficientBalance"


def spend_all(shop: Shop, customer: str) -> None:
    rpc, account = shop.anvil.rpc, signer(customer).address
    rpc.call("anvil_impersonateAccount", account)
    rpc.call("anvil_setBalance", account, hex(10**20))
    to, data = shop.calls.encode("PointsToken", "transfer", [signer("friend").address, shop.balance(account)])
    rpc.call("eth_sendTransaction", {"from": account, "to": to, "data": data, "gas": hex(200_000)})
    eventually(lambda: shop.points(customer) == 0)


def test_t27_a_nonce_used_by_somebody_else_stops_nothing(shop: Shop) -> None:
    relayer = role_address(shop.deployment.settings, "relayer")
    shop.anvil.rpc.call("anvil_impersonateAccount", relayer)
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            ids = [shop.pay(person, 10, f"order {person}") for person in PEOPLE]
            eventually(lambda: bool(endpoint.held))
            shop.anvil.rpc.call("eth_sendTransaction", {"from": relayer, "to": relayer})
            endpoint.holding = False
            later = [shop.issue("person 9", 20, "till person 9"), shop.pay("poor", 10, "order of the poor")]
            assert [request.state for request in shop.wait(later)] == ["mined", "refused"]
            assert set(shop.states(ids)) == {"sent"}, "given up before the other transaction was final"
            shop.anvil.mine(64)
            done = shop.wait(ids)
    assert {(request.state, request.failures) for request in done} == {("mined", 0)}
    assert len(set(shop.paid_orders())) == len(shop.paid_orders()) >= 4


def test_t27_a_gap_is_filled_by_a_no_op(shop: Shop) -> None:
    """A transaction of the same key that is not on record is taken by a reorg, below others that are."""
    relayer = role_address(shop.deployment.settings, "relayer")
    shop.anvil.rpc.call("anvil_impersonateAccount", relayer)
    shop.anvil.rpc.call("eth_sendTransaction", {"from": relayer, "to": relayer})
    shop.anvil.mine()
    with relaying(shop):
        ids = shop_round(shop, 1)
        shop.anvil.reorg(3)
        eventually(lambda: set(shop.states(ids)) != {"mined"})
        done = shop.wait(ids)
        assert {request.state for request in done} == {"mined"}
        shop.wait([shop.pay(PEOPLE[0], 1, "later")])
    assert [row.kind for row in shop.transactions() if row.sender == relayer].count(relay_transactions.CANCEL) == 1
    shop.assert_no_gaps()


def test_t31_an_empty_account_stops_its_lane_alone_and_says_so(shop: Shop) -> None:
    relayer = role_address(shop.deployment.settings, "relayer")
    shop.anvil.give_ether(relayer, 10**9)
    with relaying(shop):
        payment = shop.pay(PEOPLE[0], 10, "order")
        eventually(lambda: "send it ETH" in (shop.lanes()["relayer"] or ""))
        assert relayer in (shop.lanes()["relayer"] or "")
        assert shop.wait([shop.issue("other", 10, "till other")])[0].state == "mined"
        assert shop.states([payment]) == ["accepted"]
        shop.anvil.give_ether(relayer)
        assert shop.wait([payment])[0].state == "mined"
        eventually(lambda: shop.lanes()["relayer"] is None)


def test_t31_no_transaction_offers_more_than_the_cap(shop: Shop) -> None:
    with relaying(shop, cap=10**6):
        payment = shop.pay(PEOPLE[0], 10, "order")
        eventually(lambda: "cap" in (shop.lanes()["relayer"] or ""))
        assert shop.states([payment]) == ["accepted"]
    with relaying(shop):
        assert shop.wait([payment])[0].state == "mined"


def test_what_is_final_is_no_longer_watched(shop: Shop) -> None:
    with relaying(shop):
        shop.anvil.mine(64)
        eventually(lambda: {row.state for row in shop.transactions()} == {"final"})
        shop_round(shop, 1)
        assert shop.transactions()[-1].state == "mined"


def test_one_relayer_works_and_another_takes_over(shop: Shop, database: Secret) -> None:
    first = relayer_process(shop, database, dies_at="never")
    try:
        shop.wait([shop.pay(PEOPLE[0], 1, "first")], seconds=60)
        with relaying(shop):
            shop.wait([shop.pay(PEOPLE[0], 1, "second")])
            first.kill()
            shop.wait([shop.pay(PEOPLE[0], 1, "third")])
    finally:
        first.kill()
        first.wait()
    assert len(shop.paid_orders()) == 3
    shop.assert_no_gaps()
    told = (shop.deployment.settings.home / "relayer.log").read_text()
    assert "sent" in told
    assert not [lane for lane in relay.LANES if local_key(lane).hex() in told], "a log shows a key"
