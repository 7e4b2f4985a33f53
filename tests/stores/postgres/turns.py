"""Turns of a PostgresStore, and what another program does to its server meanwhile."""

import asyncio
import contextlib
import re

import psycopg
import pytest

from dialogs.errors import StoreUnavailable

NOW = 1_000.0  # far from the real time: nothing may depend on the server's clock


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


@contextlib.contextmanager
def locked(postgres_url, table, chat_id):
    """Another program's transaction, which has locked a conversation's row."""
    with psycopg.connect(postgres_url) as other:
        other.execute(f'SELECT FROM "{table}" WHERE chat_id = %s FOR UPDATE', [chat_id])
        yield
        with contextlib.suppress(psycopg.OperationalError):
            other.rollback()
