"""Conversations on a cluster: where they lie, and what a killed node takes along."""

import asyncio
import time
from collections import defaultdict

from redis.asyncio import Redis, RedisCluster as ClusterClient
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot

from dialogs.errors import Busy, StoreUnavailable
from dialogs.stores.base import Stored
from dialogs.stores.redis import RedisStore
from dialogs.stores.redis.keys import PARTITIONS
from tests.stores.redis.turns import NOW, PATIENT, PATIENT_S, claim, keys_of, put


async def test_keys_of_one_conversation_share_a_slot_and_conversations_are_spread_over_many(
    store, client, prefix
):
    names = [f"chat-{number}" for number in range(500)]
    await asyncio.gather(
        *(put(store, name, wake_at=NOW + 1, expires_at=NOW + 9_000) for name in names)
    )
    await asyncio.gather(*(claim(store, name) for name in names))
    slots = defaultdict(set)
    kinds = defaultdict(set)
    for key in await keys_of(client, prefix):
        _, partition, kind, *_ = key.split(b":")
        slots[partition].add(key_slot(key))
        kinds[partition].add(kind)
    assert all(len(each) == 1 for each in slots.values())
    assert len(set.union(*slots.values())) == len(slots) == PARTITIONS
    for each in kinds.values():
        assert each == {b"c", b"due", b"held", b"expiry", b"status", b"by-status"}


async def test_conversations_lie_on_all_nodes_of_a_cluster(redis_cluster, prefix):
    store = RedisStore(redis_cluster.url, prefix=prefix, cluster=True, timeout=PATIENT_S)
    await asyncio.gather(*(put(store, f"chat-{number}") for number in range(200)))
    await store.close()
    for node in redis_cluster.nodes:
        async with Redis.from_url(node.url, **PATIENT) as client:
            assert len(await keys_of(client, prefix)) > 40


async def test_a_killed_node_makes_its_conversations_unavailable_until_it_is_back(
    redis_cluster, prefix
):
    store = RedisStore(redis_cluster.url, prefix=prefix, cluster=True, timeout=PATIENT_S)
    names = [f"chat-{number}" for number in range(100)]
    await asyncio.gather(*(put(store, name) for name in names))
    node = redis_cluster.nodes[2]
    node.kill()
    loads = await asyncio.gather(
        *(store.load(name, now=NOW) for name in names), return_exceptions=True
    )
    lost = [load for load in loads if isinstance(load, StoreUnavailable)]
    assert 10 < len(lost) < 90
    assert len([load for load in loads if isinstance(load, Stored)]) == 100 - len(lost)

    node.restart()
    deadline = time.monotonic() + 60
    while True:
        try:
            after = await asyncio.gather(*(put(store, name, b"after") for name in names))
            break
        except (StoreUnavailable, Busy):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
            for name in names:
                # What was claimed by those who went on when another one failed.
                await asyncio.gather(store.delete(name), return_exceptions=True)
    assert len(after) == 100
    await store.close()


async def test_a_cluster_client_of_ones_own_will_do(redis_cluster, prefix):
    client = ClusterClient.from_url(redis_cluster.url, retry=Retry(NoBackoff(), 0), **PATIENT)
    store = RedisStore(prefix=prefix, client=client, timeout=PATIENT_S)
    await put(store, "a", b"mine")
    await store.close()
    assert await client.ping()
    await client.aclose()
    same = RedisStore(redis_cluster.url, prefix=prefix, cluster=True, timeout=PATIENT_S)
    assert (await same.load("a", now=NOW)).body == b"mine"
    await same.close()
