"""Why a database cannot be used is told in words of our own, without its address, name, user or password."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from builders import fresh_database
from chainpoints.config import Secret
from chainpoints.errors import StoreUnavailable
from chainpoints.store.migrate import migrate
from chainpoints.store.relay_transactions import set_trouble
from chainpoints.store.session import Store

pytestmark = pytest.mark.integration


def told(address: str) -> str:
    store = Store(Secret(address))
    with pytest.raises(StoreUnavailable) as refused:
        migrate(store)
    store.close()
    return str(refused.value)


def test_a_database_that_the_server_does_not_have(postgres: str) -> None:
    message = told(make_url(postgres).set(database="hidden").render_as_string(hide_password=False))
    assert "there is no such database on the server" in message
    assert "hidden" not in message


def test_a_user_that_the_server_does_not_have(postgres: str) -> None:
    address = make_url(postgres).set(username="hidden", password="hidden", database="postgres")
    message = told(address.render_as_string(hide_password=False))
    assert "it has no such user" in message or "its user or password is wrong" in message
    assert "hidden" not in message


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    assert "its file cannot be opened" in told(f"sqlite:///{tmp_path}")


def test_a_server_that_takes_no_writes_for_a_while(postgres: str) -> None:
    """After a failover its address leads to a standby; or its disk is full."""
    with fresh_database(postgres, "takes_no_writes") as address, psycopg.connect(address, autocommit=True) as server:
        store = Store(Secret(address))
        migrate(store)
        store.close()
        server.execute("ALTER DATABASE takes_no_writes SET default_transaction_read_only = on")
        with pytest.raises(StoreUnavailable, match="it takes no writes"), store.write() as connection:
            set_trouble(connection, "relayer", "0x", None)
        server.execute("ALTER DATABASE takes_no_writes RESET default_transaction_read_only")
        with store.write() as connection:
            set_trouble(connection, "relayer", "0x", None)
        store.close()


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ('FATAL:  password authentication failed for user "hidden"', "its user or password is wrong"),
        ("fe_sendauth: no password supplied", "it wants a password"),
        ("[Errno -2] failed to resolve host 'hidden'", "its host is not known"),
        ('FATAL:  database "hidden" is not currently accepting connections', "it takes no connections"),
        ("hidden, of a kind that is not known", "OperationalError"),
    ],
)
def test_what_the_driver_says_is_told_in_other_words(tmp_path: Path, words: str, cause: str) -> None:
    store = Store(Secret(f"sqlite:///{tmp_path / 'gateway.db'}"))
    with pytest.raises(StoreUnavailable) as refused, store.read():
        raise OperationalError("", {}, Exception(words))
    store.close()
    assert f"({cause})" in str(refused.value)
    assert "hidden" not in str(refused.value)
