"""The worked numbers of docs/contracts.md about merchants, roles and waiting calls, on a real deployment."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from builders import Deployment, signer
from chainpoints.chain.signer import role_address
from chainpoints.errors import RpcError
from chainpoints.types import ONE_POINT, ZERO_ADDRESS
from economy import DAY, FEC, Economy

pytestmark = pytest.mark.integration

SHOP = 7
DELAY, SETBACK, EXPIRATION = 172_800, 432_000, 604_800


@pytest.fixture
def economy(deployment: Deployment) -> Economy:
    economy = Economy(deployment, people=2)
    economy.roles["admin"] = role_address(deployment.settings, "admin")
    economy.set_up()
    return economy


def merchant(economy: Economy) -> list[Any]:
    """Limits, quota, paid and issued today, in points."""
    return [amount // ONE_POINT for amount in economy.read("PaymentProcessor", "merchantOf", SHOP)[2:]]


def at(economy: Economy, time: int) -> None:
    """The next block's time."""
    economy.rpc.call("evm_setNextBlockTimestamp", time)


def refusal(economy: Economy, sender: str, contract: str, function: str, *values: Any) -> str | None:
    """The error's selector where a call in the newest block's time would be refused."""
    to, data = economy.calls.encode(contract, function, values)
    try:
        economy.rpc.call("eth_call", {"from": sender, "to": to, "data": data}, "latest")
    except RpcError as error:
        return str(error.data)[:10]
    return None


def selector(error: str) -> str:
    return "0x" + keccak(text=error)[:4].hex()


def test_a_merchant(economy: Economy) -> None:
    registrar, payer, new = economy.roles["registrar"], economy.people[0], economy.people[1]
    shop = economy.payouts[1]

    def set_up(function: str, *values: Any) -> None:
        economy.send(registrar, "PaymentProcessor", function, SHOP, *values)

    set_up("register", shop, "Shop", 5_000 * ONE_POINT, 1_000 * ONE_POINT)
    assert merchant(economy) == [5_000, 1_000, 0, 0, 0]
    set_up("addQuota", 250 * ONE_POINT, keccak(b"1"))
    set_up("addQuota", 1_000 * ONE_POINT, keccak(b"2"))
    assert merchant(economy)[2] == 1_250

    economy.send(payer, "PaymentProcessor", "pay", (SHOP, FEC, 500 * ONE_POINT, payer, keccak(b"1")))
    set_up("setActive", False)
    assert merchant(economy) == [5_000, 1_000, 1_250, 500, 0]
    payment = (SHOP, FEC, ONE_POINT, payer, keccak(b"2"))
    refused = refusal(economy, payer, "PaymentProcessor", "pay", payment)
    assert refused == selector("MerchantRegistry_Inactive(uint32)")
    set_up("setActive", True)
    set_up("setLimits", 400 * ONE_POINT, 0)
    assert merchant(economy) == [400, 0, 1_250, 500, 0]

    economy.send(shop, "PaymentProcessor", "setPayout", SHOP, new)
    assert (economy.balance(shop), economy.balance(new)) == (450 * ONE_POINT, 800 * ONE_POINT)
    set_up("setLimits", 6_000 * ONE_POINT, 0)
    economy.send(payer, "PaymentProcessor", "pay", (SHOP, FEC, 100 * ONE_POINT, payer, keccak(b"3")))
    assert (economy.balance(shop), economy.balance(new)) == (450 * ONE_POINT, 890 * ONE_POINT)


def test_a_freeze_and_the_person_limit(economy: Economy) -> None:
    admin, guardian, person = economy.roles["admin"], economy.roles["guardian"], economy.people[0]
    frozen = economy.now() + 100
    at(economy, frozen)
    economy.send(guardian, "PointsToken", "freeze", person, "why")
    assert economy.read("PointsToken", "frozenUntil", person) == frozen + 604_800
    economy.send(admin, "PointsToken", "confirmFreeze", person, "why")
    assert economy.read("PointsToken", "frozenUntil", person) == 1_099_511_627_775
    lifted = economy.now() + 100
    at(economy, lifted)
    economy.send(guardian, "PointsToken", "unfreeze", person)
    assert economy.read("PointsToken", "frozenUntil", person) == lifted
    again = (guardian, "PointsToken", "freeze", person, "again")
    economy.rpc.call("evm_mine", lifted + 2_592_000 - 1)
    assert refusal(economy, *again) == selector("PointsToken_FrozenTooSoon(address,uint40)")
    economy.rpc.call("evm_mine", lifted + 2_592_000)
    assert refusal(economy, *again) is None

    economy.send(admin, "PointsToken", "setPersonLimit", 500 * ONE_POINT)
    assert economy.read("PointsToken", "personLimit", person)[0] == 500 * ONE_POINT


def test_a_call_that_waits(economy: Economy) -> None:
    """As on public chains: the admin, and so its calls of the manager, wait for two days."""
    admin, token = economy.roles["admin"], economy.manifest.address("PointsToken")
    economy.send(admin, "AccessManager", "grantRole", 0, admin, DELAY)
    _, call = economy.calls.encode("PointsToken", "setPersonLimit", (500 * ONE_POINT,))
    data = bytes.fromhex(call.removeprefix("0x"))
    operation = economy.read("AccessManager", "hashOperation", admin, token, data)

    def schedule() -> int:
        scheduled = economy.now() + 10
        at(economy, scheduled)
        economy.send(admin, "AccessManager", "schedule", token, data, 0)
        due = int(economy.read("AccessManager", "getSchedule", operation))
        assert due == scheduled + DELAY
        return due

    due = schedule()
    assert economy.read("AccessManager", "getNonce", operation) == 1
    economy.send(admin, "AccessManager", "cancel", admin, token, data)
    assert economy.read("AccessManager", "getSchedule", operation) == 0
    assert economy.read("AccessManager", "getNonce", operation) == 1

    due = schedule()
    at(economy, due + EXPIRATION - 1)
    economy.send(admin, "AccessManager", "execute", token, data)
    assert economy.read("AccessManager", "getSchedule", operation) == 0
    assert economy.read("PointsToken", "personLimit", ZERO_ADDRESS)[0] == 500 * ONE_POINT

    due = schedule()
    execute = (admin, "AccessManager", "execute", token, data)
    economy.rpc.call("evm_mine", due - 1)
    assert refusal(economy, *execute) == selector("AccessManagerNotReady(bytes32)")
    economy.rpc.call("evm_mine", due)
    assert refusal(economy, *execute) is None
    economy.rpc.call("evm_mine", due + EXPIRATION)
    assert refusal(economy, *execute) == selector("AccessManagerExpired(bytes32)")


def test_roles_and_targets(economy: Economy) -> None:
    admin, token = economy.roles["admin"], economy.manifest.address("PointsToken")
    role, newcomer = 4_242, signer("newcomer").address

    def send(function: str, *values: Any) -> None:
        economy.send(admin, "AccessManager", function, *values)

    def read(function: str, *values: Any) -> Any:
        return economy.read("AccessManager", function, *values)

    assert tuple(read("hasRole", role, newcomer)) == (False, 0)
    send("grantRole", role, newcomer, DAY)
    assert tuple(read("hasRole", role, newcomer)) == (True, DAY)
    send("revokeRole", role, newcomer)
    assert tuple(read("hasRole", role, newcomer)) == (False, 0)

    assert (read("getRoleAdmin", role), read("getRoleGuardian", role), read("getRoleGrantDelay", role)) == (0, 0, 0)
    send("setRoleAdmin", role, 5)
    send("setRoleGuardian", role, 6)
    changed = economy.now() + 10
    at(economy, changed)
    send("setGrantDelay", role, DAY)
    send("setTargetAdminDelay", token, DAY)
    send("setTargetClosed", token, True)
    assert (read("getRoleAdmin", role), read("getRoleGuardian", role)) == (5, 6)
    assert read("isTargetClosed", token) is True
    economy.rpc.call("evm_mine", changed + SETBACK - 1)
    assert (read("getRoleGrantDelay", role), read("getTargetAdminDelay", token)) == (0, 0)
    economy.rpc.call("evm_mine", changed + SETBACK + 1)
    assert (read("getRoleGrantDelay", role), read("getTargetAdminDelay", token)) == (DAY, DAY)
