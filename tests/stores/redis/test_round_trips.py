"""How often a RedisStore asks its server, and what it asks for at once."""

import asyncio

import pytest
from redis.asyncio import Connection, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from dialogs.stores.redis import RedisStore
from tests.stores.redis.turns import NOW, PATIENT, PATIENT_S, claim, put


class CountingConnection(Connection):
    """Counts what it sends."""

    sent = 0

    async def send_packed_command(self, *args, **kwargs):
        CountingConnection.sent += 1
        await super().send_packed_command(*args, **kwargs)


class Counted:
    """Counts the pipelines of one block."""

    def __enter__(self):
        self._before = CountingConnection.sent
        return self

    def __exit__(self, *exc):
        self.pipelines = CountingConnection.sent - self._before


@pytest.fixture
async def counted_store(redis_url, prefix):
    """A store whose pipelines are counted; its scripts are known to the server."""
    pool = ConnectionPool.from_url(
        redis_url, connection_class=CountingConnection, retry=Retry(NoBackoff(), 0), **PATIENT
    )
    store = RedisStore(prefix=prefix, client=Redis(connection_pool=pool), timeout=PATIENT_S)
    await store.release(await claim(store, "first"))
    await put(store, "first")
    await store.due(now=NOW, limit=1)
    assert [stored.chat_id async for stored in store.scan(now=NOW)] == ["first"]
    assert [stored.chat_id async for stored in store.scan("OPEN", now=NOW)] == ["first"]
    await store.delete("first")
    yield store
    await pool.aclose()


async def test_a_claim_is_one_round_trip_and_a_commit_is_one(counted_store):
    for _ in range(2):
        with Counted() as claiming:
            held = await claim(counted_store, "a")
        with Counted() as committing:
            await counted_store.commit(
                held, b"x", now=NOW, status="S", wake_at=NOW, expires_at=NOW + 9
            )
        assert (claiming.pipelines, committing.pipelines) == (1, 1)


async def test_every_other_method_is_one_round_trip_too(counted_store):
    held = await claim(counted_store, "a")
    for asked in (
        counted_store.release(held),
        counted_store.load("a", now=NOW),
        counted_store.due(now=NOW, limit=10),
        counted_store.delete("a"),
    ):
        with Counted() as counted:
            await asked
        assert counted.pipelines == 1


async def test_a_small_store_is_scanned_in_two_round_trips(counted_store):
    await asyncio.gather(*(put(counted_store, f"chat-{number}") for number in range(150)))
    for status in (None, "OPEN"):
        with Counted() as counted:
            assert len([stored async for stored in counted_store.scan(status, now=NOW)]) == 150
        assert counted.pipelines == 2


async def test_a_hundred_claims_at_once_take_one_pipeline(counted_store):
    with Counted() as counted:
        claims = await asyncio.gather(*(claim(counted_store, f"{n}") for n in range(100)))
    assert counted.pipelines == 1
    with Counted() as counted:
        await asyncio.gather(
            *(counted_store.commit(held, b"x", now=NOW, status="S") for held in claims)
        )
    assert counted.pipelines == 1


async def test_what_is_asked_while_a_pipeline_is_under_way_goes_into_the_next_one(counted_store):
    with Counted() as counted:
        first = asyncio.create_task(claim(counted_store, "first"))
        # Long enough for the first to be on its way alone.
        for _ in range(3):
            await asyncio.sleep(0)
        others = [asyncio.create_task(claim(counted_store, f"{n}")) for n in range(50)]
        await asyncio.gather(first, *others)
    assert counted.pipelines <= 2


async def test_a_server_that_forgot_the_scripts_is_told_them_again(store, client):
    held = await claim(store, "a")
    await client.script_flush()
    await store.commit(held, b"one", now=NOW, status="S")
    await client.script_flush()
    claims = await asyncio.gather(*(claim(store, f"{number}") for number in range(100)))
    assert len({each.token for each in claims}) == 100
    await client.script_flush()
    assert [stored.chat_id async for stored in store.scan("S", now=NOW)] == ["a"]
    assert (await store.load("a", now=NOW)).revision == 1
