"""What each request asks of the database first must not cost more the longer the chain is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from chain_rows import FEC, ChainRows
from chainpoints.errors import StoreUnavailable
from chainpoints.store import history, status, tables
from chainpoints.store.bulk import insert_rows
from chainpoints.store.session import Store

pytestmark = pytest.mark.integration

MANY = 50_000


def best_of_20(read: Callable[[], object]) -> float:
    """Seconds: a pause of the machine is in some of them, a scan in all."""
    taken = []
    for _ in range(20):
        begun = time.monotonic()
        read()
        taken.append(time.monotonic() - begun)
    return min(taken)


def test_where_the_index_stands_is_found_by_a_key(store: Store) -> None:
    with store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks(last=1)
        rows.state()
        insert_rows(connection, tables.blocks, [(n, f"0x{n:064x}", f"0x{n - 1:064x}", n) for n in range(2, MANY + 1)])
        connection.execute(text("ANALYZE"))
    with store.read() as connection:
        assert status.state_and_block(connection, "head")[1].number == MANY
        assert best_of_20(lambda: status.state_and_block(connection, "head")) < 0.02  # every block: 5 times as long
        explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
        query = str(status._STATE_AND_HEAD.compile(connection))
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {query}"))
    assert "SCAN blocks" not in plan
    assert "Seq Scan on blocks" not in plan


def test_what_became_of_orders_is_found_by_their_keys(store: Store) -> None:
    """However many a merchant has: every payment asks this. SQLite has no statistics here, as in a new gateway."""
    with store.write() as connection:
        rows = ChainRows(connection)
        rows.blocks(last=1)
        rows.state()
        paid = [(f"0x{n:064x}", f"0x{n % 1_000:040x}", FEC, 1, 10, 1, 10) for n in range(MANY)]
        insert_rows(connection, tables.payments, [(1, n, "0x" + "77" * 32, 1, *each) for n, each in enumerate(paid)])
        if not store.is_sqlite:
            connection.execute(text("ANALYZE"))
    orders = [(1, f"0x{n:064x}") for n in range(0, MANY, MANY // 10)]
    with store.read() as connection:
        assert [(1, row["order_hash"]) for row in history.events_of_orders(connection, "payments", orders, 1)] == orders
        assert history.events_of_orders(connection, "payments", orders, 0) == []
        # Reading all that the merchant has takes 3 times as long on a fast machine.
        assert best_of_20(lambda: history.events_of_orders(connection, "payments", orders, 1)) < 0.01


def test_without_a_block_it_says_so(store: Store) -> None:
    with store.read() as connection, pytest.raises(StoreUnavailable, match="has not been read yet"):
        status.indexed_and_head(connection)
    with store.write() as connection:
        ChainRows(connection).state()
    with store.read() as connection, pytest.raises(StoreUnavailable, match="no block"):
        status.indexed_and_head(connection)
