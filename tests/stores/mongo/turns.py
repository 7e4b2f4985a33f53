"""Turns of a MongoStore, and a connection that takes its time."""

import asyncio
import contextlib

import pytest
from pymongo import AsyncMongoClient

from dialogs.errors import StoreUnavailable

# pymongo leaves a socket to the garbage collector where a call is cancelled while it connects, or
# a client closed.
leaves_sockets = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

NOW = 1_000.0  # far from the real time: what is stored must not depend on it
HOUR_S = 3_600.0
NOWHERE = "127.0.0.1:9"  # no system has the service any more that this port is kept for


async def drop(url, collection):
    async with AsyncMongoClient(url) as client:
        await client["dialogs"][collection].drop()


async def put(store, chat_id, body=b"body", now=NOW, **times):
    claim = await store.claim(chat_id, now=now, lease_s=30)
    return await store.commit(claim, body, now=now, status="OPEN", **times)


async def connected(store):
    """Wait until a store has connected, which may take longer than its timeout."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await store.load("a", now=NOW)
