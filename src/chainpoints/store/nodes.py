"""Release nodes, as of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, select

from chainpoints.domain.forecast import Holding
from chainpoints.store import tables
from chainpoints.store.programs import programs
from chainpoints.types import ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class NodeRow:
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
_COLUMNS = [_nodes[name] for name in NodeRow.__slots__]
_AT: BindParameter[int] = bindparam("at")
_NODE = (
    select(*_COLUMNS)
    .where(_nodes.node == bindparam("node"), _nodes.block_number <= _AT)
    .order_by(_nodes.block_number.desc())
    .limit(1)
)


def _newest(ids: Any) -> Select[Any]:
    """Of each of the nodes the row that stands after block `at`."""
    newest = (
        select(_nodes.node, func.max(_nodes.block_number).label("block"))
        .where(_nodes.node.in_(ids), _nodes.block_number <= _AT)
        .group_by(_nodes.node)
        .subquery()
    )
    joined = tables.nodes.join(newest, (_nodes.node == newest.c.node) & (_nodes.block_number == newest.c.block))
    return select(*_COLUMNS).select_from(joined).order_by(_nodes.program, _nodes.start, _nodes.node)


_OWNER: BindParameter[str] = bindparam("owner")
_EVER_OF_OWNER = select(_nodes.node).where(_nodes.owner == _OWNER, _nodes.block_number <= _AT)
_EVER_OF_BENEFICIARY = select(_nodes.node).where(_nodes.beneficiary == _OWNER, _nodes.block_number <= _AT)
_OF_OWNER = _newest(_EVER_OF_OWNER).where(_nodes.owner == _OWNER)
_IS_PAID = func.coalesce(_nodes.beneficiary, _nodes.owner) == _OWNER
_PAYING = _newest(_EVER_OF_OWNER.union(_EVER_OF_BENEFICIARY)).where(_IS_PAID)
_BY_ID = _newest(bindparam("ids", expanding=True)).where(_nodes.owner != ZERO_ADDRESS)


def node(connection: Connection, node_id: str, at: int) -> NodeRow | None:
    """None for a node that was never made; one that has ended has the zero address as its owner."""
    row = connection.execute(_NODE, {"node": node_id, "at": at}).one_or_none()
    return NodeRow(*row) if row else None


def nodes_of(connection: Connection, owner: str, at: int) -> list[NodeRow]:
    """The nodes that `owner` held after block `at`, by program and start."""
    return [NodeRow(*row) for row in connection.execute(_OF_OWNER, {"owner": owner, "at": at})]


def nodes_paying(connection: Connection, wallet: str, at: int) -> list[NodeRow]:
    """The nodes that pay what they release to `wallet`: its own, and those that name it as their beneficiary."""
    return [NodeRow(*row) for row in connection.execute(_PAYING, {"owner": wallet, "at": at})]


def nodes_by_id(connection: Connection, ids: Sequence[str], at: int) -> list[NodeRow]:
    """Those of the given nodes that there were after block `at`."""
    return [NodeRow(*row) for row in connection.execute(_BY_ID, {"ids": list(ids), "at": at})]


def holdings(connection: Connection, rows: Sequence[NodeRow], at: int) -> list[tuple[NodeRow, Holding]]:
    """Nodes with the grids of their programs, for computing what they release."""
    if not rows:
        return []
    grids = {number: terms.grid for number, terms in programs(connection, at).items()}
    return [(row, Holding(row.program, grids[row.program], row.start, row.total, row.claimed)) for row in rows]
