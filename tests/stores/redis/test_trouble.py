"""Callers that are cancelled, and servers that are killed, slow, full or demoted."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from dialogs.errors import Busy, StoreUnavailable
from dialogs.stores.base import Stored
from dialogs.stores.redis import RedisStore
from tests.servers.redis import RedisServer
from tests.stores.redis.turns import LEASE_S, NOW, PATIENT, PATIENT_S, claim, put

# --- callers that are cancelled ---------------------------------------------------------------


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


# --- server faults ----------------------------------------------------------------------------


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
