"""Turns of a MongoStore, and what its tests clear away."""

import pytest
from pymongo import AsyncMongoClient

# pymongo leaves a socket to the garbage collector where a call is cancelled while it connects, or
# a client closed.
leaves_sockets = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

NOW = 1_000.0  # far from the real time: what is stored must not depend on it


async def drop(url, collection):
    async with AsyncMongoClient(url) as client:
        await client["dialogs"][collection].drop()


async def put(store, chat_id, body=b"body", now=NOW, **times):
    claim = await store.claim(chat_id, now=now, lease_s=30)
    return await store.commit(claim, body, now=now, status="OPEN", **times)
