"""Stores in a table of the test's own, and a connection that looks behind them."""

import contextlib
import uuid

import psycopg
import pytest

from dialogs.stores.postgres import PostgresStore


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
