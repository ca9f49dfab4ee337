"""ReleaseNode: release_node.tree is the specification."""

import pytest
from brownie import ZERO_ADDRESS

from brownie_system import FEC, INSTALMENTS, System, address, error
from chainpoints.types import ONE_POINT, NodeId

WEEK = 7 * 86_400


def start_of(node: int) -> int:
    return NodeId.from_token_id(node).start


def claim_is_refused(system: System, expected: str, node_ids: list[int]) -> None:
    system.refused(expected, system.nodes.claim, (node_ids,), system.stranger, system.twin.claim, node_ids)


def test_claim_refuses_unknown_nodes_and_empty_batches(system: System) -> None:
    claim_is_refused(system, error("ReleaseNode_Unknown", 7), [7])
    for size in (0, 501):
        claim_is_refused(system, error("ReleaseNode_BatchSize", size, 500), [7] * size)


def test_a_node_unlocks_exactly_with_its_first_release(system: System, node: int) -> None:
    unlocks = system.twin.programs[FEC].epoch + (start_of(node) + 1) * WEEK
    system.wait_for_period(FEC, start_of(node) + 1, before=2)
    claim_is_refused(system, error("ReleaseNode_Locked", node, unlocks), [node])
    before = system.token.balanceOf(system.people[0])
    assert system.claim([node]) == system.token.balanceOf(system.people[0]) - before > 0
    system.agree()


def test_claims_telescope_and_the_last_leaves_nothing(system: System, node: int) -> None:
    owner, schedule = system.people[0], system.twin.programs[FEC].schedule
    before, paid = system.token.balanceOf(owner), 0
    for k in (1, 2, 3, 17, 50, 86, 99, 100):
        system.wait_for_period(FEC, start_of(node) + k)
        paid += system.claim([node])
        assert paid == schedule.released(50 * ONE_POINT, k) == system.token.balanceOf(owner) - before
        system.agree()
    assert paid == 50 * ONE_POINT
    assert system.nodes.books(FEC)[1] == 0
    system.wait(WEEK)
    claim_is_refused(system, error("ReleaseNode_NothingToClaim", node), [node])


def test_one_claim_in_the_end_pays_the_same(system: System, node: int) -> None:
    system.wait_for_period(FEC, start_of(node) + 300)
    assert system.claim([node]) == 50 * ONE_POINT
    system.agree()


def test_claim_again_in_the_same_period_is_refused(system: System, node: int) -> None:
    system.wait_for_period(FEC, start_of(node) + 5)
    system.claim([node])
    claim_is_refused(system, error("ReleaseNode_NothingToClaim", node), [node])


def test_a_batch_with_one_bad_node_names_it_and_pays_nothing(system: System, node: int) -> None:
    system.issue_reserve(50 * ONE_POINT, "sponsor")
    system.pay(system.people[0], 20 * ONE_POINT, "cake", INSTALMENTS)
    other = next(n for n in system.twin.nodes if n != node)
    system.wait(2 * 86_400)
    before = system.token.balanceOf(system.people[0])
    unlocks = system.twin.programs[FEC].epoch + (start_of(node) + 1) * WEEK
    claim_is_refused(system, error("ReleaseNode_Locked", node, unlocks), [other, node])
    assert system.token.balanceOf(system.people[0]) == before
    system.wait_for_period(FEC, start_of(node) + 1)
    system.claim([other, node])
    system.agree()


def test_nodes_of_several_owners_and_programs_are_claimed_together(system: System, node: int) -> None:
    system.issue_reserve(500 * ONE_POINT, "sponsor")
    nodes = [node]
    for person in system.people[1:]:
        system.issue(person, 100 * ONE_POINT, f"till of {person}", 60 * ONE_POINT, INSTALMENTS)
        for program in (FEC, INSTALMENTS):
            _, start = system.pay(person, 10 * ONE_POINT, f"tea of {person} in {program}", program)
            nodes.append(system.node_id(person, start, program))
        nodes.append(system.issued_id(person, start))
    system.wait_for_period(FEC, start_of(node) + 2)
    paid = system.claim(nodes)
    gained = sum(system.token.balanceOf(person) for person in system.people)
    assert gained == 50 * ONE_POINT + 2 * 80 * ONE_POINT + paid
    system.agree()


def test_a_node_of_a_batch_that_stands_twice_has_nothing_the_second_time(system: System, node: int) -> None:
    system.wait_for_period(FEC, start_of(node) + 1)
    claim_is_refused(system, error("ReleaseNode_NothingToClaim", node), [node, node])


def test_T09_an_approval_directs_no_claim_and_a_delegate_stays_within_its_cap(system: System, node: int) -> None:
    owner, delegate, receiver = system.people
    call, twin = system.nodes.claimTo, system.twin
    to_receiver = (delegate, twin.claim_to, address(delegate), [node], address(receiver))
    system.nodes.setApprovalForAll(delegate, True, {"from": owner})
    system.wait_for_period(FEC, start_of(node) + 1)
    not_claimer = error("ReleaseNode_NotClaimer", node, delegate)
    system.refused(not_claimer, call, ([node], receiver), *to_receiver)
    amount, deadline = twin.claimable(node), system.chain[-1].timestamp + 100
    approve(system, amount - 1, deadline)
    exceeded = error("ReleaseNode_ClaimCapExceeded", owner, delegate, amount, amount - 1)
    system.refused(exceeded, call, ([node], receiver), *to_receiver)
    to_itself = (delegate, twin.claim_to, address(delegate), [node], address(delegate))
    system.refused(not_claimer, call, ([node], delegate), *to_itself)
    approve(system, amount, deadline)
    system.wait(deadline - system.chain[-1].timestamp - 1)
    system.do(call, ([node], receiver), *to_receiver)
    assert system.chain[-1].timestamp == deadline
    assert system.token.balanceOf(receiver) == amount
    system.agree()
    expired = error("ReleaseNode_ClaimApprovalExpired", owner, delegate, deadline)
    system.refused(expired, call, ([node], receiver), *to_receiver)


def approve(system: System, cap: int, deadline: int) -> None:
    """The first person lets the second claim to the third."""
    owner, delegate, receiver = system.people
    names = tuple(address(person) for person in system.people)
    given = (delegate, receiver, cap, deadline)
    system.do(system.nodes.approveClaim, given, owner, system.twin.approve_claim, *names, cap, deadline)


def test_an_owner_claims_to_whom_it_names(system: System, node: int) -> None:
    owner, receiver = system.people[:2]
    system.wait_for_period(FEC, start_of(node) + 3)
    twin_call, call = system.twin.claim_to, system.nodes.claimTo
    nowhere = (owner, twin_call, address(owner), [node], ZERO_ADDRESS)
    system.refused(error("ERC721InvalidReceiver", ZERO_ADDRESS), call, ([node], ZERO_ADDRESS), *nowhere)
    to = (owner, twin_call, address(owner), [node], address(receiver))
    assert system.do(call, ([node], receiver), *to) == system.token.balanceOf(receiver) > 0
    system.agree()


def transfer(system: System, node: int, operator: int = 0, sender: int = 0, receiver: int = 1) -> tuple:
    """The arguments of `do` and `refused` for a transfer between people."""
    people, names = system.people, [address(person) for person in system.people]
    given = (people[sender], people[receiver], node)
    twin_call = system.twin.transfer_node
    return (
        system.nodes.transferFrom,
        given,
        people[operator],
        twin_call,
        names[operator],
        names[sender],
        names[receiver],
        node,
    )


def test_T06_a_locked_node_is_not_transferred(system: System, node: int) -> None:
    unlocks = system.twin.programs[FEC].epoch + (start_of(node) + 1) * WEEK
    system.wait_for_period(FEC, start_of(node) + 1, before=2)
    system.refused(error("ReleaseNode_Locked", node, unlocks), *transfer(system, node))
    system.do(*transfer(system, node))
    assert system.nodes.ownerOf(node) == system.people[1]
    system.agree()


def test_only_whom_the_owner_approved_transfers_for_it(system: System, node: int) -> None:
    owner, operator = system.people[0], system.people[2]
    system.wait_for_period(FEC, start_of(node) + 1)
    denied = error("ERC721InsufficientApproval", operator, node)
    system.refused(denied, *transfer(system, node, operator=2))
    arguments = (address(owner), address(operator), node)
    system.do(system.nodes.approve, (operator, node), owner, system.twin.approve_node, *arguments)
    system.agree()
    wrong = error("ERC721IncorrectOwner", system.people[1], node, owner)
    system.refused(wrong, *transfer(system, node, operator=2, sender=1, receiver=2))
    system.do(*transfer(system, node, operator=2))
    system.agree()
    system.refused(denied, *transfer(system, node, operator=2, sender=1, receiver=0))


def test_T19_a_frozen_owner_keeps_its_nodes_and_is_paid(system: System, node: int) -> None:
    owner, receiver = system.people[:2]
    system.wait_for_period(FEC, start_of(node) + 1)
    frozen = (owner, "reported as stolen")
    system.do(system.token.freeze, frozen, system.roles["guardian"], system.twin.freeze, address(owner))
    refused = error("PointsToken_AccountFrozen", owner, system.twin.frozen_until[address(owner)])
    system.refused(refused, *transfer(system, node))
    arguments = (owner, system.twin.claim_to, address(owner), [node], address(receiver))
    system.refused(refused, system.nodes.claimTo, ([node], receiver), *arguments)
    system.claim([node])
    system.agree()


@pytest.mark.parametrize("claims_first", [False, True])
def test_T08_a_buyer_gets_what_time_alone_says(system: System, node: int, claims_first: bool) -> None:
    seller, buyer = system.people[:2]
    system.wait_for_period(FEC, start_of(node) + 40)
    if claims_first:
        system.claim([node])
    system.do(*transfer(system, node))
    system.agree()
    released = system.twin.programs[FEC].schedule.released(50 * ONE_POINT, 40)
    assert system.token.balanceOf(seller) == 50 * ONE_POINT + released
    system.wait_for_period(FEC, start_of(node) + 100)
    assert system.claim([node]) == 50 * ONE_POINT - released == system.token.balanceOf(buyer)
