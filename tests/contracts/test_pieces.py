"""Splitting and merging nodes: pieces.tree is the specification."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from brownie_system import FEC, INSTALMENTS, System, address, error
from chainpoints.types import ONE_POINT, NodeId

WEEK = 7 * 86_400


@pytest.fixture
def unlocked(system: System, node: int) -> int:
    """A node of 50 points of the first person, which has released 3 periods and paid 2."""
    after(system, node, 2)
    system.claim([node])
    after(system, node, 3)
    return node


def after(system: System, node: int, periods: int) -> None:
    system.wait_for_period(FEC, NodeId.from_token_id(node).start + periods)


def split_is_refused(system: System, expected: str, node: int, totals: list[int], who: int = 0) -> None:
    caller = system.people[who]
    arguments = (system.twin.split, address(caller), node, totals)
    system.refused(expected, system.nodes.split, (node, totals), caller, *arguments)


def merge_is_refused(system: System, expected: str, into: int, nodes: list[int], who: int = 0) -> None:
    caller = system.people[who]
    arguments = (system.twin.merge, address(caller), into, nodes)
    system.refused(expected, system.nodes.merge, (into, nodes), caller, *arguments)


def give(system: System, node: int) -> None:
    owner, expiry = system.people[0], system.chain[-1].timestamp + WEEK
    secret = address(system.people[2])
    arguments = (system.twin.give, address(owner), node, secret, expiry)
    system.do(system.nodes.give, (node, secret, expiry), owner, *arguments)


def test_a_split_is_the_owners_of_an_unlocked_node(system: System, node: int) -> None:
    split_is_refused(system, error("ReleaseNode_Unknown", 7), 7, [1])
    split_is_refused(system, error("ReleaseNode_NotOwner", node, system.people[1]), node, [1], who=1)
    unlocks = system.twin.grid(FEC).begins_at(NodeId.from_token_id(node).start + 1)
    system.wait_for_period(FEC, NodeId.from_token_id(node).start + 1, before=2)
    split_is_refused(system, error("ReleaseNode_Locked", node, unlocks), node, [1])
    system.split(system.people[0], node, 1)
    assert system.chain[-1].timestamp == unlocks
    give(system, node)
    split_is_refused(system, error("ReleaseNode_Given", node), node, [1])


def test_a_split_has_pieces_and_leaves_a_unit(system: System, unlocked: int) -> None:
    whole = 50 * ONE_POINT
    split_is_refused(system, error("ReleaseNode_BatchSize", 0, 100), unlocked, [])
    split_is_refused(system, error("ReleaseNode_BatchSize", 101, 100), unlocked, [1] * 101)
    split_is_refused(system, error("ReleaseNode_PieceSize", unlocked, 0, whole), unlocked, [0])
    split_is_refused(system, error("ReleaseNode_PieceSize", unlocked, whole, whole), unlocked, [whole])
    split_is_refused(system, error("ReleaseNode_PieceSize", unlocked, 3, 3), unlocked, [whole - 3, 3])
    system.split(system.people[0], unlocked, whole - 3, 2)
    assert system.nodes.nodeOf(unlocked)[3] == 1
    system.agree()


@pytest.mark.parametrize(
    "totals",
    [[1], [25 * ONE_POINT], [49_999_999], [1, 1, 1], [16_666_667, 16_666_667], [7] * 100],
    ids=["a unit", "half", "all but a unit", "dust", "thirds", "a hundred pieces"],
)
def test_a_split_adds_up_and_pays_nothing(system: System, unlocked: int, totals: list[int]) -> None:
    owner, before = system.people[0], system.nodes.nodeOf(unlocked)
    points = system.token.balanceOf(owner)
    pieces = system.split(owner, unlocked, *totals)
    system.agree()
    parts = [system.nodes.nodeOf(each) for each in (unlocked, *pieces)]
    assert sum(part[3] for part in parts) == before[3]
    assert sum(part[4] for part in parts) == before[4]
    assert system.token.balanceOf(owner) == points
    assert system.nodes.balanceOf(owner) == 1 + len(totals)
    # Each piece has what the schedule gives to one of its total; what is over stays with the node that was split.
    schedule = system.twin.programs[FEC].schedule
    assert [part[4] for part in parts[1:]] == [schedule.released(total, 2) for total in totals]


def test_the_parts_of_a_split_pay_what_the_whole_would_have_paid(system: System, unlocked: int) -> None:
    owner = system.people[0]
    pieces = system.split(owner, unlocked, 16_666_667, 16_666_667)
    for periods in (4, 17, 50, 99, 100):
        after(system, unlocked, periods)
        system.claim([unlocked, *pieces])
        whole = system.twin.programs[FEC].schedule.released(50 * ONE_POINT, periods)
        paid = system.token.balanceOf(owner) - 50 * ONE_POINT
        assert whole - 2 <= paid <= whole
        system.agree()
    assert paid == 50 * ONE_POINT
    assert system.nodes.books(FEC)[1] == 0


def test_what_a_split_counted_as_paid_in_advance_is_paid_less_later(system: System, unlocked: int) -> None:
    owner = system.people[0]
    # Of 50 points 2 periods released more than of all these parts together: the node bears the difference.
    pieces = system.split(owner, unlocked, *[999] * 100)
    advance = system.twin.nodes[unlocked].advance
    assert advance > 1
    node = system.nodes.nodeOf(unlocked)
    schedule = system.twin.programs[FEC].schedule
    assert node[4] == schedule.released(node[3], 2) + advance
    assert node[5] == schedule.released(node[3], 3) - node[4]
    after(system, unlocked, 100)
    system.claim([unlocked, *pieces])
    assert system.twin.nodes[unlocked].advance == 0
    assert system.token.balanceOf(owner) == 100 * ONE_POINT
    system.agree()


def test_a_piece_is_a_node_of_its_own(system: System, unlocked: int) -> None:
    owner, buyer = system.people[:2]
    (piece,) = system.split(owner, unlocked, 20 * ONE_POINT)
    assert NodeId.from_token_id(piece).serial == 2
    given, twin_call = (owner, buyer, piece), system.twin.transfer_node
    arguments = (address(owner), address(owner), address(buyer), piece)
    system.do(system.nodes.transferFrom, given, owner, twin_call, *arguments)
    (again,) = system.split(buyer, piece, 5 * ONE_POINT)
    assert NodeId.from_token_id(again).serial == 3
    assert NodeId.from_token_id(again).origin == address(owner)
    system.agree()
    after(system, unlocked, 100)
    system.claim([unlocked, piece, again])
    assert system.nodes.books(FEC)[1] == 0
    system.agree()


def test_a_merge_is_of_alike_unlocked_nodes_of_the_caller(system: System, node: int) -> None:
    owner, other = system.people[:2]
    unlocks = system.twin.grid(FEC).begins_at(NodeId.from_token_id(node).start + 1)
    merge_is_refused(system, error("ReleaseNode_Locked", node, unlocks), node, [node])
    system.issue_reserve(100 * ONE_POINT, "sponsor")
    system.wait(WEEK)
    _, start = system.pay(owner, 10 * ONE_POINT, "a week later")
    later = system.node_id(owner, start)
    _, start = system.pay(owner, 10 * ONE_POINT, "another program", INSTALMENTS)
    instalments = system.node_id(owner, start, INSTALMENTS)
    after(system, later, 1)
    (piece,) = system.split(owner, node, 20 * ONE_POINT)
    merge_is_refused(system, error("ReleaseNode_BatchSize", 0, 100), node, [])
    merge_is_refused(system, error("ReleaseNode_BatchSize", 101, 100), node, [piece] * 101)
    merge_is_refused(system, error("ReleaseNode_NotOwner", node, other), node, [piece], who=1)
    merge_is_refused(system, error("ReleaseNode_Unknown", 7), node, [7])
    for unlike in (node, later, instalments):
        merge_is_refused(system, error("ReleaseNode_NotAlike", node, unlike), node, [unlike])
    merge_is_refused(system, error("ReleaseNode_Unknown", piece), node, [piece, piece])
    give(system, piece)
    merge_is_refused(system, error("ReleaseNode_Given", piece), node, [piece])
    merge_is_refused(system, error("ReleaseNode_Given", piece), piece, [node])


@pytest.mark.parametrize("keeps", [0, 1], ids=["into the whole", "into a piece"])
def test_a_merge_gives_what_was_never_split(system: System, unlocked: int, keeps: int) -> None:
    owner, schedule = system.people[0], system.twin.programs[FEC].schedule
    nodes = [unlocked, *system.split(owner, unlocked, 1, 16_666_667, 999)]
    after(system, unlocked, 7)
    system.claim([nodes[0], nodes[2]])
    after(system, unlocked, 20)
    into = nodes.pop(keeps)
    system.merge(owner, into, *nodes)
    system.agree()
    assert system.nodes.balanceOf(owner) == 1
    released = schedule.released(50 * ONE_POINT, 20)
    assert tuple(system.nodes.nodeOf(into))[3:7] == (50 * ONE_POINT, released, 0, 20)
    assert system.token.balanceOf(owner) == 50 * ONE_POINT + released


def test_a_merge_pays_the_unit_that_rounding_kept_back(system: System, unlocked: int) -> None:
    owner, schedule = system.people[0], system.twin.programs[FEC].schedule
    (piece,) = system.split(owner, unlocked, 16_666_667)
    # The first period in which the parts release a unit less than the whole.
    totals = (16_666_667, 50 * ONE_POINT - 16_666_667)
    missing = [
        k for k in range(4, 100) if sum(schedule.released(t, k) for t in totals) < schedule.released(sum(totals), k)
    ]
    after(system, unlocked, missing[0])
    system.claim([unlocked, piece])
    assert system.merge(owner, unlocked, piece) == 1
    system.agree()


def test_an_advance_that_is_too_large_for_its_field_is_refused(system: System, unlocked: int) -> None:
    # given: a node whose field is full, as some 65,535 splits between two claims would leave it
    owner, nodes = system.people[0], system.twin.contracts.nodes
    slot = _slot_of(system, unlocked)
    word = int(system.rpc.call("eth_getStorageAt", nodes, slot, "latest"), 16)
    system.rpc.call("anvil_setStorageAt", nodes, slot, f"0x{word | 0xFFFF << 232:064x}")
    system.twin.nodes[unlocked].advance = 0xFFFF
    system.agree()

    # when: a split rounds two units more, it should revert
    totals, released = [999] * 3, system.twin.programs[FEC].schedule.released
    more = released(50 * ONE_POINT, 2) - released(50 * ONE_POINT - sum(totals), 2)
    too_large = error("ReleaseNode_AdvanceTooLarge", 0xFFFF + more, 0xFFFF)
    assert more == 2
    split_is_refused(system, too_large, unlocked, totals)

    # when: a claim made room, it should work
    after(system, unlocked, 20)
    system.claim([unlocked])
    system.split(owner, unlocked, *totals)
    system.agree()


def _slot_of(system: System, node: int) -> str:
    """Where the node stands: the place of the mapping follows from the order of the bases, so it is looked for."""
    owner = int(address(system.people[0]), 16)
    for place in range(32):
        slot = "0x" + keccak(encode(["uint256", "uint256"], [node, place])).hex()
        word = int(system.rpc.call("eth_getStorageAt", system.twin.contracts.nodes, slot, "latest"), 16)
        if word & (1 << 160) - 1 == owner:
            return slot
    raise AssertionError("the node is in no mapping")
