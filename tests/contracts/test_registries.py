"""MerchantRegistry, AnchorRegistry, PointsToken and the roles: registries.tree is the specification."""

import pytest
from brownie import ZERO_ADDRESS, reverts
from eth_utils.crypto import keccak

from brownie_system import ISSUED_PER_DAY, MERCHANT, PAID_PER_DAY, QUOTA, System, address, error
from chainpoints.chain.plan import ROLES
from chainpoints.errors import RpcError
from chainpoints.types import ONE_POINT, SUPPLY_CAP
from twin import PERSON_LIMIT, Refused

DAY = 86_400


def give_many_points(system: System, points: int) -> None:
    """To the first person, over as many days as it takes."""
    for day in range(points // PERSON_LIMIT):
        system.issue(system.people[0], PERSON_LIMIT, f"till {day}")
        system.wait(DAY)


def test_a_merchant_is_registered_once_with_an_address(system: System) -> None:
    registrar = {"from": system.roles["registrar"]}
    with reverts(error("MerchantRegistry_AlreadyRegistered", MERCHANT)):
        system.registry.register(MERCHANT, system.payout, "Again", 1, 1, registrar)
    with reverts(error("MerchantRegistry_ZeroPayout")):
        system.registry.register(2, ZERO_ADDRESS, "Nowhere", 1, 1, registrar)
    with reverts(error("MerchantRegistry_Unknown", 2)):
        system.registry.merchantOf(2)


def test_T18_payments_of_a_day_stay_within_the_merchants_limit(system: System) -> None:
    payer = system.people[0]
    give_many_points(system, PAID_PER_DAY + PERSON_LIMIT)
    system.pay(payer, PAID_PER_DAY - ONE_POINT, "nearly all")
    over = system.payment(payer, ONE_POINT + 1, "a unit over")
    with reverts(error("MerchantRegistry_PaidPerDayExceeded", MERCHANT, ONE_POINT + 1, ONE_POINT)):
        system.processor.pay(system.terms(over), {"from": payer})
    system.pay(payer, ONE_POINT, "exactly at it")
    system.agree()
    system.wait(DAY)
    system.pay(payer, ONE_POINT, "the next day")
    system.agree()


def test_T18_a_lower_limit_holds_at_once(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    system.pay(payer, 10 * ONE_POINT, "tea")
    system.registry.setLimits(MERCHANT, 5 * ONE_POINT, 0, {"from": system.roles["registrar"]})
    with reverts(error("MerchantRegistry_PaidPerDayExceeded", MERCHANT, ONE_POINT, 0)):
        system.processor.pay(system.terms(system.payment(payer, ONE_POINT, "cake")), {"from": payer})


def test_T18_issues_stay_within_the_day_and_the_quota(system: System) -> None:
    issuer = {"from": system.roles["issuer"]}

    def reserve(amount: int, order: str) -> None:
        system.processor.issueReserve(MERCHANT, system.order(order), 2, amount, system.order("evidence"), issuer)

    with reverts(error("MerchantRegistry_IssuedPerDayExceeded", MERCHANT, ISSUED_PER_DAY + 1, ISSUED_PER_DAY)):
        reserve(ISSUED_PER_DAY + 1, "a unit over the day")
    for day in range(QUOTA // ISSUED_PER_DAY):
        reserve(ISSUED_PER_DAY, f"exactly the day {day}")
        system.wait(DAY)
    with reverts(error("MerchantRegistry_QuotaExceeded", MERCHANT, 1, 0)):
        reserve(1, "a unit over the quota")


def test_T18_a_quota_is_at_most_the_supply_cap(system: System) -> None:
    registrar, left = {"from": system.roles["registrar"]}, SUPPLY_CAP - QUOTA

    def add(amount: int) -> None:
        system.twin.add_quota(MERCHANT, amount)
        system.registry.addQuota(MERCHANT, amount, system.order("receipt"), registrar)

    for amount in (left + 1, 2**64 - 1):
        with pytest.raises(Refused, match="MerchantRegistry_QuotaCapExceeded"):
            add(amount)
        with reverts(error("MerchantRegistry_QuotaCapExceeded", MERCHANT, amount, left)):
            system.registry.addQuota(MERCHANT, amount, system.order("a unit over"), registrar)
    add(left)
    assert system.registry.merchantOf(MERCHANT)[4] == SUPPLY_CAP == system.token.SUPPLY_CAP()
    system.agree()


def test_a_merchant_that_is_switched_off_does_nothing(system: System) -> None:
    system.issue(system.people[0], 10 * ONE_POINT, "till")
    system.registry.setActive(MERCHANT, False, {"from": system.roles["registrar"]})
    with reverts(error("MerchantRegistry_Inactive", MERCHANT)):
        system.processor.pay(
            system.terms(system.payment(system.people[0], ONE_POINT, "tea")), {"from": system.people[0]}
        )
    with reverts(error("MerchantRegistry_Inactive", MERCHANT)):
        system.issue(system.people[0], 1, "more")


def test_only_the_payout_address_moves_itself(system: System) -> None:
    with reverts(error("MerchantRegistry_NotPayout", MERCHANT, system.people[0])):
        system.registry.setPayout(MERCHANT, system.people[0], {"from": system.people[0]})
    system.registry.setPayout(MERCHANT, system.people[0], {"from": system.payout})
    assert system.registry.merchantOf(MERCHANT)[0] == system.people[0]


def test_anchors_are_appended_and_stay(system: System) -> None:
    anchorer, first, second = {"from": system.roles["anchorer"]}, keccak(b"first"), keccak(b"second")
    with reverts(error("AnchorRegistry_ZeroRoot")):
        system.anchors.append(bytes(32), 1, anchorer)
    system.anchors.append(first, 5, anchorer)
    with reverts(error("AnchorRegistry_FewerLeaves", 4, 5)):
        system.anchors.append(second, 4, anchorer)
    system.anchors.append(second, 5, anchorer)
    anchors = system.read([("AnchorRegistry", "anchor", [index]) for index in range(2)])
    assert [anchor[:2] for anchor in anchors] == [(first, 5), (second, 5)]
    with reverts(error("AnchorRegistry_Unknown", 2)):
        system.anchors.anchor(2)


def test_points_do_not_go_to_the_token_nor_come_from_strangers(system: System) -> None:
    person = system.people[0]
    system.issue(person, ONE_POINT, "till")
    with reverts(error("PointsToken_SentToToken")):
        system.token.transfer(system.token, 1, {"from": person})
    for account in (person, system.roles["admin"], system.roles["issuer"]):
        for call, arguments in (
            (system.token.mintIssued, (account, 1)),
            (system.token.settlePayment, (person, account, 1, 0, False)),
            (system.token.settleRefund, (person, account, 1, 1)),
        ):
            with reverts(error("PointsToken_NotProcessor", account)):
                call(*arguments, {"from": account})
        with reverts(error("PointsToken_NotPrograms", account)):
            system.token.mintReleased(account, 1, {"from": account})
        with reverts(error("PointsToken_NotPrograms", account)):
            system.token.setSupplyApart(1, {"from": account})
    system.token.transfer(system.people[1], ONE_POINT, {"from": person})
    assert system.token.balanceOf(system.people[1]) == ONE_POINT


def test_T19_a_freeze_ends_by_itself_unless_the_admin_confirms_it(system: System) -> None:
    person, other = system.people[:2]
    system.issue(person, 10 * ONE_POINT, "till")
    system.token.freeze(person, "reported as stolen", {"from": system.roles["guardian"]})
    until = system.chain[-1].timestamp + 7 * DAY
    assert system.token.frozenUntil(person) == until
    with reverts(error("PointsToken_AccountFrozen", person, until)):
        system.token.transfer(other, 1, {"from": person})
    system.issue(person, ONE_POINT, "receiving goes on")
    system.rpc.call("evm_mine", until - 2)
    with reverts(error("PointsToken_AccountFrozen", person, until)):
        system.token.transfer(other, 1, {"from": person})
    system.token.transfer(other, 1, {"from": person})
    assert system.chain[-1].timestamp == until
    system.token.confirmFreeze(person, "court order", {"from": system.roles["admin"]})
    system.wait(365 * DAY)
    with reverts(error("PointsToken_AccountFrozen", person, 2**40 - 1)):
        system.token.transfer(other, 1, {"from": person})


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_T17_restricted_functions_are_for_their_role_alone(system: System, role) -> None:
    callers = {name: address(account) for name, account in system.roles.items()}
    callers |= {"the deployer": system.manifest.deployer, "a stranger": address(system.people[0])}
    unauthorized = keccak(text="AccessManagedUnauthorized(address)")[:4].hex()
    for contract, signatures in system.manifest.roles[role.name].functions.items():
        for signature in signatures:
            # Zeros decode as arguments of any type, and the caller is checked before what they say.
            data = "0x" + keccak(text=signature)[:4].hex() + "00" * 1024
            for name, caller in callers.items():
                try:
                    call = {"from": caller, "to": system.manifest.address(contract), "data": data}
                    refused = system.rpc.call("eth_call", call, "latest") is None
                except RpcError as problem:
                    refused = str(problem.data) == "0x" + unauthorized + caller[2:].rjust(64, "0")
                assert refused == (name != role.name), f"{contract}.{signature} called by {name}"
