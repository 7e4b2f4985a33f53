"""Stores under keys of the test's own, and servers of a test's own."""

import uuid

import pytest
from redis.asyncio import Redis

from dialogs.stores.redis import RedisStore
from tests.servers.redis import RedisServer
from tests.stores.redis.turns import PATIENT, PATIENT_S, claim


@pytest.fixture
def prefix():
    """What the keys of one test begin with."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
async def store(redis_url, prefix):
    store = RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)
    yield store
    await store.close()


@pytest.fixture
async def client(redis_url):
    """A plain client of the server, to look at what the store left there."""
    async with Redis.from_url(redis_url, **PATIENT) as client:
        yield client


@pytest.fixture
def own_server(tmp_path):
    """A server for this test alone, to be killed and paused."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
async def own_store(own_server):
    store = RedisStore(own_server.url, timeout=PATIENT_S)
    await store.setup()
    # What a server has not seen yet it is sent again, after the others of its pipeline.
    await store.release(await claim(store, "first"))
    yield store
    await store.close()
