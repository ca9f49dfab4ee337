"""Keys that an external signer holds: real transactions, and what becomes of them while it is ill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account

from builders import Deployment, private_key, signer
from chainpoints.chain.remote_signer import RemoteSigner
from chainpoints.chain.signer import load_signer, role_address
from chainpoints.config import Secret, Settings, load_settings
from chainpoints.doctor import examine
from chainpoints.errors import InvalidInput, SignerError
from chainpoints.store.session import Store
from relaying import Shop, eventually, opened_shop, order_hash, relaying
from web3signer import Web3Signer, web3signer

pytestmark = pytest.mark.integration

PEOPLE = [f"person {n}" for n in range(4)]
KEY = "elsewhere"
TRANSACTION = {
    "chainId": 560048,
    "nonce": 0,
    "to": "0x" + "ab" * 20,
    "value": 0,
    "data": "0x1234",
    "gas": 50_000,
    "maxFeePerGas": 2**40,
    "maxPriorityFeePerGas": 1,
}


@pytest.fixture
def elsewhere() -> Iterator[Web3Signer]:
    with web3signer([private_key(KEY), private_key("somebody else")]) as running:
        yield running


@pytest.fixture
def shop(deployment: Deployment, store: Store) -> Shop:
    """A shop whose customers have 100 points each."""
    return opened_shop(deployment, store, PEOPLE)


@pytest.fixture
def settings(shop: Shop, elsewhere: Web3Signer, tmp_path: Path) -> Settings:
    """The relayer's key is elsewhere; the issuer's and the registrar's are as they were."""
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "relayer.address").write_text(signer(KEY).address)
    shop.anvil.give_ether(signer(KEY).address)
    return replace(shop.deployment.settings, keys=keys, signer_url=Secret(elsewhere.url))


def trouble(shop: Shop) -> str:
    return shop.lanes().get("relayer") or ""


def test_payments_are_signed_elsewhere_and_issues_here(shop: Shop, settings: Settings, elsewhere: Web3Signer) -> None:
    with relaying(shop, settings=settings):
        done = shop.wait([shop.pay(person, 10, f"order {person}") for person in PEOPLE])
        issued = shop.wait([shop.issue("later", 10, "till later")])
    assert {request.state for request in (*done, *issued)} == {"mined"}
    sent = {request.transaction_hash for request in done}
    senders = {shop.anvil.rpc.call("eth_getTransactionByHash", each)["from"] for each in sent}
    assert senders == {signer(KEY).address}
    assert elsewhere.signed == len(sent)


@pytest.mark.parametrize(
    ("illness", "words"),
    [
        ({"up": False}, "HTTP 503"),
        ({"impostor": private_key("thief")}, "it signed as 0x"),
        ({"garbled": True}, "is not r, s and v"),
        ({"keys": {}}, "holds no key of"),
        ({"slow_seconds": 6.0}, "does not answer within 5 seconds"),
    ],
)
def test_an_ill_signer_is_the_lanes_trouble_and_heals(
    shop: Shop, settings: Settings, elsewhere: Web3Signer, illness: dict[str, object], words: str
) -> None:
    well = {name: getattr(elsewhere, name) for name in illness}
    for name, value in illness.items():
        setattr(elsewhere, name, value)
    with relaying(shop, settings=settings):
        payment = shop.pay(PEOPLE[0], 10, "order")
        eventually(lambda: words in trouble(shop))
        assert shop.wait([shop.issue("other", 10, "till other")])[0].state == "mined", "another lane was held up"
        assert shop.states([payment]) == ["accepted"]
        assert shop.paid_orders() == []
        for name, value in well.items():
            setattr(elsewhere, name, value)
        assert shop.wait([payment], seconds=30)[0].state == "mined"
        eventually(lambda: not trouble(shop))
    assert shop.paid_orders() == [order_hash("order")]


def test_while_the_signer_is_slow_the_database_is_free(shop: Shop, settings: Settings, elsewhere: Web3Signer) -> None:
    elsewhere.slow_seconds = 4.0
    with relaying(shop, settings=settings):
        payment = shop.pay(PEOPLE[0], 10, "order")
        eventually(lambda: shop.states([payment]) == ["mined"], seconds=20)
        other = shop.pay(PEOPLE[1], 10, "another order")
        issued = shop.wait([shop.issue(f"other {n}", 1, f"till {n}") for n in range(3)], seconds=3.5)
        assert {request.state for request in issued} == {"mined"}
        assert shop.wait([other])[0].state == "mined"


def test_doctor_asks_the_signer_for_the_keys(shop: Shop, settings: Settings, elsewhere: Web3Signer) -> None:
    (found,) = [finding for finding in examine(settings) if finding.what == "signer"]
    assert found.ok
    assert signer(KEY).address in found.detail
    elsewhere.keys = {}
    (found,) = [finding for finding in examine(settings) if finding.what == "signer"]
    assert not found.ok
    assert "holds no key of" in found.detail


def test_it_signs_what_a_key_here_would_sign(elsewhere: Web3Signer) -> None:
    remote = RemoteSigner(Secret(elsewhere.url), signer(KEY).address)
    raw, transaction_hash = remote.sign_transaction(TRANSACTION)
    assert (raw, transaction_hash) == signer(KEY).sign_transaction(TRANSACTION | {"type": 2})
    assert Account.recover_transaction(raw).lower() == remote.address
    with pytest.raises(InvalidInput, match="cannot be signed"):
        remote.sign_transaction(TRANSACTION | {"nonce": -1})


def test_a_signer_that_is_not_there_is_told_without_its_address() -> None:
    remote = RemoteSigner(Secret("http://user:s3cret@127.0.0.1:1"), signer(KEY).address)
    with pytest.raises(SignerError, match="does not answer") as refused:
        remote.check()
    assert "s3cret" not in f"{refused.value} {remote!r}"


def test_an_address_file_says_which_keys_are_elsewhere(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "relayer-2.address").write_text(signer(KEY).address)
    (keys / "issuer.json").write_text(json.dumps({"address": signer("issuer").address[2:]}))
    settings = load_settings(
        {
            "CHAINPOINTS_CHAIN": "hoodi",
            "CHAINPOINTS_RPC_URL": "http://127.0.0.1:1",
            "CHAINPOINTS_KEYS": str(keys),
            "CHAINPOINTS_SIGNER_URL": "http://127.0.0.1:1/",
        }
    )
    assert isinstance(load_signer(settings, "relayer-2"), RemoteSigner)
    assert role_address(settings, "relayer-2") == signer(KEY).address
    assert role_address(settings, "issuer") == signer("issuer").address
