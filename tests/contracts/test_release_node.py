"""ReleaseNode: release_node.tree is the specification."""

import pytest
from brownie import reverts

from brownie_system import FEC, INSTALMENTS, System, error
from chainpoints.types import ONE_POINT

WEEK = 7 * 86_400


@pytest.fixture
def node(system: System) -> int:
    """A node of 50 points of the first person, locked for more than a week."""
    system.issue(system.people[0], 100 * ONE_POINT, "till")
    _, start = system.pay(system.people[0], 50 * ONE_POINT, "tea")
    return system.node_id(system.people[0], start)


def start_of(node: int) -> int:
    return node >> 200 & 0xFFFFFF


def test_claim_refuses_unknown_nodes_and_empty_batches(system: System) -> None:
    with reverts(error("ReleaseNode_Unknown", 7)):
        system.claim([7])
    with reverts(error("ReleaseNode_BatchSize", 0, 500)):
        system.claim([])


def test_a_node_unlocks_exactly_with_its_first_release(system: System, node: int) -> None:
    unlocks = system.twin.programs[FEC].epoch + (start_of(node) + 1) * WEEK
    system.wait_for_period(FEC, start_of(node) + 1, before=2)
    with reverts(error("ReleaseNode_Locked", node, unlocks)):
        system.claim([node])
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
    assert system.programs.books(FEC)[1] == 0
    system.wait(WEEK)
    with reverts(error("ReleaseNode_NothingToClaim", node)):
        system.claim([node])


def test_one_claim_in_the_end_pays_the_same(system: System, node: int) -> None:
    system.wait_for_period(FEC, start_of(node) + 300)
    assert system.claim([node]) == 50 * ONE_POINT
    system.agree()


def test_claim_again_in_the_same_period_is_refused(system: System, node: int) -> None:
    system.wait_for_period(FEC, start_of(node) + 5)
    system.claim([node])
    with reverts(error("ReleaseNode_NothingToClaim", node)):
        system.claim([node])


def test_a_batch_with_one_bad_node_names_it_and_pays_nothing(system: System, node: int) -> None:
    system.issue_reserve(50 * ONE_POINT, "sponsor")
    system.pay(system.people[0], 20 * ONE_POINT, "cake", INSTALMENTS)
    other = next(n for n in system.twin.nodes if n != node)
    system.wait(2 * 86_400)
    before = system.token.balanceOf(system.people[0])
    unlocks = system.twin.programs[FEC].epoch + (start_of(node) + 1) * WEEK
    with reverts(error("ReleaseNode_Locked", node, unlocks)):
        system.claim([other, node])
    assert system.token.balanceOf(system.people[0]) == before
    system.wait_for_period(FEC, start_of(node) + 1)
    system.claim([other, node])
    system.agree()


def test_T09_an_approval_directs_no_claim_and_a_delegate_stays_within_its_cap(system: System, node: int) -> None:
    owner, delegate, receiver = system.people
    system.nodes.setApprovalForAll(delegate, True, {"from": owner})
    system.wait_for_period(FEC, start_of(node) + 1)
    with reverts(error("ReleaseNode_NotClaimer", node, delegate)):
        system.nodes.claimTo([node], receiver, {"from": delegate})
    amount, deadline = system.twin.claimable(node), system.chain[-1].timestamp + 100
    system.nodes.approveClaim(delegate, receiver, amount - 1, deadline, {"from": owner})
    with reverts(error("ReleaseNode_ClaimCapExceeded", owner, delegate, amount, amount - 1)):
        system.nodes.claimTo([node], receiver, {"from": delegate})
    with reverts(error("ReleaseNode_NotClaimer", node, delegate)):
        system.nodes.claimTo([node], delegate, {"from": delegate})
    system.nodes.approveClaim(delegate, receiver, amount, deadline, {"from": owner})
    system.wait(deadline - system.chain[-1].timestamp - 1)
    system.nodes.claimTo([node], receiver, {"from": delegate})
    assert system.chain[-1].timestamp == deadline
    assert system.token.balanceOf(receiver) == amount
    with reverts(error("ReleaseNode_ClaimApprovalExpired", owner, delegate, deadline)):
        system.nodes.claimTo([node], receiver, {"from": delegate})


def test_T06_a_locked_node_is_not_transferred(system: System, node: int) -> None:
    seller, buyer = system.people[:2]
    unlocks = system.twin.programs[FEC].epoch + (start_of(node) + 1) * WEEK
    system.wait_for_period(FEC, start_of(node) + 1, before=2)
    with reverts(error("ReleaseNode_Locked", node, unlocks)):
        system.nodes.transferFrom(seller, buyer, node, {"from": seller})
    system.nodes.transferFrom(seller, buyer, node, {"from": seller})
    assert system.nodes.ownerOf(node) == buyer


@pytest.mark.parametrize("claims_first", [False, True])
def test_T08_a_buyer_gets_what_time_alone_says(system: System, node: int, claims_first: bool) -> None:
    seller, buyer = system.people[:2]
    system.wait_for_period(FEC, start_of(node) + 40)
    if claims_first:
        system.claim([node])
    system.nodes.transferFrom(seller, buyer, node, {"from": seller})
    system.sync()
    system.twin.give_node(node, *(str(p.address).lower() for p in (seller, buyer)))
    system.agree()
    released = system.twin.programs[FEC].schedule.released(50 * ONE_POINT, 40)
    assert system.token.balanceOf(seller) == 50 * ONE_POINT + released
    system.wait_for_period(FEC, start_of(node) + 100)
    assert system.claim([node]) == 50 * ONE_POINT - released == system.token.balanceOf(buyer)
