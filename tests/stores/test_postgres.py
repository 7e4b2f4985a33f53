"""PostgresStore does what every store must; and what is its own, on a server that is killed."""

import asyncio
import contextlib
import pickle
import re
import struct
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from dialogs.errors import Busy, StoreUnavailable, UsageError
from dialogs.stores.postgres import PostgresStore, connections
from dialogs.testing import StoreSuite

NOW = 1_000.0  # far from the real time: nothing may depend on the server's clock
DAY_S = 86_400.0
TABLE = "dialogs_conversations"


@pytest.fixture
def database(postgres_url):
    """A connection of the test's own, which sees and does what the store does not."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def table(postgres_url):
    """The name of a table that is dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    yield name
    # A new connection: the test may have killed the server.
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP TABLE IF EXISTS "{name}"')


@pytest.fixture
async def make(postgres_url, table):
    """Makes stores, and closes them after the test."""
    async with contextlib.AsyncExitStack() as stack:

        def make(dsn=postgres_url, **options):
            store = PostgresStore(dsn, **{"table": table, "timeout": 60, **options})
            stack.push_async_callback(store.close)
            return store

        yield make


@pytest.fixture
async def store(make):
    store = make()
    await store.setup()
    return store


class TestPostgresStore(StoreSuite):
    @pytest.fixture
    def reopen(self, store, make):
        return make


async def turn(store, chat_id, body=b"body", *, now=NOW, **options):
    claim = await store.claim(chat_id, now=now, lease_s=30)
    await store.commit(claim, body, now=now, status="OPEN", **options)


async def connected(store):
    """Wait until a store has connected, which may take longer than its timeout."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await store.load("a", now=NOW)


async def unavailable(store, words):
    """The error of a store, once it tells this: its timeout may pass before it has connected."""
    async with asyncio.timeout(60):
        while True:
            with pytest.raises(StoreUnavailable) as caught:
                await store.load("a", now=NOW)
            if re.search(words, str(caught.value)):
                return caught.value


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    while not holds():  # noqa: ASYNC110 - it is the server's doing, which sets no event here
        await asyncio.sleep(0.005)


def waiting(database) -> int:
    """How many statements wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return database.execute(query).fetchone()[0]


@contextlib.contextmanager
def locked(postgres_url, table, chat_id):
    """Another program's transaction, which has locked a conversation's row."""
    with psycopg.connect(postgres_url) as other:
        other.execute(f'SELECT FROM "{table}" WHERE chat_id = %s FOR UPDATE', [chat_id])
        yield
        with contextlib.suppress(psycopg.OperationalError):
            other.rollback()


# ------------------------------------------------------------------------------ round trips


class Wire:
    """A wire to the server that counts the client's round trips, and keeps what it says.

    Each message that the server answers with "ready" is one: Query and Sync.
    """

    def __init__(self, dsn):
        self._server = urlsplit(dsn)
        self.said = []
        self._tasks = set()

    @property
    def round_trips(self):
        return sum(kind in b"QS" for kind, _ in self.said)

    async def __aenter__(self):
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        self.dsn = make_conninfo(
            self._server.geturl(), host="127.0.0.1", port=port, sslmode="disable"
        )
        return self

    async def __aexit__(self, *_):
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        upstream, server = await asyncio.open_connection(self._server.hostname, self._server.port)
        back = asyncio.create_task(self._copy(upstream, writer))
        self._tasks.add(back)
        try:
            size = await reader.readexactly(4)
            server.write(size + await reader.readexactly(struct.unpack("!I", size)[0] - 4))
            while head := await reader.read(1):
                size = await reader.readexactly(4)
                rest = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
                if head != b"X":
                    self.said.append((head, rest))
                server.write(head + size + rest)
        except asyncio.CancelledError:
            pass  # asyncio, which started this task, takes a cancelled one for an error
        finally:
            server.close()

    async def _copy(self, upstream, writer):
        try:
            while data := await upstream.read(65_536):
                writer.write(data)
        finally:
            writer.close()


@pytest.fixture
async def wire(store, postgres_url):
    async with Wire(postgres_url) as wire:
        yield wire


async def test_a_turn_is_two_round_trips_from_the_first_one_on(make, wire):
    store = make(wire.dsn)
    for count in range(1, 6):
        await turn(store, "a")
        assert wire.round_trips == 2 * count


async def test_preparing_a_statement_takes_one_round_trip_once(make, wire):
    store = make(wire.dsn, pool_size=1)
    for _ in range(20):
        await turn(store, "a")
    assert wire.round_trips == 2 * 20 + 2
    assert sum(kind == b"P" and not rest.startswith(b"\0") for kind, rest in wire.said) == 2


async def test_behind_a_pooler_nothing_is_prepared(make, wire):
    store = make(wire.dsn, prepare=False)
    for _ in range(20):
        await turn(store, "a")
    assert wire.round_trips == 2 * 20
    names = {rest.split(b"\0")[0] for kind, rest in wire.said if kind == b"P"}
    assert names == {b""}


async def test_busy_is_one_round_trip(make, wire):
    store = make(wire.dsn)
    await store.claim("a", now=NOW, lease_s=30)
    before = wire.round_trips
    with pytest.raises(Busy):
        await store.claim("a", now=NOW, lease_s=30)
    assert wire.round_trips == before + 1


@pytest.mark.parametrize(
    "operation",
    [
        lambda store: store.load("a", now=NOW),
        lambda store: store.due(now=NOW, limit=10),
        lambda store: store.delete("a"),
        lambda store: anext(store.scan(now=NOW)),
    ],
    ids=["load", "due", "delete", "scan"],
)
async def test_everything_else_is_one_round_trip(store, make, wire, operation):
    await turn(store, "a", wake_at=NOW)
    await operation(make(wire.dsn))
    assert wire.round_trips == 1


async def test_releasing_is_one_round_trip(store, make, wire):
    claim = await store.claim("a", now=NOW, lease_s=30)
    await make(wire.dsn).release(claim)
    assert wire.round_trips == 1


async def test_only_the_lease_does_not_wait_for_the_disk(make, wire):
    store = make(wire.dsn, pool_size=1)
    await turn(store, "a")
    setting = b"SELECT current_setting('synchronous_commit') WHERE %(x)s"
    # The claim's setting has ended with the claim.
    assert await store._connections.run("test", setting, {"x": True}) == [("on",)]


# ------------------------------------------------------------------------------- the table


async def test_setup_may_run_many_times_at_once(make, database):
    tables = [f"test_{uuid.uuid4().hex}" for _ in range(3)]
    for name in tables:
        stores = [make(table=name) for _ in range(6)]
        # All of them are connected, so that they begin at the same time.
        for one in stores:
            with pytest.raises(StoreUnavailable):
                await one.load("a", now=NOW)
        await asyncio.gather(*(one.setup() for one in stores))
        await turn(stores[0], "a")
        await stores[1].setup()
        assert await stores[2].load("a", now=NOW)
        indexes = database.execute("SELECT 1 FROM pg_indexes WHERE tablename = %s", [name])
        assert len(indexes.fetchall()) == 4
        database.execute(f'DROP TABLE "{name}"')


async def test_setup_from_two_processes_at_once(postgres_url, table, make):
    program = (
        "import asyncio, sys\n"
        "from dialogs.stores.postgres import PostgresStore\n"
        "async def main():\n"
        "    store = PostgresStore(sys.argv[1], table=sys.argv[2], timeout=60)\n"
        "    await store.setup()\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, postgres_url, table]
    processes = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    await turn(make(), "a")


async def test_setup_needs_no_right_to_create_where_the_table_is(store, table, database, make):
    role = f"role_{uuid.uuid4().hex}"
    database.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'pw'")
    database.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO "{role}"')
    try:
        restricted = make(make_conninfo(database.info.dsn, user=role, password="pw"))
        await restricted.setup()
        await turn(restricted, "a")
        await restricted.due(now=NOW, limit=10)
        assert await restricted.delete("a")
    finally:
        database.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


async def test_without_the_table_the_error_says_to_set_up(make):
    with pytest.raises(StoreUnavailable, match=r"UndefinedTable.*await store\.setup\(\)"):
        await make().claim("a", now=NOW, lease_s=30)


async def test_the_table_of_another_program_is_told_from_a_missing_one(make, table, database):
    database.execute(f'CREATE TABLE "{table}" (chat_id text)')
    store = make()
    await store.setup()
    with pytest.raises(StoreUnavailable, match=r"another program's.*table="):
        await store.load("a", now=NOW)


@pytest.mark.parametrize(
    "name",
    [
        'x"; DROP TABLE y; --',
        "x; SELECT 1",
        "x'y",
        "x\0y",
        "%s",
        "{x}",
        "x y",
        "x\n",
        "1x",
        "",
        ".x",
        "x.",
        "a.b.c",
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
        "x" * 51,
        "x" * 64 + ".y",
    ],
)
def test_a_table_name_with_more_than_a_name_in_it_is_refused(name):
    with pytest.raises(UsageError, match="cannot use the table name"):
        PostgresStore(table=name)


@pytest.mark.parametrize("name", ["Select", "_", "x" * 50])
async def test_a_table_may_have_any_plain_name(make, database, name):
    store = make(table=name)
    try:
        await store.setup()
        await turn(store, "a")
        assert await store.load("a", now=NOW)
        indexes = database.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [name])
        assert len(indexes.fetchall()) == 4
    finally:
        database.execute(f'DROP TABLE "{name}"')


async def test_a_table_may_lie_in_a_schema(make, database):
    schema = f"Schema_{uuid.uuid4().hex}"
    store = make(table=f"{schema}.conversations")
    with pytest.raises(StoreUnavailable, match="CREATE SCHEMA"):
        await store.setup()
    database.execute(f'CREATE SCHEMA "{schema}"')
    try:
        await store.setup()
        await store.setup()
        await turn(store, "a", wake_at=NOW)
        assert await store.due(now=NOW, limit=10) == ["a"]
        kept = database.execute(f'SELECT chat_id FROM "{schema}".conversations').fetchall()
        assert kept == [("a",)]
        indexes = database.execute("SELECT FROM pg_indexes WHERE schemaname = %s", [schema])
        assert len(indexes.fetchall()) == 4
    finally:
        database.execute(f'DROP SCHEMA "{schema}" CASCADE')


# ------------------------------------------------------------------------------ what is kept


async def test_due_removes_what_has_expired_and_nobody_holds(store, table, database):
    for chat_id in ("gone", "held", "there", "for ever"):
        expires_at = {"there": NOW + 60, "for ever": None}.get(chat_id, NOW + 10)
        await turn(store, chat_id, expires_at=expires_at)
    await store.claim("held", now=NOW + 9, lease_s=30)
    await store.due(now=NOW + 10, limit=1)
    kept = database.execute(f'SELECT chat_id FROM "{table}" ORDER BY 1').fetchall()
    assert kept == [("for ever",), ("held",), ("there",)]


async def test_due_removes_a_hundred_at_a_time(store, table, database):
    database.execute(
        f'INSERT INTO "{table}" (chat_id, body, status, expires_at)'
        " SELECT n::text, '', 'OPEN', %s FROM generate_series(1, 250) AS n",
        [NOW],
    )
    counts = []
    for _ in range(4):
        await store.due(now=NOW, limit=10)
        counts.append(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])
    assert counts == [150, 50, 0, 0]


async def test_an_abandoned_claim_stays_for_a_late_commit_and_goes_after_a_day(
    store, table, database
):
    late = await store.claim("late", now=NOW, lease_s=30)
    await store.claim("abandoned", now=NOW, lease_s=30)
    await store.due(now=NOW + DAY_S, limit=10)
    await store.commit(late, b"late", now=NOW + DAY_S, status="OPEN")
    await store.due(now=NOW + DAY_S + 30, limit=10)
    assert database.execute(f'SELECT chat_id FROM "{table}"').fetchall() == [("late",)]


async def test_scanning_goes_on_where_a_batch_ended(store, table, database):
    # "098" is the hundredth, and the others follow it closely.
    close = {"098\x01", "098\x01\x01", "098\x01a", "098\t", "098 "}
    chat_ids = {"", *(f"{n:03}" for n in range(250)), *close, "\U0010ffff"}
    with database.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO \"{table}\" (chat_id, body, status) VALUES (%s, '', 'OPEN')",
            [(chat_id,) for chat_id in chat_ids],
        )
    for status in (None, "OPEN"):
        found = [stored.chat_id async for stored in store.scan(status, now=NOW)]
        assert len(found) == len(chat_ids)
        assert set(found) == chat_ids


async def test_scanning_holds_no_connection_between_batches(make):
    store = make(pool_size=1)
    await store.setup()
    await turn(store, "a")
    async for stored in store.scan(now=NOW):
        assert await store.load(stored.chat_id, now=NOW) == stored


@pytest.mark.parametrize("chat_id", ["nul \0", "half a pair \ud800"])
async def test_a_text_that_cannot_be_kept_is_refused_and_harms_nothing(make, database, chat_id):
    store = make(pool_size=1)
    await store.setup()
    for _ in range(3):
        with pytest.raises(UsageError, match="cannot keep what claim was given"):
            await store.claim(chat_id, now=NOW, lease_s=30)
        with pytest.raises(UsageError, match="cannot keep what load was given"):
            await store.load(chat_id, now=NOW)
        await turn(store, "a")
    query = "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    assert database.execute(query).fetchall() == []


async def test_a_chat_id_that_is_too_long_is_refused(store):
    with pytest.raises(UsageError, match="2,700 bytes"):
        await store.claim("".join(map(chr, range(0x4E00, 0x5A00))), now=NOW, lease_s=30)
    await turn(store, "".join(map(chr, range(0x4E00, 0x4E00 + 890))))


# --------------------------------------------------------------------------- trouble


async def test_after_a_restart_between_two_turns_nothing_fails_and_nothing_is_lost(
    store, postgres_server
):
    # More than one connection, so that each of them is found to be closed.
    await asyncio.gather(*(turn(store, str(n)) for n in range(20)))
    postgres_server.kill()
    postgres_server.restart()
    for n in range(20):
        stored = await store.load(str(n), now=NOW)
        assert stored is not None
        assert (stored.body, stored.revision) == (b"body", 1)
        await turn(store, str(n))


async def test_a_server_that_only_reads_is_left_for_the_one_that_has_its_address_now(
    make, store, database
):
    name = database.info.dbname
    only_reads = f'ALTER DATABASE "{name}" SET default_transaction_read_only = '
    other = make(pool_size=1)
    database.execute(only_reads + "on")  # for the connections that begin now
    try:
        with pytest.raises(StoreUnavailable, match="read-only"):
            await turn(other, "a")
    finally:
        database.execute(only_reads + "off")
    for _ in range(2):  # the pool may have connected once more meanwhile
        with contextlib.suppress(StoreUnavailable):
            await turn(other, "a")
    assert (await other.load("a", now=NOW)).revision > 0


async def test_a_server_killed_during_a_statement_is_an_error_and_the_store_recovers(
    make, postgres_url, postgres_server, database, table
):
    store = make(timeout=30)
    await store.setup()
    await turn(store, "a")
    with locked(postgres_url, table, "a"):
        claim = asyncio.create_task(store.claim("a", now=NOW, lease_s=30))
        await until(lambda: waiting(database) == 1)
        postgres_server.kill()
        with pytest.raises(StoreUnavailable) as caught:
            await claim
    assert caught.value.operation == "claim"
    postgres_server.restart()
    taken = await store.claim("a", now=NOW, lease_s=30)
    assert (taken.body, taken.revision) == (b"body", 1)


async def test_while_the_server_is_down_the_error_tells_why_connecting_fails(make, postgres_server):
    store = make(timeout=1)
    await make(timeout=60).setup()
    postgres_server.kill()
    try:
        await unavailable(store, r"[Cc]onnection refused")
    finally:
        postgres_server.restart()
    patient = make(timeout=60)
    assert await patient.load("a", now=NOW) is None


async def test_a_server_that_does_not_answer_is_an_error_in_time(
    make, postgres_server, monkeypatch
):
    async def unanswered(connection, **options):
        await asyncio.Event().wait()

    # psycopg gives this up after 5 seconds, which a busy machine may take anyway.
    monkeypatch.setattr(psycopg.AsyncConnection, "cancel_safe", unanswered)
    store = make(timeout=1)
    await make(timeout=60).setup()
    # It is connected, so that it is the statement that is not answered.
    await connected(store)
    postgres_server.pause()
    try:
        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable, match="no answer within 1 second"):
                await store.claim("a", now=NOW, lease_s=30)
    finally:
        postgres_server.resume()
    await store.close()
    # It may have happened, after all: then the lease has to run out.
    await turn(make(timeout=60), "a", now=NOW + 30)


async def test_a_statement_that_waits_too_long_is_taken_back(
    make, postgres_url, table, database, monkeypatch
):
    patient = make(timeout=60)
    await patient.setup()
    await turn(patient, "a")
    store = make(timeout=1, pool_size=1)
    await connected(store)
    # What a busy server takes to give it up.
    monkeypatch.setattr(connections, "_GRACE_S", 60)
    with locked(postgres_url, table, "a"):
        with pytest.raises(StoreUnavailable, match="no answer within 1 second"):
            await store.claim("a", now=NOW, lease_s=30)
        await until(lambda: waiting(database) == 0)
    # The claim did not happen once the lock was gone.
    assert (await patient.claim("a", now=NOW, lease_s=30)).body == b"body"


async def test_a_statement_that_the_server_ends_by_its_own_timeout_is_an_error(
    store, make, postgres_url, table
):
    await turn(store, "a")
    impatient = make(make_conninfo(postgres_url, options="-c statement_timeout=2000"), timeout=60)
    with locked(postgres_url, table, "a"), pytest.raises(StoreUnavailable, match="QueryCanceled"):
        await impatient.claim("a", now=NOW, lease_s=30)
    await turn(impatient, "a")


async def test_a_cancelled_caller_leaves_the_connection_as_it_was(
    make, postgres_url, table, database
):
    store = make(timeout=60, pool_size=1)
    await store.setup()
    await turn(store, "a")
    backend = b"SELECT pg_backend_pid() WHERE %(x)s"
    before = await store._connections.run("test", backend, {"x": True})
    with locked(postgres_url, table, "a"):
        claim = asyncio.create_task(store.claim("a", now=NOW, lease_s=30))
        await until(lambda: waiting(database) == 1)
        claim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claim
    assert await store._connections.run("test", backend, {"x": True}) == before
    # Cancelled before it happened: the lease is free.
    await turn(store, "a")


async def test_a_caller_cancelled_in_the_queue_for_a_connection_takes_none_along(
    make, postgres_url, table, database
):
    store = make(timeout=60, pool_size=1)
    await store.setup()
    await turn(store, "a")
    with locked(postgres_url, table, "a"):
        claim = asyncio.create_task(store.claim("a", now=NOW, lease_s=30))
        await until(lambda: waiting(database) == 1)
        queued = [asyncio.create_task(store.load("a", now=NOW)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in queued:
            task.cancel()
        await asyncio.gather(*queued, return_exceptions=True)
    assert (await claim).body == b"body"
    assert await store.load("a", now=NOW) is not None


async def test_no_connection_in_time_is_an_error(make, postgres_url, table, database):
    store = make(timeout=1, pool_size=1)
    patient = make(timeout=60)
    await patient.setup()
    await turn(patient, "a")
    with locked(postgres_url, table, "a"):
        claims = [store.claim("a", now=NOW, lease_s=30) for _ in range(3)]
        errors = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(error) for error in errors] == [StoreUnavailable] * 3


# ------------------------------------------------------------------------ dsn, pool, loop


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
