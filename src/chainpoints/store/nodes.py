"""Release nodes, as of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, or_, select

from chainpoints.domain.forecast import Holding
from chainpoints.store import tables
from chainpoints.store.programs import programs
from chainpoints.types import ZERO_ADDRESS


class NodeRow(NamedTuple):
    """A node after the block it was read at; the columns of `nodes`."""

    node: str
    program: int
    start: int
    owner: str
    total: int
    claimed: int
    claimed_periods: int
    beneficiary: str | None
    given_until: int | None

    @property
    def pays(self) -> str:
        """Who is paid what the node releases."""
        return self.beneficiary or self.owner


_nodes = tables.nodes.c
_COLUMNS = [_nodes[name] for name in NodeRow._fields]
_AT: BindParameter[int] = bindparam("at")
_NODE = (
    select(*_COLUMNS)
    .where(_nodes.node == bindparam("node"), _nodes.block_number <= _AT)
    .order_by(_nodes.block_number.desc())
    .limit(1)
)


_later = tables.nodes.alias("later")
_NEWEST = (
    _nodes.block_number
    == select(func.max(_later.c.block_number))
    .where(_later.c.node == _nodes.node, _later.c.block_number <= _AT)
    .scalar_subquery()
)
"""Of each node the row that stands after block `at`."""

_STANDING = select(*_COLUMNS).where(_NEWEST)
_ORDER = (_nodes.program, _nodes.start, _nodes.node)
_OWNER: BindParameter[str] = bindparam("owner")
_OF_OWNER = _STANDING.where(_nodes.owner == _OWNER).order_by(*_ORDER)
_PAYING = _STANDING.where(
    or_(_nodes.beneficiary == _OWNER, and_(_nodes.owner == _OWNER, _nodes.beneficiary.is_(None)))
).order_by(*_ORDER)
_OWNERS: BindParameter[Any] = bindparam("owners", expanding=True)
_OF_ALL = _STANDING.where(or_(_nodes.owner.in_(_OWNERS), _nodes.beneficiary.in_(_OWNERS)))
_BY_ID = _STANDING.where(_nodes.node.in_(bindparam("ids", expanding=True)), _nodes.owner != ZERO_ADDRESS).order_by(
    *_ORDER
)


def node(connection: Connection, node_id: str, at: int) -> NodeRow | None:
    """None for a node that was never made; one that has ended has the zero address as its owner."""
    row = connection.execute(_NODE, {"node": node_id, "at": at}).one_or_none()
    return NodeRow(*row) if row else None


def nodes_of(connection: Connection, owner: str, at: int) -> list[NodeRow]:
    """The nodes that `owner` held after block `at`, by program and start."""
    return [NodeRow._make(row) for row in connection.execute(_OF_OWNER, {"owner": owner, "at": at})]


def nodes_paying(connection: Connection, wallet: str, at: int) -> list[NodeRow]:
    """The nodes that pay what they release to `wallet`: its own, and those that name it as their beneficiary."""
    return [NodeRow._make(row) for row in connection.execute(_PAYING, {"owner": wallet, "at": at})]


def nodes_of_wallets(connection: Connection, wallets: Sequence[str], at: int) -> list[NodeRow]:
    """The nodes that any of the wallets held after block `at`, or is named in as beneficiary; in no order."""
    return [NodeRow._make(row) for row in connection.execute(_OF_ALL, {"owners": list(wallets), "at": at}).all()]


def nodes_by_id(connection: Connection, ids: Sequence[str], at: int) -> list[NodeRow]:
    """Those of the given nodes that there were after block `at`."""
    return [NodeRow._make(row) for row in connection.execute(_BY_ID, {"ids": list(ids), "at": at})]


def holdings(connection: Connection, rows: Sequence[NodeRow], at: int) -> list[tuple[NodeRow, Holding]]:
    """Nodes with the grids of their programs, for computing what they release."""
    if not rows:
        return []
    grids = {number: terms.grid for number, terms in programs(connection, at).items()}
    return [(row, Holding(row.program, grids[row.program], row.start, row.total, row.claimed)) for row in rows]
