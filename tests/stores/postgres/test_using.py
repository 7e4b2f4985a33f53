"""Using a PostgresStore: its dsn, its pool, its event loop, its libraries."""

import asyncio
import pickle
import subprocess
import sys
from datetime import timedelta

import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from dialogs.errors import StoreUnavailable, UsageError
from dialogs.stores.postgres import PostgresStore, connections
from tests.stores.postgres.turns import NOW, connected, locked, turn, unavailable

TABLE = "dialogs_conversations"


async def test_a_password_is_in_no_error_and_no_repr(make, postgres_url):
    dsn = make_conninfo(postgres_url, password="s3cret", dbname="no such database")
    store = make(dsn, timeout=1)
    assert "s3cret" not in repr(store)
    told = await unavailable(store, '"no such database" does not exist')
    error = pickle.loads(pickle.dumps(told))
    assert "/no such database)" in error.store
    for text in (str(error), repr(error), repr(error.__dict__), repr(told.__cause__)):
        assert "s3cret" not in text


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:s3cret@host:5432/x?s3cret",
        "postgresql://me:s3%zzcret@host/x",
        "password=s3cret nonsense",
        "s3cret",
    ],
)
def test_a_dsn_that_cannot_be_read_is_refused_without_quoting_it(dsn):
    with pytest.raises(UsageError, match="dsn that cannot be read") as caught:
        PostgresStore(dsn)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("", "localhost"),
        ("postgresql://me:pw@db.example:6432/bot?sslmode=require", "db.example:6432/bot"),
        ("host=a,b port=1,2 dbname=bot user=me password=pw", "a,b:1,2/bot"),
        ("hostaddr=192.0.2.1 password=pw", "192.0.2.1"),
    ],
)
def test_a_store_is_shown_by_the_place_of_its_database(dsn, shown):
    assert repr(PostgresStore(dsn)) == f'<PostgresStore({shown}), table "{TABLE}">'


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": timedelta(seconds=-1)},
        {"timeout": float("nan")},
        {"pool_size": 0},
    ],
)
def test_no_time_and_no_connections_are_refused(options):
    with pytest.raises(UsageError, match=r"PostgresStore.*(length of time|pool_size)"):
        PostgresStore(**options)


async def test_a_timeout_may_be_a_timedelta(store, make, postgres_url, table):
    await turn(store, "a")
    impatient = make(timeout=timedelta(seconds=1))
    await connected(impatient)
    with (
        locked(postgres_url, table, "a"),
        pytest.raises(StoreUnavailable, match="within 1 seconds"),
    ):
        await impatient.claim("a", now=NOW, lease_s=30)


async def test_a_pool_of_the_users_is_used_and_left_open(make, store, postgres_url):
    async with AsyncConnectionPool(
        postgres_url, kwargs={"autocommit": True}, min_size=1, max_size=2, open=False
    ) as pool:
        shared = make("", pool=pool)
        await asyncio.gather(*(turn(shared, str(n)) for n in range(10)))
        await shared.close()
        assert not pool.closed
        assert await shared.load("1", now=NOW)
        assert repr(shared) == repr(store)
    with pytest.raises(StoreUnavailable, match="PoolClosed"):
        await shared.load("1", now=NOW)


async def test_a_pool_that_opens_transactions_is_refused(make, store, postgres_url):
    async with AsyncConnectionPool(postgres_url, min_size=1, max_size=1, open=False) as pool:
        shared = make("", pool=pool)
        for _ in range(3):
            with pytest.raises(UsageError, match="autocommit"):
                await shared.load("a", now=NOW)


async def test_a_closed_store_opens_again_when_it_is_used(store):
    await turn(store, "a")
    await store.close()
    await store.close()
    assert await store.load("a", now=NOW)


def test_a_store_in_a_second_event_loop_is_refused_until_it_is_closed(postgres_url, table):
    store = PostgresStore(postgres_url, table=table)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(store.setup())
        with pytest.raises(UsageError, match="two event loops"):
            second.run(store.setup())
        first.run(store.close())
        second.run(turn(store, "a"))
        second.run(store.close())


def test_a_loop_ends_though_its_store_is_open_and_the_server_gone(postgres_server, table):
    async def leave():
        patient = PostgresStore(postgres_server.dsn, table=table, timeout=60)
        await patient.setup()
        await patient.close()
        store = PostgresStore(postgres_server.dsn, table=table, timeout=1)
        await asyncio.gather(*(connected(store) for _ in range(20)))
        postgres_server.pause()
        with pytest.raises(StoreUnavailable):
            await asyncio.gather(*(store.load("a", now=NOW) for _ in range(3)))

    try:
        # It would wait for the pool's workers, which are connecting, for ever.
        asyncio.run(leave())
    finally:
        postgres_server.resume()


def test_without_psycopg_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(connections, "_INSTALLED", False)
    with pytest.raises(UsageError, match=r'pip install "resumable-dialogs\[postgres\]"'):
        PostgresStore()


@pytest.mark.parametrize("library", ["psycopg", "psycopg_pool"])
def test_the_module_is_imported_without_its_libraries(library):
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from dialogs.stores.postgres import PostgresStore\n"
        "try: PostgresStore()\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "UsageError\n"
