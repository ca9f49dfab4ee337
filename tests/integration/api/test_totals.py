"""GET /v1/totals counts what is final once; what it says is as if it counted everything each time."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, event, update

from chain_rows import BLOCKS, FINAL, ChainRows
from chainpoints.store import tables
from gateway import Api

pytestmark = pytest.mark.integration


def paid(api: Api, block: int, amount: int, branch: int = 0) -> None:
    with api.store.write() as connection:
        rows = ChainRows(connection)
        if block > BLOCKS:
            rows.blocks(block, block, branch)
        rows.payment(block, f"0x{block:032x}{branch:032x}", api.alice, amount)


def told(api: Api, **query: Any) -> tuple[int, str]:
    totals = api.public.get("/v1/totals", **query)
    return totals["payments"], totals["paid"]


def test_counts_go_on_from_what_was_final_also_across_reorgs_and_a_new_index(api: Api) -> None:
    for block, amount in ((FINAL - 1, 1), (FINAL, 2), (FINAL + 1, 4)):
        paid(api, block, amount)
    assert told(api) == (3, "0.000007")
    assert told(api, finality="final") == (2, "0.000003")
    paid(api, BLOCKS + 1, 8)
    assert told(api) == (4, "0.000015")
    with api.store.write() as connection:  # a reorg, and finality goes on
        connection.execute(delete(tables.blocks).where(tables.blocks.c.number > BLOCKS))
        connection.execute(update(tables.chain_state).values(final=FINAL + 1))
    paid(api, BLOCKS + 1, 16, branch=3)
    assert [told(api), told(api)] == [(4, "0.000023")] * 2
    assert told(api, finality="final") == (3, "0.000007")

    # when: the index is made anew and has not come so far
    with api.store.write() as connection:
        connection.execute(delete(tables.blocks).where(tables.blocks.c.number > FINAL))
        connection.execute(update(tables.chain_state).values(final=FINAL - 1))
    assert [told(api), told(api)] == [(2, "0.000003")] * 2


def test_what_is_final_is_not_counted_again(api: Api) -> None:
    paid(api, FINAL, 2)
    told(api)
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM payments" in statement:
            statements.append((statement, parameters))

    event.listen(api.store.engine, "before_cursor_execute", note)
    told(api)
    ((_, parameters),) = statements
    values = list(parameters.values()) if isinstance(parameters, dict) else list(parameters)
    assert FINAL in values
    assert -1 not in values
