"""The stream, and its cursors."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import Field

from chainpoints.api.schemas.base import NOT_A_CURSOR, Address, Shape, log_number
from chainpoints.errors import InvalidInput

_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9]{1,10})\.(0x[0-9a-f]{64})\.([0-9]{1,15})", re.ASCII)

_HASH = "0x" + "5e" * 32

EXAMPLE = f"""event: ready
id: 811.2147483647.{_HASH}.748
data: {{"block":811,"finality":"head"}}

event: payment
id: 812.3.{_HASH}.748
data: {{"block":812,"log_index":3,"transaction":"{_HASH}"}}

event: reorg
id: 809.2147483647.{_HASH}.748
data: {{"block":810}}

"""


class StreamQuery(Shape):
    wallet: Address | None = Field(None, description="events of this wallet, for anybody; without it a key is needed")


class StreamPlace(NamedTuple):
    """Behind which log a stream goes on, in which block that was, and what was final then: that cannot have gone."""

    block: int
    log_index: int
    hash: str
    final: int

    @property
    def cursor(self) -> str:
        return f"{self.block}.{self.log_index}.{self.hash}.{self.final}"

    def is_in(self, block_hash: str | None) -> bool:
        """Whether the block that has its number now is the one that it names."""
        return block_hash == self.hash


def stream_place(cursor: str) -> StreamPlace:
    """Raises InvalidInput for what is no `id` of a stream."""
    found = _CURSOR.fullmatch(cursor)
    if not found:
        raise InvalidInput(NOT_A_CURSOR)
    block, log, block_hash, final = found.groups()
    return StreamPlace(int(block), log_number(log), block_hash, int(final))
