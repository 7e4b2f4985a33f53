"""RedisStore does what every store must, on one server and on a cluster; and what is its own."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from pathlib import Path

import pytest
from redis.asyncio import Connection, ConnectionPool, Redis, RedisCluster as ClusterClient
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot

from dialogs.errors import Busy, Conflict, StoreUnavailable, UsageError
from dialogs.stores.base import Stored
from dialogs.stores.redis import RedisStore
from dialogs.stores.redis.keys import PARTITIONS, place_of
from dialogs.testing import StoreSuite
from tests.servers.redis import RedisServer

NOW = 1_800_000_000.25
LEASE_S = 30
PATIENT_S = 60  # a busy machine may take long
PATIENT = {"socket_timeout": PATIENT_S, "socket_connect_timeout": PATIENT_S}


@pytest.fixture
def prefix():
    """What the keys of one test begin with."""
    return f"test-{uuid.uuid4().hex}"


class TestRedisStore(StoreSuite):
    @pytest.fixture
    async def store(self, redis_url, prefix):
        store = RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)
        await store.setup()
        yield store
        await store.close()

    @pytest.fixture
    def reopen(self, store, redis_url, prefix):
        return lambda: RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)


class TestRedisStoreOnACluster(StoreSuite):
    @pytest.fixture
    async def store(self, redis_cluster, prefix):
        store = RedisStore(redis_cluster.url, prefix=prefix, cluster=True, timeout=PATIENT_S)
        await store.setup()
        yield store
        await store.close()

    @pytest.fixture
    def reopen(self, store, redis_cluster, prefix):
        return lambda: RedisStore(redis_cluster.url, prefix=prefix, cluster=True, timeout=PATIENT_S)


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


async def claim(store, chat_id, now=NOW):
    return await store.claim(chat_id, now=now, lease_s=LEASE_S)


async def put(store, chat_id, body=b"body", *, now=NOW, status="OPEN", **times):
    """Claim and commit."""
    return await store.commit(
        await claim(store, chat_id, now), body, now=now, status=status, **times
    )


async def keys_of(client, prefix):
    return sorted([key async for key in client.scan_iter(match=f"{prefix}:*", count=1_000)])


# ------------------------------------------------------------------------------- the cluster


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


# --------------------------------------------------------------------------- the round trips


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


# -------------------------------------------------------------------- callers that are cancelled


@pytest.mark.parametrize("waits", range(4))
async def test_a_cancelled_caller_does_no_harm_to_the_others(store, waits):
    tasks = [asyncio.create_task(claim(store, f"chat-{number}")) for number in range(50)]
    for _ in range(waits):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result.chat_id for result in results[1::2]] == [f"chat-{n}" for n in range(1, 50, 2)]
    for number in range(1, 50, 2):
        with pytest.raises(Busy):
            await claim(store, f"chat-{number}")


async def test_a_claim_that_was_cancelled_under_way_gives_its_lease_back(own_server, own_store):
    await put(own_store, "a")
    own_server.pause()
    try:
        task = asyncio.create_task(claim(own_store, "a"))
        # The server is paused, so the claim is under way after that, however long it takes.
        for _ in range(50):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        own_server.resume()
    assert (await claim(own_store, "a")).revision == 1


async def test_a_body_of_a_wrong_type_fails_alone(store):
    held = await asyncio.gather(*(claim(store, f"chat-{number}") for number in range(3)))
    bodies = [b"one", "two", b"three"]
    results = await asyncio.gather(
        *(
            store.commit(each, body, now=NOW, status="S")
            for each, body in zip(held, bodies, strict=True)
        ),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in results] == ["Claim", "TypeError", "Claim"]


# ------------------------------------------------------------------------------- server faults


async def test_a_server_that_is_gone_is_said_so_and_the_next_operation_connects_again(
    own_server, own_store
):
    await put(own_store, "a", b"kept")
    own_server.kill()
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            await claim(own_store, "a")
        assert caught.value.operation == "claim"
        assert "Connect" in caught.value.reason
        assert str(own_server.port) in caught.value.store
        assert ".." not in str(caught.value)
    own_server.restart()
    assert (await claim(own_store, "a")).body == b"kept"


async def test_a_restart_between_two_operations_is_not_noticed(own_server, own_store):
    held = await claim(own_store, "a")
    await asyncio.to_thread(own_server.restart)
    await own_store.commit(held, b"over", now=NOW, status="S")
    await asyncio.to_thread(own_server.restart)
    assert (await own_store.load("a", now=NOW)).body == b"over"


async def test_a_server_killed_under_load_loses_nothing_that_was_acknowledged(
    own_server, own_store
):
    acknowledged = {}
    failures = []
    enough = asyncio.Event()

    async def converse(chat_id):
        while len(failures) < 30:
            try:
                held = await put(own_store, chat_id, now=NOW + 100 * len(failures))
                acknowledged[chat_id] = held.revision
                if held.revision == 10:
                    enough.set()
            except (StoreUnavailable, Busy) as error:
                failures.append(error)
                await asyncio.sleep(0)

    tasks = [asyncio.create_task(converse(f"chat-{number}")) for number in range(30)]
    await enough.wait()
    own_server.kill()
    await asyncio.gather(*tasks)
    assert isinstance(failures[0], StoreUnavailable)
    own_server.restart()
    assert len(acknowledged) == 30
    for chat_id, revision in acknowledged.items():
        stored = await own_store.load(chat_id, now=NOW)
        # The last one of each may have been made without being acknowledged.
        assert stored.revision in (revision, revision + 1)


async def test_all_who_wait_are_told_when_the_server_dies(own_server, own_store):
    own_server.pause()
    tasks = [asyncio.create_task(claim(own_store, f"{number}")) for number in range(20)]
    for _ in range(50):
        await asyncio.sleep(0.001)
    late = [asyncio.create_task(claim(own_store, f"late-{number}")) for number in range(20)]
    own_server.kill()
    results = await asyncio.gather(*tasks, *late, return_exceptions=True)
    assert {type(result) for result in results} == {StoreUnavailable}
    assert len(set(map(id, results))) == 40


async def test_a_server_that_does_not_answer_in_time_is_unavailable(own_server):
    # The connection is one that the other store has opened, in its own time.
    client = Redis.from_url(own_server.url, retry=Retry(NoBackoff(), 0), **PATIENT)
    patient = RedisStore(client=client, timeout=PATIENT_S)
    store = RedisStore(client=client, timeout=0.2)
    held = await claim(patient, "a")
    own_server.pause()
    try:
        with pytest.raises(StoreUnavailable) as caught:
            await store.commit(held, b"x", now=NOW, status="S")
        assert caught.value.operation == "commit"
        assert caught.value.reason == "the server did not answer within 0.2 seconds"
        # A new connection gets no answer either.
        results = await asyncio.gather(
            *(store.load(f"{number}", now=NOW) for number in range(5)), return_exceptions=True
        )
        assert {type(result) for result in results} == {StoreUnavailable}
    finally:
        own_server.resume()

    # Redis may have read the commit before the connection was closed, or not.
    stored = await patient.load("a", now=NOW)
    assert stored is None or stored.body == b"x"
    assert (await claim(patient, "a", NOW + LEASE_S)).revision == (1 if stored else 0)
    await client.aclose()


async def test_a_server_that_refuses_has_written_nothing(own_server, own_store):
    await put(own_store, "a", b"before")
    held = await claim(own_store, "a")
    async with Redis.from_url(own_server.url, **PATIENT) as client:
        await client.config_set("maxmemory", 1)
        with pytest.raises(StoreUnavailable, match="OOM command not allowed"):
            await own_store.commit(held, b"after", now=NOW, status="NEW", wake_at=NOW)
        await client.config_set("maxmemory", 0)
    assert await own_store.load("a", now=NOW) == Stored("a", b"before", 1, "OPEN", None, None)
    assert await own_store.due(now=NOW + LEASE_S, limit=10) == []
    await own_store.commit(held, b"after", now=NOW, status="NEW")


async def test_a_primary_that_was_demoted_is_left_for_the_one_that_has_its_address_now():
    # Not in the test's own folder: the path of a socket is short.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old, new = folder / "old.sock", folder / "new.sock"
        with (
            RedisServer(folder / "old", options={"unixsocket": str(old)}) as primary,
            RedisServer(folder / "new", options={"unixsocket": str(new)}) as replica,
        ):
            address = folder / "primary.sock"  # leads to the primary, as a name in DNS does
            address.symlink_to(old)
            store = RedisStore(f"unix://{address}", timeout=PATIENT_S)
            await put(store, "a")
            address.unlink()
            address.symlink_to(new)
            async with Redis.from_url(primary.url, **PATIENT) as client:
                await client.replicaof("127.0.0.1", str(replica.port))
            with pytest.raises(StoreUnavailable, match="READONLY"):
                await put(store, "b")
            assert (await put(store, "b")).revision == 1
            await store.close()


async def test_passwords_are_never_shown(tmp_path):
    with RedisServer(tmp_path, options={"requirepass": "correct-horse"}) as server:
        good = RedisStore(server.url, timeout=PATIENT_S)
        await put(good, "a")
        assert "correct-horse" not in repr(good)
        server.kill()
        with pytest.raises(StoreUnavailable) as caught:
            await claim(good, "a")
        assert "correct-horse" not in str(caught.value)
        server.restart()
        url = f"redis://someone:battery-staple@127.0.0.1:{server.port}/0?db=0"
        wrong = RedisStore(url, timeout=PATIENT_S)
        with pytest.raises(StoreUnavailable) as caught:
            await wrong.setup()
        assert "someone@127.0.0.1" in repr(wrong)
        assert "battery-staple" not in str(caught.value) + repr(wrong)
        url = f"redis://127.0.0.1:{server.port}/0?password=correct-horse"
        in_the_options = RedisStore(url, timeout=PATIENT_S)
        await in_the_options.setup()
        assert "correct-horse" not in repr(in_the_options)
        for store in (good, wrong, in_the_options):
            await store.close()


@pytest.mark.parametrize("url", ["redis://user:se/cret@host:6379", "http://:secret@host", "secret"])
def test_a_url_that_cannot_be_read_is_refused_without_showing_its_password(url):
    with pytest.raises(UsageError) as caught:
        RedisStore(url)
    assert "cret" not in str(caught.value)


# ---------------------------------------------------------------------- what stays on the server


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


# --------------------------------------------------------------------------------- using it


def test_a_store_works_in_one_event_loop_after_another(redis_url, prefix):
    store = RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)

    async def turn():
        committed = await put(store, "a")
        await store.close()
        return committed.revision

    assert [asyncio.run(turn()) for _ in range(3)] == [1, 2, 3]


def test_an_event_loop_that_ends_under_way_does_no_harm(own_server):
    store = RedisStore(own_server.url, timeout=PATIENT_S)

    async def leave():
        own_server.pause()
        tasks = [asyncio.create_task(claim(store, "a")) for _ in range(3)]
        for _ in range(20):
            await asyncio.sleep(0.001)
        tasks.append(asyncio.create_task(claim(store, "b")))
        await asyncio.sleep(0)
        return tasks

    tasks = asyncio.run(leave())
    assert all(task.cancelled() for task in tasks)
    own_server.resume()

    async def turn():
        committed = await put(store, "a", now=NOW + LEASE_S)
        await store.close()
        return committed.revision

    assert asyncio.run(turn()) == 1


async def test_a_closed_store_opens_again_when_it_is_used(store):
    await put(store, "a")
    await store.close()
    assert (await put(store, "a")).revision == 2


async def test_closing_waits_for_what_is_under_way(redis_url, prefix, client):
    store = RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)
    tasks = [asyncio.create_task(claim(store, f"{number}")) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*tasks)) == 20
    assert len(await keys_of(client, prefix)) == 20


async def test_a_client_of_ones_own_is_left_open(redis_url, prefix):
    client = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), client_name=prefix, **PATIENT)
    store = RedisStore(client=client, prefix=prefix, timeout=PATIENT_S)
    await put(store, "a")

    async def connections():
        # The server may have others yet, which tests before this one have left.
        return [each["id"] for each in await client.client_list() if each["name"] == prefix]

    before = await connections()
    await store.close()
    assert await connections() == before
    assert "own client" in repr(store)
    await client.aclose()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retry": Retry(NoBackoff(), 3)}, "repeats commands"),
        ({"retry": Retry(NoBackoff(), 0), "decode_responses": True}, "decodes responses"),
    ],
)
def test_a_client_that_would_do_harm_is_refused(options, said):
    with pytest.raises(UsageError, match=said):
        RedisStore(client=Redis(**options))


@pytest.mark.parametrize("arguments", [{"prefix": "app{1}"}, {"timeout": 0}, {"timeout": -1}])
def test_arguments_that_do_not_do_are_refused(arguments):
    with pytest.raises(UsageError):
        RedisStore(**arguments)


def test_without_its_library_the_store_says_what_to_install():
    code = """
import sys
sys.modules["redis"] = None
from dialogs.errors import UsageError
from dialogs.stores.redis import RedisStore
try:
    RedisStore()
except UsageError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert 'pip install "resumable-dialogs[redis]"' in said
