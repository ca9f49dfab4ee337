"""What somebody may try who wants the relayer's gas, or its lane: code that signs, and requests that are refused."""

from __future__ import annotations

import pytest
from eth_account import Account

from builders import ANVIL_KEY, Deployment, private_key, signer
from chainpoints.relayer.requests import CONTRACT_GAS
from chainpoints.store import relay
from chainpoints.store.session import Store
from relaying import Shop, eventually, order_hash, relaying
from stubborn_mempool import stubborn_mempool

pytestmark = pytest.mark.integration

HONEST = [f"person {n}" for n in range(4)]
ATTACKER = "attacker"

ACCEPTS = "631626ba7e60e01b60005260206000f3"
"""Returns ERC-1271's magic value."""
ACCEPTS_IN_SIMULATION = f"3a15600657fe5b{ACCEPTS}"
"""Accepts where gas has no price, as in a simulation; else burns all the gas there is."""
ACCEPTS_WITH_MUCH_GAS = f"5a630098968010600b57fe5b{ACCEPTS}"
"""Accepts where there are 10,000,000 gas; else burns all there is."""
ACCEPTS_LATE = f"5b620186a05a11600057{ACCEPTS}"
"""Accepts when no more than 100,000 gas are left."""


@pytest.fixture
def shop(deployment: Deployment, store: Store) -> Shop:
    """A shop whose customers have 100 points each."""
    shop = Shop(deployment, store)
    with relaying(shop):
        done = shop.wait([*shop.open(), *(shop.issue(person, 100, f"till {person}") for person in [*HONEST, ATTACKER])])
    assert {request.state for request in done} == {"mined"}
    return shop


def delegate(shop: Shop, person: str, code: str) -> None:
    """EIP-7702: the person's account, which keeps its key, acts by the code from now on."""
    target = signer("code").address
    shop.anvil.rpc.call("anvil_setCode", target, f"0x{code}")
    sponsor = Account.from_key(ANVIL_KEY)
    terms = {"chainId": shop.deployment.settings.chain.chain_id, "nonce": 0}
    authorization = Account.from_key(private_key(person)).sign_authorization(
        terms | {"address": bytes.fromhex(target[2:])}
    )
    nonce = int(shop.anvil.rpc.call("eth_getTransactionCount", sponsor.address, "latest"), 16)
    fees = {"type": 4, "gas": 500_000, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
    call = {"to": sponsor.address, "value": 0, "data": b"", "authorizationList": [authorization]}
    signed = sponsor.sign_transaction({"chainId": terms["chainId"], "nonce": nonce} | fees | call)
    shop.anvil.send("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
    assert shop.anvil.rpc.call("eth_getCode", signer(person).address, "latest") == f"0xef0100{target[2:].lower()}"


def gas_used(shop: Shop, transaction_hash: str | None) -> int:
    return int(shop.anvil.rpc.call("eth_getTransactionReceipt", transaction_hash)["gasUsed"], 16)


@pytest.mark.parametrize("code", [ACCEPTS_IN_SIMULATION, ACCEPTS_WITH_MUCH_GAS])
def test_a_key_that_delegates_to_code_takes_nobody_with_it(shop: Shop, code: str) -> None:
    """Its signature is no key's, so the code is asked; nothing in its request says that there is any."""
    delegate(shop, ATTACKER, code)
    attack = shop.pay(ATTACKER, 10, "order", signature="0x" + "11" * 65)
    ids = [attack, *(shop.pay(person, 10, f"order {person}") for person in HONEST)]
    with relaying(shop):
        refused, *mined = shop.wait(ids)
    assert refused.state == "refused"
    assert [(request.state, request.failures) for request in mined] == [("mined", 0)] * len(HONEST)
    assert len({request.transaction_hash for request in mined}) == 1
    assert shop.points(ATTACKER) == 100
    shop.assert_no_gaps()


def test_a_key_that_delegates_to_code_is_still_held_to_its_signature(shop: Shop) -> None:
    delegate(shop, ATTACKER, "fe")
    with relaying(shop):
        (done,) = shop.wait([shop.pay(ATTACKER, 10, "order")])
    assert (done.state, done.failures) == ("mined", 0)
    assert shop.paid_orders() == [order_hash("order")]


@pytest.mark.parametrize(
    ("code", "times", "reason"),
    [
        (ACCEPTS_IN_SIMULATION, 1, "mined and failed (times: 1)"),
        (ACCEPTS_WITH_MUCH_GAS, 0, "signature"),
        (ACCEPTS_LATE, 0, str(CONTRACT_GAS)),
    ],
)
def test_a_contract_that_burns_gas_does_so_once_and_little(shop: Shop, code: str, times: int, reason: str) -> None:
    shop.anvil.rpc.call("anvil_setCode", signer(ATTACKER).address, f"0x{code}")
    with relaying(shop):
        (refused,) = shop.wait([shop.pay(ATTACKER, 10, "order", signature="0x00", contract_wallet=True)])
    failed = [row for row in shop.transactions() if row.succeeded is False]
    assert (refused.state, refused.failures, len(failed)) == ("refused", times, times)
    assert all(gas_used(shop, row.hash) <= CONTRACT_GAS for row in failed)
    assert refused.refusal is not None
    assert reason in refused.refusal["sentence"]


def test_an_honest_payment_takes_less_than_half_of_what_a_contract_may(shop: Shop) -> None:
    shop.anvil.rpc.call("anvil_setCode", signer(ATTACKER).address, f"0x{ACCEPTS}")
    with relaying(shop):
        (done,) = shop.wait([shop.pay(ATTACKER, 10, "order", signature="0x" + "11" * 512, contract_wallet=True)])
    assert done.state == "mined"
    assert shop.paid_orders() == [order_hash("order")]
    assert 2 * gas_used(shop, done.transaction_hash) <= CONTRACT_GAS


def test_requests_that_cannot_be_refused_yet_hold_up_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for a transaction of another lane; there are more of them than are looked at in one step."""
    monkeypatch.setattr("chainpoints.relayer.lane._READY_AT_ONCE", 4)
    monkeypatch.setattr("chainpoints.relayer.lane._SUSPECTS_AT_ONCE", 4)
    with stubborn_mempool(shop.anvil.url) as endpoint:
        endpoint.holding = True
        with relaying(shop, url=endpoint.url, replace_after_seconds=60):
            shop.issue("somebody", 1, "under way")
            eventually(lambda: bool(endpoint.held))
            endpoint.holding = False
            garbage = [shop.pay(f"g{n}", 10, f"g{n}", signature="0x00", contract_wallet=True) for n in range(10)]
            honest = shop.wait([shop.pay(person, 10, f"order {person}") for person in HONEST])
            assert {request.state for request in honest} == {"mined"}
            assert set(shop.states(garbage)) == {"accepted"}
            endpoint.release(0)
            assert {request.state for request in shop.wait(garbage)} == {"refused"}
    shop.assert_no_gaps()


def test_a_flood_of_what_proves_nothing_is_looked_at_after_the_rest_and_little_by_little(shop: Shop) -> None:
    garbage = [forged_permit(shop, n) for n in range(60)]
    honest = [shop.pay(person, 10, f"order {person}") for person in HONEST]
    with shop.store.read() as connection:
        ready = relay.ready_requests(connection, "relayer", shop.anvil.now(), 500, 10)
    assert [request.id for request in ready] == [*honest, *garbage[:10]]
    with relaying(shop):
        assert {request.state for request in shop.wait(honest)} == {"mined"}
        assert shop.states(garbage).count("refused") <= 40
        assert {request.state for request in shop.wait(garbage, seconds=60)} == {"refused"}
    shop.assert_no_gaps()


def forged_permit(shop: Shop, n: int) -> str:
    """As anybody can send it, in the name of a contract."""
    owner, spender = signer(f"nobody {n}").address, signer(ATTACKER).address
    payload = {"owner": owner, "spender": spender, "amount": 1, "deadline": 2**40, "signature": "0x00"}
    return shop.accept("permit", payload | {"contract_wallet": True})
