"""Redis servers that take each other's places: the store goes on with the one that has its data."""

import pytest
import redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from dialogs.stores import RedisStore
from tests.faults.failovers import (
    CALM_S,
    NOW,
    Turns,
    asking,
    give_up_soon,
    make_replica,
    move_on_soon,
    move_slots,
    put_until_it_works,
    replica_in,
    sentinel_of,
)
from tests.servers.redis import RedisCluster, RedisServer

pytestmark = pytest.mark.timeout(300)

NAMES = [f"chat-{number}" for number in range(60)]


async def test_slots_that_move_to_another_node_under_load_lose_nothing(tmp_path):
    with RedisCluster(tmp_path, nodes=2, patience_s=CALM_S) as cluster:
        store = RedisStore(cluster.url, cluster=True, timeout=60)
        turns = Turns(store, NAMES)
        async with turns.under_way() as more:
            moved = await move_slots(cluster, more, 2)
        assert turns.lost == []
        assert moved > 2
        assert len([stored async for stored in store.scan(now=NOW)]) == len(NAMES)
        await store.close()


@pytest.mark.parametrize("how", ["killed", "stalled"])
async def test_the_replica_of_a_lost_cluster_node_takes_its_place(tmp_path, how):
    with RedisCluster(tmp_path / "nodes", nodes=3, patience_s=CALM_S) as cluster:
        async with replica_in(cluster, tmp_path / "replica", of=2) as replica:
            store = RedisStore(cluster.url, cluster=True, timeout=1)
            before = [await put_until_it_works(store, name) for name in NAMES]
            node = cluster.nodes[2]
            assert asking(node).wait(1, 60_000) == 1
            move_on_soon([*cluster.nodes, replica])
            node.kill() if how == "killed" else node.pause()
            # The cluster needs a while to agree that the node is gone: the map of those who ask
            # meanwhile is as old as that.
            after = [await put_until_it_works(store, name) for name in NAMES]
            assert all(new > old for old, new in zip(before, after, strict=True))
            await store.close()


async def test_a_client_of_a_sentinel_follows_the_primary(tmp_path):
    with RedisServer(tmp_path / "one") as one, RedisServer(tmp_path / "two") as two:
        await make_replica(two, one)
        with sentinel_of(one, tmp_path) as port:
            sentinel = Sentinel([("127.0.0.1", port)], socket_timeout=60)
            client = sentinel.master_for("bot", retry=Retry(NoBackoff(), 0))
            store = RedisStore(client=client, timeout=60)
            await put_until_it_works(store, "kept")
            assert asking(one).wait(1, 60_000) == 1
            await give_up_soon(redis.Redis(port=port, decode_responses=True, socket_timeout=None))
            one.kill()
            await put_until_it_works(store, "new")
            assert await store.load("kept", now=NOW) is not None
            assert asking(two).info("replication")["role"] == "master"
            for each in (client, *sentinel.sentinels):
                await each.aclose()
