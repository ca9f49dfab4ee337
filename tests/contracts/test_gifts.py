"""Gifts by link: gifts.tree is the specification."""

from typing import Any

import pytest
from brownie import ZERO_ADDRESS, reverts

from brownie_system import FEC, System, address, error
from builders import private_key, signer
from chainpoints.types import ONE_POINT, NodeId

DAY = 86_400
SECRET = "the secret of a link"


def give(system: System, node: int, expiry: int, *, who: int = 0, secret: str | None = None) -> tuple[Any, ...]:
    """The arguments of `do` and `refused` for a gift."""
    owner, key = system.people[who], secret or signer(SECRET).address
    return system.nodes.give, (node, key, expiry), owner, system.twin.give, address(owner), node, key, expiry


def take(system: System, node: int, to: Any, *, key: str = SECRET) -> tuple[Any, ...]:
    signature = system.signed_gift(node, to, private_key(key))
    given, twin_call = (node, to, signature), system.twin.take
    return system.nodes.take, given, system.stranger, twin_call, node, address(to), signer(key).address


def take_back(system: System, node: int) -> tuple[Any, ...]:
    return system.nodes.takeBack, (node,), system.stranger, system.twin.take_back, node


def transfer(system: System, node: int) -> tuple[Any, ...]:
    owner, buyer = system.people[:2]
    arguments = (address(owner), address(owner), address(buyer), node)
    return system.nodes.transferFrom, (owner, buyer, node), owner, system.twin.transfer_node, *arguments


@pytest.fixture
def unlocked(system: System, node: int) -> int:
    """A node of 50 points of the first person, which has released one period."""
    system.wait_for_period(FEC, NodeId.from_token_id(node).start + 1)
    return node


@pytest.fixture
def expiry(system: System, unlocked: int) -> int:
    """Until when the node is given."""
    expiry = system.chain[-1].timestamp + DAY
    system.do(*give(system, unlocked, expiry))
    system.agree()
    return expiry


def test_a_gift_is_the_owners_of_an_unlocked_node(system: System, node: int) -> None:
    until = system.chain[-1].timestamp + 30 * DAY
    system.refused(error("ReleaseNode_Unknown", 7), *give(system, 7, until))
    system.refused(error("ReleaseNode_NotOwner", node, system.people[1]), *give(system, node, until, who=1))
    unlocks = system.twin.grid(FEC).begins_at(NodeId.from_token_id(node).start + 1)
    system.wait_for_period(FEC, NodeId.from_token_id(node).start + 1, before=2)
    system.refused(error("ReleaseNode_Locked", node, unlocks), *give(system, node, until))
    system.do(*give(system, node, until))


def test_a_gift_has_a_secret_and_a_time_to_come(system: System, unlocked: int) -> None:
    until = system.chain[-1].timestamp + DAY
    nobody = give(system, unlocked, until, secret=ZERO_ADDRESS)
    system.refused(error("ReleaseNode_InvalidSignature", ZERO_ADDRESS), *nobody)
    now = system.chain[-1].timestamp + 1
    system.refused(error("ReleaseNode_GiftExpired", unlocked, now), *give(system, unlocked, now))
    assert system.chain[-1].timestamp == now
    system.do(*give(system, unlocked, system.chain[-1].timestamp + 2))
    system.agree()


def test_a_given_node_is_claimed_and_nothing_else(system: System, unlocked: int, expiry: int) -> None:
    owner = system.people[0]
    before = system.token.balanceOf(owner)
    paid = system.claim([unlocked])
    assert system.token.balanceOf(owner) == before + paid
    given = error("ReleaseNode_Given", unlocked)
    system.refused(given, *give(system, unlocked, expiry))
    system.refused(given, *transfer(system, unlocked))
    arguments = (system.twin.set_beneficiary, address(owner), unlocked, address(system.people[1]))
    system.refused(given, system.nodes.setBeneficiary, (unlocked, system.people[1]), owner, *arguments)


def test_take_is_by_the_secret_over_this_node_and_receiver(system: System, unlocked: int, expiry: int) -> None:
    taker, thief = system.people[1], system.people[2]
    invalid = error("ReleaseNode_InvalidSignature", signer(SECRET).address)
    system.refused(error("ReleaseNode_Unknown", 7), *take(system, 7, taker))
    system.refused(invalid, *take(system, unlocked, taker, key="another secret"))
    with reverts(invalid):
        right = system.signed_gift(unlocked, taker, private_key(SECRET))
        system.nodes.take(unlocked, thief, right, {"from": thief})
    system.do(*take(system, unlocked, taker))
    system.refused(error("ReleaseNode_NotGiven", unlocked), *take(system, unlocked, taker))
    system.agree()


def test_take_pays_the_giver_and_works_to_the_last_second(system: System, unlocked: int, expiry: int) -> None:
    giver, taker = system.people[:2]
    before, claimable = system.token.balanceOf(giver), system.twin.claimable(unlocked)
    system.rpc.call("evm_mine", expiry - 1)
    system.do(*take(system, unlocked, taker))
    assert system.chain[-1].timestamp == expiry
    assert system.nodes.ownerOf(unlocked) == taker
    assert system.token.balanceOf(giver) == before + claimable
    assert tuple(system.nodes.giftOf(unlocked)) == (ZERO_ADDRESS, 0)
    system.agree()
    system.wait_for_period(FEC, NodeId.from_token_id(unlocked).start + 100)
    assert system.claim([unlocked]) == 50 * ONE_POINT - claimable == system.token.balanceOf(taker)


def test_a_gift_that_nobody_took_is_the_givers_again(system: System, unlocked: int, expiry: int) -> None:
    system.rpc.call("evm_mine", expiry - 1)
    system.refused(error("ReleaseNode_GiftRuns", unlocked, expiry), *take_back(system, unlocked))
    assert system.chain[-1].timestamp == expiry
    system.refused(error("ReleaseNode_GiftExpired", unlocked, expiry), *take(system, unlocked, system.people[1]))
    system.do(*take_back(system, unlocked))
    system.agree()
    system.refused(error("ReleaseNode_NotGiven", unlocked), *take_back(system, unlocked))
    system.do(*transfer(system, unlocked))
    system.agree()


def test_T19_a_frozen_givers_node_is_not_taken(system: System, unlocked: int, expiry: int) -> None:
    giver = system.people[0]
    frozen = (giver, "reported as stolen")
    system.do(system.token.freeze, frozen, system.roles["guardian"], system.twin.freeze, address(giver))
    refused = error("PointsToken_AccountFrozen", giver, system.twin.frozen_until[address(giver)])
    system.refused(refused, *take(system, unlocked, system.people[1]))
