"""The table: its setup, its rights and its name."""

import asyncio
import sys
import uuid

import pytest
from psycopg.conninfo import make_conninfo

from dialogs.errors import StoreUnavailable, UsageError
from dialogs.stores.postgres import PostgresStore
from tests.stores.postgres.turns import NOW, turn


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
