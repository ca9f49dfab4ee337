"""x402: the code of docs/x402.md, with the official packages on both sides, on a real chain; and what is refused."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from sqlalchemy import func, insert, select, update
from x402.http import FacilitatorConfig, HTTPFacilitatorClientSync
from x402.mechanisms.evm import constants
from x402.mechanisms.evm.exact import ExactEvmClientScheme
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse

from builders import private_key, signer
from chain_rows import MANIFEST
from chainpoints.api import exact
from chainpoints.api.routes import x402 as routes
from chainpoints.chain.calls import Calls
from chainpoints.store import tables
from chainpoints.store.idempotency import prune_answers
from gateway import PATIENCE_SECONDS, Api, World, serving

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[3] / "docs/x402.md").read_text()
ALICE, SHOP, BOB = (signer(name).address for name in ("alice", "shop", "bob"))
PRICE = "2500000"


def code(number: int, **replaced: str) -> dict[str, Any]:
    """The page's code of that number, run; with what it says in place of what differs here."""
    text = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[number]
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    names: dict[str, Any] = {"__name__": "page"}
    exec(text, names)
    return names


@contextmanager
def seller(world: World) -> Iterator[str]:
    """A seller who asks for 2.5 points, as the page has it. Its address."""
    page = code(0, **{"http://127.0.0.1:8600": world.url, "0x...": SHOP})
    with serving(page["app"]) as url:
        yield f"{url}/song"


def facilitator(gateway: World | Api) -> HTTPFacilitatorClientSync:
    http = gateway.public.http
    return HTTPFacilitatorClientSync(FacilitatorConfig(url=str(http.base_url.join("/v1/x402")), http_client=http))


def asked(gateway: World | Api, **changed: Any) -> PaymentRequirements:
    (kind,) = facilitator(gateway).get_supported().kinds
    terms = {"scheme": kind.scheme, "network": kind.network, "asset": kind.extra["asset"], "amount": PRICE}
    extra = {"name": kind.extra["name"], "version": kind.extra["version"]}
    return PaymentRequirements.model_validate(
        terms | {"payTo": SHOP, "maxTimeoutSeconds": 300, "extra": extra} | changed
    )


def signed(requirements: PaymentRequirements, payer: str = "alice") -> PaymentPayload:
    """What the official client signs for a seller who asks for that."""
    payload = ExactEvmClientScheme(Account.from_key(private_key(payer))).create_payment_payload(requirements)
    return PaymentPayload(payload=payload, accepted=requirements)


def balances(world: World) -> tuple[str, str]:
    world.read_all()
    return tuple(world.public.get(f"/v1/wallets/{each}")["balance"] for each in (ALICE, SHOP))  # type: ignore[return-value]


def give_points(world: World) -> None:
    _, shop = world.merchant("merchant")
    world.issue(shop, "alice", "10", "till-1")


def served(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.json() == {"song": "la la la"}


def test_a_buyer_pays_points_for_a_resource_and_is_served_once(world: World) -> None:
    give_points(world)
    with seller(world) as song:
        assert httpx.get(song).status_code == 402
        bought = asyncio.run(
            code(1, **{"0x...": asked(world).asset})["buy"](song, Account.from_key(private_key("alice")))
        )
        assert bought == {"song": "la la la"}
        assert balances(world) == ("7.500000", "2.500000")

        # when: one header is sent many times at once, and once more
        header = _header(song)
        with ThreadPoolExecutor(5) as threads:
            answers = list(threads.map(lambda _: httpx.get(song, headers=header, timeout=30), range(5)))
        assert sorted(each.status_code for each in answers) == [200, 402, 402, 402, 402]
        assert sum(map(served, answers)) == 1
        again = httpx.get(song, headers=header, timeout=30)
        assert (again.status_code, served(again)) == (402, False)
        assert balances(world) == ("5.000000", "5.000000")


def _header(song: str) -> dict[str, str]:
    """The header by which a buyer pays what the seller asks for."""
    from x402.http.utils import decode_payment_required_header, encode_payment_signature_header

    required = decode_payment_required_header(httpx.get(song).headers["payment-required"])
    payment = signed(required.accepts[0])
    payment.resource = required.resource
    return {"payment-signature": encode_payment_signature_header(payment)}


def test_a_payment_is_settled_once_and_told_so_once(world: World) -> None:
    give_points(world)
    client, wanted = facilitator(world), asked(world)
    payment = signed(wanted)
    assert client.verify(payment, wanted).model_dump(exclude_none=True) == {"isValid": True, "payer": ALICE}
    first = client.settle(payment, wanted)
    assert (first.success, first.payer, first.amount, first.network) == (True, ALICE, PRICE, wanted.network)
    request = world.public.get(f"/v1/requests/{request_of(first)}")
    assert (request["state"], request["transaction"]) == ("mined", first.transaction)
    assert balances(world) == ("7.500000", "2.500000")

    again, verified = client.settle(payment, wanted), client.verify(payment, wanted)
    assert (again.success, again.error_reason) == (False, constants.ERR_NONCE_ALREADY_USED)
    assert (again.transaction, request_of(again)) == (first.transaction, request_of(first))
    assert (verified.is_valid, verified.invalid_reason) == (False, constants.ERR_NONCE_ALREADY_USED)
    assert balances(world) == ("7.500000", "2.500000")


def test_a_payment_of_long_ago_is_not_told_as_settled_again(world: World) -> None:
    """That it was told is not forgotten with other answers."""
    give_points(world)
    client, wanted = facilitator(world), asked(world)
    payment = signed(wanted)
    assert client.settle(payment, wanted).success
    with world.store.write() as connection:
        assert prune_answers(connection, int(time.time()) + 10**9, 1_000) > 0
        assert set(connection.scalars(select(tables.idempotency.c.owner))) == {"x402"}
    assert client.verify(payment, wanted).invalid_reason == constants.ERR_NONCE_ALREADY_USED
    assert client.settle(payment, wanted).error_reason == constants.ERR_NONCE_ALREADY_USED


def request_of(settled: SettleResponse) -> str:
    assert settled.extra is not None
    return str(settled.extra["request"])


def test_on_a_slow_chain_it_is_pending_and_settled_by_asking_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "WAIT_SECONDS", 1.0)
    give_points(world)
    client, wanted = facilitator(world), asked(world)
    payment, anvil = signed(wanted), world.deployment.anvil
    anvil.rpc.call("evm_setAutomine", False)
    first = client.settle(payment, wanted)
    assert (first.success, first.error_reason) == (False, constants.ERR_SETTLEMENT_PENDING)
    assert world.public.get(f"/v1/requests/{request_of(first)}")["state"] in ("accepted", "sent")
    assert client.verify(payment, wanted).is_valid
    second = client.settle(payment, wanted)
    assert (second.error_reason, request_of(second)) == (constants.ERR_SETTLEMENT_PENDING, request_of(first))
    assert re.fullmatch("0x[0-9a-f]{64}", second.transaction)

    anvil.rpc.call("evm_setAutomine", True)
    anvil.mine()
    world.mined({"id": request_of(first)})
    assert client.verify(payment, wanted).is_valid  # it is paid for, and nobody was told so yet
    last = client.settle(payment, wanted)
    assert (last.success, request_of(last)) == (True, request_of(first))
    assert balances(world) == ("7.500000", "2.500000")


def test_a_seller_is_told_that_it_is_pending_and_serves_when_the_buyer_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "WAIT_SECONDS", 1.0)
    give_points(world)
    anvil = world.deployment.anvil
    with seller(world) as song:
        header = _header(song)
        anvil.rpc.call("evm_setAutomine", False)
        waiting = httpx.get(song, headers=header, timeout=30)
        assert (waiting.status_code, served(waiting)) == (402, False)
        anvil.rpc.call("evm_setAutomine", True)
        anvil.mine()
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not served(httpx.get(song, headers=header, timeout=30)):
            assert time.monotonic() < give_up_at
        assert not served(httpx.get(song, headers=header, timeout=30))
    assert balances(world) == ("7.500000", "2.500000")


Change = Callable[[PaymentPayload, PaymentRequirements], None]


def other_signature(payment: PaymentPayload, _: PaymentRequirements) -> None:
    payment.payload["signature"] = payment.payload["signature"][:-4] + "001b"


def other_signer(payment: PaymentPayload, wanted: PaymentRequirements) -> None:
    payment.payload["signature"] = signed(wanted, "bob").payload["signature"]


def terms(of_payment: bool = True, of_seller: bool = True, **changed: Any) -> Change:
    """Other terms in what the seller asks for, in what the buyer took, or in both."""

    def change(payment: PaymentPayload, wanted: PaymentRequirements) -> None:
        payment.accepted = payment.accepted.model_copy(update=changed if of_payment else {})
        for name, value in changed.items() if of_seller else ():
            setattr(wanted, name, value)

    return change


def authorization(**changed: str) -> Change:
    return lambda payment, _: payment.payload["authorization"].update(changed)


REFUSED: list[tuple[str, Change]] = [
    (constants.ERR_AUTHORIZATION_VALUE_MISMATCH, terms(amount="2500001")),
    (constants.ERR_AUTHORIZATION_VALUE_MISMATCH, authorization(value="2499999")),
    ("invalid_payment_requirements", terms(of_payment=False, amount="2500001")),
    (constants.ERR_RECIPIENT_MISMATCH, terms(pay_to=BOB)),
    (constants.ERR_RECIPIENT_MISMATCH, authorization(to=BOB)),
    ("invalid_payment_requirements", terms(asset=BOB)),
    (constants.ERR_NETWORK_MISMATCH, terms(network="eip155:1")),
    (constants.ERR_NETWORK_MISMATCH, terms(of_seller=False, network="eip155:1")),
    (constants.ERR_UNSUPPORTED_SCHEME, terms(scheme="upto")),
    (constants.ERR_MISSING_EIP712_DOMAIN, terms(extra={})),
    (constants.ERR_TOKEN_NAME_MISMATCH, terms(extra={"name": "USDC", "version": "1"})),
    (constants.ERR_TOKEN_VERSION_MISMATCH, terms(extra={"name": "chainpoints", "version": "2"})),
    (constants.ERR_INVALID_SIGNATURE, other_signature),
    (constants.ERR_INVALID_SIGNATURE, other_signer),
    (constants.ERR_INVALID_SIGNATURE, authorization(validBefore="1")),
    (constants.ERR_INVALID_SIGNATURE, authorization(nonce="0x" + "11" * 32)),
    (constants.ERR_INVALID_SIGNATURE, authorization(**{"from": BOB})),
]


def test_what_is_not_as_asked_for_or_not_as_signed_is_refused_and_moves_nothing(world: World) -> None:
    give_points(world)
    client = facilitator(world)
    for reason, change in REFUSED:
        wanted = asked(world)
        payment = signed(wanted)
        change(payment, wanted)
        assert_refused(client, payment, wanted, reason)

    # given: properly signed, but over more than she has, too early, or too late
    rich = asked(world, amount="10000001")
    assert_refused(client, signed(rich), rich, constants.ERR_INSUFFICIENT_BALANCE)
    wanted = asked(world)
    poor = signed(wanted, "bob")
    assert_refused(client, poor, wanted, constants.ERR_INSUFFICIENT_BALANCE)
    late = signed(wanted)
    assert client.verify(late, wanted).is_valid
    world.move_to(int(late.payload["authorization"]["validBefore"]))
    assert_refused(client, late, wanted, constants.ERR_VALID_BEFORE_EXPIRED)
    assert balances(world) == ("10.000000", "0.000000")
    with world.store.read() as connection:
        kinds = set(connection.scalars(select(tables.relay_requests.c.kind)))
    assert "transfer" not in kinds


def assert_refused(
    client: HTTPFacilitatorClientSync, payment: PaymentPayload, wanted: PaymentRequirements, reason: str
) -> None:
    verified, settled = client.verify(payment, wanted), client.settle(payment, wanted)
    assert (verified.is_valid, verified.invalid_reason) == (False, reason)
    assert verified.invalid_message
    assert (settled.success, settled.error_reason, settled.transaction) == (False, reason, "")


def test_what_was_used_past_the_facilitator_is_told_by_the_chain(world: World) -> None:
    give_points(world)
    client, wanted = facilitator(world), asked(world)
    payment = signed(wanted)
    used = world.mined(world.public.post("/v1/transfers", as_transfer(payment)))
    with world.store.write() as connection:  # and much that the wallet asked for since
        row = {"kind": "claim", "lane": "relayer", "wallet": ALICE, "payload": "{}", "state": "refused"}
        row |= {"not_before": 0, "accepted_at": 0, "failures": 0}
        connection.execute(insert(tables.relay_requests), [row | {"id": f"later {n}"} for n in range(60)])
    verified = client.verify(payment, wanted)
    assert verified.invalid_message == f"the relay request {used['id']} has used the nonce"
    assert_refused(client, payment, wanted, constants.ERR_NONCE_ALREADY_USED)
    assert balances(world) == ("7.500000", "2.500000")


def test_what_was_settled_is_no_other_request_when_it_is_sent_as_a_transfer(world: World) -> None:
    give_points(world)
    client, wanted = facilitator(world), asked(world)
    payment = signed(wanted)
    settled = client.settle(payment, wanted)
    assert world.public.post("/v1/transfers", as_transfer(payment))["id"] == request_of(settled)
    assert balances(world) == ("7.500000", "2.500000")


def as_transfer(payment: PaymentPayload) -> dict[str, Any]:
    """The same message, as POST /v1/transfers takes it."""
    terms = payment.payload["authorization"]
    times = {"valid_after": int(terms["validAfter"]), "valid_before": int(terms["validBefore"])}
    body = {"sender": ALICE, "to": SHOP, "amount": "2.5", "nonce": terms["nonce"]}
    return body | times | {"signature": payment.payload["signature"]}


def test_of_two_payments_that_she_cannot_both_make_the_second_is_refused_by_the_chain(world: World) -> None:
    give_points(world)
    client, wanted = facilitator(world), asked(world, amount="6000000")
    payments = [signed(wanted), signed(wanted)]
    assert all(client.verify(each, wanted).is_valid for each in payments)
    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(lambda each: client.settle(each, wanted), payments))
    assert sorted(str(each.error_reason) for each in told) == ["None", constants.ERR_INSUFFICIENT_BALANCE]
    refused = told.index(next(each for each in told if not each.success))
    assert world.public.get(f"/v1/requests/{request_of(told[refused])}")["state"] == "refused"
    again = client.settle(payments[refused], wanted)
    assert (again.error_reason, request_of(again)) == (constants.ERR_INSUFFICIENT_BALANCE, request_of(told[refused]))
    assert client.verify(payments[refused], wanted).invalid_reason == constants.ERR_INSUFFICIENT_BALANCE
    assert balances(world) == ("4.000000", "6.000000")


def test_what_was_used_past_the_gateway_is_refused_by_the_chain(world: World) -> None:
    give_points(world)
    client, wanted, anvil = facilitator(world), asked(world), world.deployment.anvil
    payment = signed(wanted)
    signature, terms = payment.payload["signature"], payment.payload["authorization"]
    function = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
    numbers = [int(terms[name]) for name in ("value", "validAfter", "validBefore")]
    arguments = [ALICE, SHOP, *numbers, bytes.fromhex(terms["nonce"][2:]), bytes.fromhex(signature[2:])]
    calls = Calls(world.deployment.manifest, world.deployment.artifacts)
    to, data = calls.encode("PointsToken", function, arguments)
    anvil.give_ether(BOB)
    anvil.rpc.call("anvil_impersonateAccount", BOB)
    sent = anvil.rpc.call("eth_sendTransaction", {"from": BOB, "to": to, "data": data})
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while anvil.rpc.call("eth_getTransactionReceipt", sent) is None:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    assert balances(world) == ("7.500000", "2.500000")
    told = client.settle(payment, wanted)
    assert (told.success, told.error_reason, told.transaction) == (False, constants.ERR_NONCE_ALREADY_USED, "")
    assert client.verify(payment, wanted).invalid_reason == constants.ERR_NONCE_ALREADY_USED
    assert balances(world) == ("7.500000", "2.500000")


def test_a_seller_who_hangs_up_has_not_been_told(world: World) -> None:
    give_points(world)
    client, wanted, anvil = facilitator(world), asked(world), world.deployment.anvil
    payment = signed(wanted)
    anvil.rpc.call("evm_setAutomine", False)
    short = httpx.Client(timeout=1.0)
    with short, pytest.raises(httpx.ReadTimeout):
        HTTPFacilitatorClientSync(FacilitatorConfig(url=client.url, http_client=short)).settle(payment, wanted)
    time.sleep(0.5)  # until the gateway has noticed it
    anvil.rpc.call("evm_setAutomine", True)
    anvil.mine()
    time.sleep(1.0)  # as long as the gateway would have looked for it, had it gone on
    assert client.verify(payment, wanted).is_valid
    assert client.settle(payment, wanted).success
    assert balances(world) == ("7.500000", "2.500000")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody carries anything out here: waiting is of no use."""
    monkeypatch.setattr(routes, "WAIT_SECONDS", 0.0)


def transfers(api: Api) -> int:
    with api.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(tables.relay_requests)) or 0


@pytest.mark.usefixtures("quick")
def test_settled_by_many_at_once_it_is_one_request(api: Api) -> None:
    wanted = asked(api)
    payment = signed(wanted)
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda _: facilitator(api).settle(payment, wanted), range(16)))
    assert {(each.success, each.error_reason, each.transaction) for each in told} == {(False, exact.PENDING, "")}
    assert len({request_of(each) for each in told}) == transfers(api) == 1
    assert facilitator(api).verify(payment, wanted).is_valid


@pytest.mark.usefixtures("quick")
def test_while_the_chain_is_out_of_reach_nothing_is_accepted(api: Api) -> None:
    with api.store.write() as connection:
        connection.execute(update(tables.chain_state).values(checked_at=1))
    wanted = asked(api)
    told = facilitator(api).settle(signed(wanted), wanted)
    assert (told.success, told.error_reason, transfers(api)) == (False, "chain-out-of-reach", 0)


HOSTILE: list[Any] = [
    None,
    1,
    "",
    "\ud800",
    "0x",
    "0" * 80,
    "9" * 78,
    "-1",
    "1e3",
    "٣",
    [],
    {},
    True,
    10**400,
    "a" * 9000,
]


@pytest.mark.usefixtures("quick")
def test_hostile_payloads_are_answered_in_the_protocols_form(api: Api) -> None:
    wanted = asked(api)
    good = {"x402Version": 2, "paymentRequirements": wanted.model_dump(by_alias=True)}
    payload = signed(wanted).payload
    bad = [{}, {"permit2Authorization": {}, "signature": "0x"}, payload | {"signature": None}]
    bad += [payload | {"signature": each} for each in HOSTILE]
    for name in payload["authorization"]:
        bad += [payload | {"authorization": payload["authorization"] | {name: each}} for each in HOSTILE]
    accepted = good["paymentRequirements"]
    for each in bad:
        body = good | {"paymentPayload": {"x402Version": 2, "payload": each, "accepted": accepted}}
        for path, reason in (("verify", "invalidReason"), ("settle", "errorReason")):
            content = json.dumps(body)
            headers = {"content-type": "application/json"}
            answer = api.public.send("POST", f"/v1/x402/{path}", content=content, headers=headers)
            assert answer.status_code == 200, (each, answer.text)
            assert answer.json()[reason].startswith("invalid_"), (each, answer.text)
    old = good | {"x402Version": 1, "paymentPayload": {"x402Version": 1, "payload": payload, "accepted": accepted}}
    told = api.public.send("POST", "/v1/x402/verify", json=old).json()
    assert (told["isValid"], told["invalidReason"]) == (False, "invalid_x402_version")
    assert transfers(api) == 0


def test_the_reasons_are_the_protocols_own() -> None:
    known = {value for name, value in vars(constants).items() if name.startswith("ERR_")}
    mapped = {*exact._OF_PROBLEM.values(), *exact._OF_REVERT.values()}
    assert known >= {exact.USED, exact.PENDING, exact.FAILED, exact._TOO_EARLY, exact._TOO_LATE, *mapped}


def test_what_is_supported_names_the_token(api: Api) -> None:
    (kind,) = facilitator(api).get_supported().kinds
    assert (kind.x402_version, kind.scheme, kind.network) == (2, "exact", f"eip155:{MANIFEST.chain_id}")
    token = {"asset": MANIFEST.address("PointsToken"), "decimals": 6, "name": "chainpoints", "version": "1"}
    assert kind.extra == token
