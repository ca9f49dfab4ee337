"""Custody: custody.tree is the specification."""

from typing import Any

import pytest
from brownie import ZERO_ADDRESS

from brownie_system import FEC, System, address, error
from chainpoints.types import ONE_POINT, NodeId


def name(system: System, node: int, beneficiary: Any, who: int = 0) -> tuple[Any, ...]:
    """The arguments of `do` and `refused` for naming whom a node pays."""
    owner = system.people[who]
    named = beneficiary if isinstance(beneficiary, str) else address(beneficiary)
    arguments = (address(owner), node, named)
    return system.nodes.setBeneficiary, (node, named), owner, system.twin.set_beneficiary, *arguments


@pytest.fixture
def in_custody(system: System, node: int) -> int:
    """A node of 50 points of the first person that pays the second, and has released 3 periods."""
    system.do(*name(system, node, system.people[1]))
    system.wait_for_period(FEC, NodeId.from_token_id(node).start + 3)
    system.agree()
    return node


def test_only_the_owner_names_a_beneficiary(system: System, node: int) -> None:
    other = system.people[1]
    system.refused(error("ReleaseNode_Unknown", 7), *name(system, 7, other))
    system.refused(error("ReleaseNode_NotOwner", node, other), *name(system, node, other, who=1))


def test_claims_of_a_node_in_custody_are_directed_by_nobody(system: System, in_custody: int) -> None:
    owner, beneficiary = system.people[:2]
    arguments = (system.twin.claim_to, address(owner), [in_custody], address(owner))
    refused = error("ReleaseNode_InCustody", in_custody, beneficiary)
    system.refused(refused, system.nodes.claimTo, ([in_custody], owner), owner, *arguments)
    before, paid = system.token.balanceOf(owner), system.claim([in_custody])
    assert system.token.balanceOf(beneficiary) == paid > 0
    assert system.token.balanceOf(owner) == before
    system.agree()


@pytest.mark.parametrize("custody_first", [True, False])
def test_a_batch_pays_each_node_to_its_own_receiver(system: System, in_custody: int, custody_first: bool) -> None:
    owner, beneficiary = system.people[:2]
    system.do(*name(system, in_custody, owner))
    (piece,) = system.split(owner, in_custody, 20 * ONE_POINT)
    system.do(*name(system, in_custody, beneficiary))
    system.wait_for_period(FEC, NodeId.from_token_id(in_custody).start + 10)
    due, before = system.twin.claimable(piece), system.token.balanceOf(owner)
    system.claim([in_custody, piece] if custody_first else [piece, in_custody])
    assert system.token.balanceOf(owner) == before + due
    system.agree()


@pytest.mark.parametrize("ends", ["zero", "owner"])
def test_what_was_released_is_of_whom_was_named_then(system: System, in_custody: int, ends: str) -> None:
    owner, beneficiary = system.people[:2]
    due = system.twin.claimable(in_custody)
    system.do(*name(system, in_custody, ZERO_ADDRESS if ends == "zero" else owner))
    assert system.token.balanceOf(beneficiary) == due
    system.agree()
    system.wait_for_period(FEC, NodeId.from_token_id(in_custody).start + 100)
    assert system.claim([in_custody]) == 50 * ONE_POINT - due
    assert system.token.balanceOf(owner) == 100 * ONE_POINT - due
    system.agree()


def test_pieces_pay_the_beneficiary_too_and_merge_with_their_like(system: System, in_custody: int) -> None:
    owner, beneficiary = system.people[:2]
    first, second = system.split(owner, in_custody, 20 * ONE_POINT, 5 * ONE_POINT)
    assert system.nodes.beneficiaryOf(first) == beneficiary
    system.do(*name(system, second, system.people[2]))
    arguments = (system.twin.merge, address(owner), in_custody, [first, second])
    unlike = error("ReleaseNode_NotAlike", in_custody, second)
    system.refused(unlike, system.nodes.merge, (in_custody, [first, second]), owner, *arguments)
    before = system.token.balanceOf(beneficiary)
    assert system.merge(owner, in_custody, first) == system.token.balanceOf(beneficiary) - before > 0
    assert system.nodes.beneficiaryOf(first) == ZERO_ADDRESS
    system.agree()


def test_a_transfer_pays_the_beneficiary_and_ends_the_custody(system: System, in_custody: int) -> None:
    owner, beneficiary, buyer = system.people
    due = system.twin.claimable(in_custody)
    arguments = (address(owner), address(owner), address(buyer), in_custody)
    given = (owner, buyer, in_custody)
    system.do(system.nodes.transferFrom, given, owner, system.twin.transfer_node, *arguments)
    assert system.token.balanceOf(beneficiary) == due
    assert system.nodes.beneficiaryOf(in_custody) == ZERO_ADDRESS
    system.agree()


def test_T19_a_frozen_owners_node_pays_nobody_else(system: System, in_custody: int) -> None:
    owner = system.people[0]
    frozen = (owner, "reported as stolen")
    system.do(system.token.freeze, frozen, system.roles["guardian"], system.twin.freeze, address(owner))
    refused = error("PointsToken_AccountFrozen", owner, system.twin.frozen_until[address(owner)])
    system.refused(refused, system.nodes.claim, ([in_custody],), system.stranger, system.twin.claim, [in_custody])
    system.agree()
