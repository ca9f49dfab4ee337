"""MerchantRegistry, AnchorRegistry, PointsToken and the roles: registries.tree is the specification."""

from typing import Any

import pytest
from brownie import ZERO_ADDRESS, reverts
from eth_utils.crypto import keccak

from brownie_system import FEC, INSTALMENTS, ISSUED_PER_DAY, MERCHANT, PAID_PER_DAY, QUOTA, System, address, error
from chainpoints.chain.plan import ROLES
from chainpoints.errors import RpcError
from chainpoints.types import ONE_POINT, SUPPLY_CAP
from twin import PERSON_LIMIT

DAY = 86_400


def give_many_points(system: System, points: int) -> None:
    """To the first person, over as many days as it takes."""
    for day in range(points // PERSON_LIMIT):
        system.issue(system.people[0], PERSON_LIMIT, f"till {day}")
        system.wait(DAY)


def test_a_merchant_is_registered_once_with_an_address(system: System) -> None:
    registrar = {"from": system.roles["registrar"]}
    with reverts(error("MerchantRegistry_AlreadyRegistered", MERCHANT)):
        system.processor.register(MERCHANT, system.payout, "Again", 1, 1, registrar)
    with reverts(error("MerchantRegistry_ZeroPayout")):
        system.processor.register(2, ZERO_ADDRESS, "Nowhere", 1, 1, registrar)
    with reverts(error("MerchantRegistry_Unknown", 2)):
        system.processor.merchantOf(2)


def test_T18_payments_of_a_day_stay_within_the_merchants_limit(system: System) -> None:
    payer = system.people[0]
    give_many_points(system, PAID_PER_DAY + PERSON_LIMIT)
    system.pay(payer, PAID_PER_DAY - ONE_POINT, "nearly all")
    over = system.payment(payer, ONE_POINT + 1, "a unit over")
    expected = error("MerchantRegistry_PaidPerDayExceeded", MERCHANT, over.order, ONE_POINT + 1, ONE_POINT)
    pay = (system.processor.pay, (over.struct(),), payer, system.twin.pay, address(payer), [over])
    system.refused(expected, *pay)
    system.pay(payer, ONE_POINT, "exactly at it")
    system.agree()
    system.wait(DAY)
    system.pay(payer, ONE_POINT, "the next day")
    system.agree()


def set_limits(system: System, *limits: int) -> None:
    given = (MERCHANT, *limits)
    system.do(system.processor.setLimits, given, system.roles["registrar"], system.twin.set_limits, *given)


def test_T18_a_lower_limit_holds_at_once_and_a_higher_one_too(system: System) -> None:
    payer = system.people[0]
    system.issue(payer, 100 * ONE_POINT, "till")
    system.pay(payer, 10 * ONE_POINT, "tea")
    set_limits(system, 5 * ONE_POINT, 0)
    system.agree()
    cake = system.payment(payer, ONE_POINT, "cake")
    pay = (system.processor.pay, (cake.struct(),), payer, system.twin.pay, address(payer), [cake])
    system.refused(error("MerchantRegistry_PaidPerDayExceeded", MERCHANT, cake.order, ONE_POINT, 0), *pay)
    set_limits(system, 11 * ONE_POINT, 0)
    system.do(*pay)
    system.agree()


def reserving(system: System, amount: int, order: str) -> tuple[Any, ...]:
    """The arguments of `do` and `refused` for points issued into a reserve."""
    reserve, issuer = system.reserve(amount, order), system.roles["issuer"]
    call, twin_call = system.processor.issueReserve, system.twin.issue_reserve
    return call, reserve.arguments(), issuer, twin_call, address(issuer), reserve


def test_T18_issues_stay_within_the_day_and_the_quota(system: System) -> None:
    over, order = ISSUED_PER_DAY + 1, system.order("a unit over the day")
    expected = error("MerchantRegistry_IssuedPerDayExceeded", MERCHANT, order, over, ISSUED_PER_DAY)
    system.refused(expected, *reserving(system, over, "a unit over the day"))
    for day in range(QUOTA // ISSUED_PER_DAY):
        system.do(*reserving(system, ISSUED_PER_DAY, f"exactly the day {day}"))
        system.wait(DAY)
    expected = error("MerchantRegistry_QuotaExceeded", MERCHANT, system.order("a unit over the quota"), 1, 0)
    system.refused(expected, *reserving(system, 1, "a unit over the quota"))
    system.agree()


def crediting(system: System, amount: int, evidence: str) -> tuple[Any, ...]:
    """The arguments of `do` and `refused` for quota."""
    given = (MERCHANT, amount, system.order(evidence))
    return system.processor.addQuota, given, system.roles["registrar"], system.twin.add_quota, *given


def test_T18_a_quota_is_at_most_the_supply_cap(system: System) -> None:
    left = SUPPLY_CAP - QUOTA
    for amount in (left + 1, 2**64 - 1):
        expected = error("MerchantRegistry_QuotaCapExceeded", MERCHANT, amount, left)
        system.refused(expected, *crediting(system, amount, "too much"))
    system.do(*crediting(system, left, "exactly at it"))
    assert system.processor.merchantOf(MERCHANT)[4] == SUPPLY_CAP == system.token.SUPPLY_CAP()
    system.agree()


def test_evidence_gives_quota_once(system: System) -> None:
    used = error("MerchantRegistry_EvidenceUsed", MERCHANT, system.order("receipt"))
    system.refused(used, *crediting(system, 1, "receipt"))
    system.do(*crediting(system, 1, "another receipt"))
    system.agree()


def test_a_merchant_that_is_switched_off_does_nothing(system: System) -> None:
    payer, given = system.people[0], (MERCHANT, False)
    system.issue(payer, 10 * ONE_POINT, "till")
    system.do(system.processor.setActive, given, system.roles["registrar"], system.twin.set_active, *given)
    inactive, tea = error("MerchantRegistry_Inactive", MERCHANT), system.payment(payer, ONE_POINT, "tea")
    pay = (system.processor.pay, (tea.struct(),), payer, system.twin.pay, address(payer), [tea])
    system.refused(inactive, *pay)
    system.refused(inactive, *reserving(system, 1, "more"))
    system.agree()


def test_only_the_payout_address_moves_itself(system: System) -> None:
    with reverts(error("MerchantRegistry_NotPayout", MERCHANT, system.people[0])):
        system.processor.setPayout(MERCHANT, system.people[0], {"from": system.people[0]})
    system.processor.setPayout(MERCHANT, system.people[0], {"from": system.payout})
    assert system.processor.merchantOf(MERCHANT)[0] == system.people[0]


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
        not_processor = error("PointsToken_NotProcessor", account)
        for call, arguments in (
            (system.token.settle, (account, [(person, 1, 0, 0)], 0, False)),
            (system.token.settleRefund, (person, account, 1, 1, False, False)),
            (system.token.settleIssue, (account, 1, 0, False)),
            (system.token.settleReserve, (1,)),
        ):
            with reverts(not_processor):
                call(*arguments, {"from": account})
        for call, arguments in (
            (system.token.releaseTo, (person, account, 1, False)),
            (system.token.handOver, (person, account)),
            (system.token.recount, (account, 1, 0)),
            (system.token.setSupplyApart, (1,)),
        ):
            with reverts(error("PointsToken_NotNodes", account)):
                call(*arguments, {"from": account})
    system.token.transfer(system.people[1], ONE_POINT, {"from": person})
    assert system.token.balanceOf(system.people[1]) == ONE_POINT


def test_nodes_and_books_are_of_the_processor_and_the_rule_book(system: System) -> None:
    for account in (system.people[0], system.roles["admin"], system.roles["program_manager"]):
        for call, arguments in (
            (system.nodes.topUp, (FEC, 1, [(account, 1, 1, 0)])),
            (system.nodes.commitIssue, (INSTALMENTS, account, account, 1)),
            (system.nodes.depositIssued, (INSTALMENTS, account, 1)),
            (system.nodes.undo, (FEC, 1, account, 1, 1)),
        ):
            with reverts(error("ReleaseNode_NotProcessor", account)):
                call(*arguments, {"from": account})
        for call, arguments in ((system.nodes.addProgram, (3, 1, 1)), (system.nodes.closeProgram, (FEC, 1))):
            with reverts(error("ReleaseNode_NotPrograms", account)):
                call(*arguments, {"from": account})


def test_burning_lessens_the_supply_and_gives_nothing_back(system: System) -> None:
    person = system.people[0]
    system.issue(person, 10 * ONE_POINT, "till")
    system.pay(person, 5 * ONE_POINT, "tea")
    over = error("ERC20InsufficientBalance", person, 5 * ONE_POINT, 5 * ONE_POINT + 1)
    arguments = (address(person), 5 * ONE_POINT + 1)
    system.refused(over, system.token.burn, (5 * ONE_POINT + 1,), person, system.twin.burn, *arguments)
    system.do(system.token.burn, (5 * ONE_POINT,), person, system.twin.burn, address(person), 5 * ONE_POINT)
    assert system.token.issued() == 10 * ONE_POINT
    system.agree()


def freezing(system: System, verb: str, account: Any, role: str = "guardian") -> tuple[Any, ...]:
    """The arguments of `do` and `refused` for `freeze` or `confirmFreeze`."""
    twin_call = {"freeze": system.twin.freeze, "confirmFreeze": system.twin.confirm_freeze}[verb]
    return getattr(system.token, verb), (account, "a reason"), system.roles[role], twin_call, address(account)


def sending(system: System) -> tuple[Any, ...]:
    person, other = system.people[:2]
    arguments = (address(person), address(other), 1)
    return system.token.transfer, (other, 1), person, system.twin.transfer, *arguments


def test_T19_a_freeze_ends_by_itself_unless_the_admin_confirms_it(system: System) -> None:
    person = system.people[0]
    system.issue(person, 10 * ONE_POINT, "till")
    system.do(*freezing(system, "freeze", person))
    until = system.chain[-1].timestamp + 7 * DAY
    frozen = error("PointsToken_AccountFrozen", person, until)
    system.refused(frozen, *sending(system))
    system.issue(person, ONE_POINT, "receiving goes on")
    system.agree()
    system.rpc.call("evm_mine", until - 2)
    system.refused(frozen, *sending(system))
    system.do(*sending(system))
    assert system.chain[-1].timestamp == until
    too_soon = error("PointsToken_FrozenTooSoon", person, until + 30 * DAY)
    system.refused(too_soon, *freezing(system, "freeze", person))
    system.do(*freezing(system, "confirmFreeze", person, "admin"))
    system.wait(365 * DAY)
    system.refused(error("PointsToken_AccountFrozen", person, 2**40 - 1), *sending(system))
    system.agree()


def test_T19_a_freeze_is_lifted_and_the_pause_counts_from_then(system: System) -> None:
    person, guardian = system.people[0], system.roles["guardian"]
    system.issue(person, 10 * ONE_POINT, "till")
    lift = (system.token.unfreeze, (person,), guardian, system.twin.unfreeze, address(person))
    system.refused(error("PointsToken_NotFrozen", person), *lift)
    system.do(*freezing(system, "freeze", person))
    system.do(*lift)
    lifted = system.chain[-1].timestamp
    system.do(*sending(system))
    system.rpc.call("evm_mine", lifted + 30 * DAY - 2)
    again = freezing(system, "freeze", person)
    system.refused(error("PointsToken_FrozenTooSoon", person, lifted + 30 * DAY), *again)
    system.do(*again)
    system.agree()


def test_T19_what_holds_the_points_of_others_is_never_frozen(system: System) -> None:
    for contract in (system.nodes, system.processor):
        expected = error("PointsToken_NotFreezable", contract)
        system.refused(expected, *freezing(system, "freeze", contract))
        system.refused(expected, *freezing(system, "confirmFreeze", contract, "admin"))


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
