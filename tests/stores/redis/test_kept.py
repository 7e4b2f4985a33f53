"""What a RedisStore leaves on its server, and what it does not."""

import asyncio
import itertools
import time

import pytest

from dialogs.errors import Conflict
from dialogs.stores.redis import RedisStore
from dialogs.stores.redis.keys import place_of
from tests.stores.redis.turns import LEASE_S, NOW, PATIENT_S, claim, keys_of, put


async def test_what_expired_leaves_nothing(store, client, prefix):
    # What a server forgets by itself, by its own clock ...
    await put(store, "soon", wake_at=NOW + 1, expires_at=NOW + 0.02)
    deadline = time.monotonic() + 60
    while any(b":c:" in key for key in await keys_of(client, prefix)):
        assert time.monotonic() < deadline
    # ... and what has expired by the clock of those who ask.
    await put(store, "late", wake_at=NOW, expires_at=NOW + 1_000)
    assert len(await keys_of(client, prefix)) > 0
    assert await store.due(now=NOW + 1_000, limit=10) == []
    assert await keys_of(client, prefix) == []


async def test_what_expired_is_forgotten_by_scans_too(store, client, prefix):
    await put(store, "a", status="OPEN", wake_at=NOW, expires_at=NOW + 1_000)
    assert [stored async for stored in store.scan("OPEN", now=NOW + 1_000)] == []
    assert await keys_of(client, prefix) == []


async def test_what_expired_and_was_claimed_anew_leaves_nothing_of_the_old(store, client, prefix):
    await put(store, "a", status="OLD", wake_at=NOW, expires_at=NOW + 1_000)
    await store.release(await claim(store, "a", NOW + 1_000))
    await put(store, "a", now=NOW + 1_000, status="NEW")
    assert len(await keys_of(client, prefix)) == 3
    assert await store.delete("a")
    assert await keys_of(client, prefix) == []


async def test_a_deleted_conversation_leaves_nothing(store, client, prefix):
    await put(store, "a", wake_at=NOW, expires_at=NOW + 9_000)
    await claim(store, "a")
    assert await store.delete("a")
    assert await keys_of(client, prefix) == []


async def test_a_released_claim_of_nothing_leaves_nothing_and_an_abandoned_one_expires(
    store, client, prefix
):
    await store.release(await claim(store, "a"))
    assert await keys_of(client, prefix) == []
    await claim(store, "b")
    [key] = await keys_of(client, prefix)
    assert LEASE_S * 1_000 < await client.pttl(key) <= (LEASE_S + 3_600) * 1_000


async def test_what_is_committed_for_good_does_not_expire(store, client, prefix):
    await put(store, "a")
    await put(store, "b", expires_at=NOW + 500)
    await put(store, "b")
    for key in await keys_of(client, prefix):
        assert await client.pttl(key) == -1


async def test_a_lease_keeps_the_server_from_forgetting_what_it_is_on(store, client, prefix):
    await put(store, "a", expires_at=NOW + 5)
    await claim(store, "a")
    [key] = [key for key in await keys_of(client, prefix) if b":c:" in key]
    assert await client.pttl(key) > LEASE_S * 1_000


async def test_a_conversation_that_redis_threw_away_is_due_once_more_and_then_forgotten(
    store, client, prefix
):
    await put(store, "a", wake_at=NOW)
    [key] = [key for key in await keys_of(client, prefix) if b":c:" in key]
    await client.delete(key)
    assert await store.due(now=NOW, limit=10) == ["a"]
    held = await claim(store, "a")
    assert held.body is None
    await store.release(held)
    assert await store.due(now=NOW, limit=10) == []
    assert [stored async for stored in store.scan(now=NOW)] == []
    assert await keys_of(client, prefix) == []


async def test_stores_with_different_prefixes_do_not_meet(redis_url, prefix):
    one, other = (
        RedisStore(redis_url, prefix=f"{prefix}-{which}", timeout=PATIENT_S) for which in "ab"
    )
    await put(one, "a", b"one", wake_at=NOW)
    held = await claim(one, "b")
    await put(other, "b", b"other")
    assert await other.load("a", now=NOW) is None
    assert await other.due(now=NOW, limit=10) == []
    assert [stored.body async for stored in other.scan(now=NOW)] == [b"other"]
    with pytest.raises(Conflict):
        await other.commit(held, b"x", now=NOW, status="S")
    for store in (one, other):
        await store.close()


async def test_a_full_partition_is_walked_page_by_page_and_each_is_found_once(store):
    numbers = itertools.count()
    there = (name for name in map("chat-{}".format, numbers) if place_of(name.encode()) == 0)
    names = list(itertools.islice(there, 700))
    await asyncio.gather(
        *(
            put(store, name, status="ODD" if at % 2 else "EVEN", wake_at=NOW - at)
            for at, name in enumerate(names)
        )
    )
    assert sorted([stored.chat_id async for stored in store.scan(now=NOW)]) == sorted(names)
    odd = [stored.chat_id async for stored in store.scan("ODD", now=NOW)]
    assert sorted(odd) == sorted(names[1::2])
    held = await asyncio.gather(*(claim(store, name) for name in names[-300:]))
    assert len(held) == 300
    assert await store.due(now=NOW, limit=200) == names[-301:-501:-1]
