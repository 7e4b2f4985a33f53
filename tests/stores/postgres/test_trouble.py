"""Servers that are killed, slow or read-only, and callers that are cancelled."""

import asyncio
import contextlib

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from dialogs.errors import StoreUnavailable
from dialogs.stores.postgres import connections
from tests.stores.postgres.turns import NOW, connected, locked, turn, unavailable
from tests.waiting import until


def waiting(database) -> int:
    """How many statements wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return database.execute(query).fetchone()[0]


async def test_after_a_restart_between_two_turns_nothing_fails_and_nothing_is_lost(
    store, postgres_server
):
    # More than one connection, so that each of them is found to be closed.
    await asyncio.gather(*(turn(store, str(n)) for n in range(20)))
    postgres_server.kill()
    postgres_server.restart()
    for n in range(20):
        stored = await store.load(str(n), now=NOW)
        assert stored is not None
        assert (stored.body, stored.revision) == (b"body", 1)
        await turn(store, str(n))


async def test_a_server_that_only_reads_is_left_for_the_one_that_has_its_address_now(
    make, store, database
):
    name = database.info.dbname
    only_reads = f'ALTER DATABASE "{name}" SET default_transaction_read_only = '
    other = make(pool_size=1)
    database.execute(only_reads + "on")  # for the connections that begin now
    try:
        with pytest.raises(StoreUnavailable, match="read-only"):
            await turn(other, "a")
    finally:
        database.execute(only_reads + "off")
    for _ in range(2):  # the pool may have connected once more meanwhile
        with contextlib.suppress(StoreUnavailable):
            await turn(other, "a")
    assert (await other.load("a", now=NOW)).revision > 0


async def test_a_server_killed_during_a_statement_is_an_error_and_the_store_recovers(
    make, postgres_url, postgres_server, database, table
):
    store = make(timeout=30)
    await store.setup()
    await turn(store, "a")
    with locked(postgres_url, table, "a"):
        claim = asyncio.create_task(store.claim("a", now=NOW, lease_s=30))
        await until(lambda: waiting(database) == 1)
        postgres_server.kill()
        with pytest.raises(StoreUnavailable) as caught:
            await claim
    assert caught.value.operation == "claim"
    postgres_server.restart()
    taken = await store.claim("a", now=NOW, lease_s=30)
    assert (taken.body, taken.revision) == (b"body", 1)


async def test_while_the_server_is_down_the_error_tells_why_connecting_fails(make, postgres_server):
    store = make(timeout=1)
    await make(timeout=60).setup()
    postgres_server.kill()
    try:
        await unavailable(store, r"[Cc]onnection refused")
    finally:
        postgres_server.restart()
    patient = make(timeout=60)
    assert await patient.load("a", now=NOW) is None


async def test_a_server_that_does_not_answer_is_an_error_in_time(
    make, postgres_server, monkeypatch
):
    async def unanswered(connection, **options):
        await asyncio.Event().wait()

    # psycopg gives this up after 5 seconds, which a busy machine may take anyway.
    monkeypatch.setattr(psycopg.AsyncConnection, "cancel_safe", unanswered)
    store = make(timeout=1)
    await make(timeout=60).setup()
    # It is connected, so that it is the statement that is not answered.
    await connected(store)
    postgres_server.pause()
    try:
        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable, match="no answer within 1 second"):
                await store.claim("a", now=NOW, lease_s=30)
    finally:
        postgres_server.resume()
    await store.close()
    # It may have happened, after all: then the lease has to run out.
    await turn(make(timeout=60), "a", now=NOW + 30)


async def test_a_statement_that_waits_too_long_is_taken_back(
    make, postgres_url, table, database, monkeypatch
):
    patient = make(timeout=60)
    await patient.setup()
    await turn(patient, "a")
    store = make(timeout=1, pool_size=1)
    await connected(store)
    # What a busy server takes to give it up.
    monkeypatch.setattr(connections, "_GRACE_S", 60)
    with locked(postgres_url, table, "a"):
        with pytest.raises(StoreUnavailable, match="no answer within 1 second"):
            await store.claim("a", now=NOW, lease_s=30)
        await until(lambda: waiting(database) == 0)
    # The claim did not happen once the lock was gone.
    assert (await patient.claim("a", now=NOW, lease_s=30)).body == b"body"


async def test_a_statement_that_the_server_ends_by_its_own_timeout_is_an_error(
    store, make, postgres_url, table
):
    await turn(store, "a")
    impatient = make(make_conninfo(postgres_url, options="-c statement_timeout=2000"), timeout=60)
    with locked(postgres_url, table, "a"), pytest.raises(StoreUnavailable, match="QueryCanceled"):
        await impatient.claim("a", now=NOW, lease_s=30)
    await turn(impatient, "a")


async def test_a_cancelled_caller_leaves_the_connection_as_it_was(
    make, postgres_url, table, database
):
    store = make(timeout=60, pool_size=1)
    await store.setup()
    await turn(store, "a")
    backend = b"SELECT pg_backend_pid() WHERE %(x)s"
    before = await store._connections.run("test", backend, {"x": True})
    with locked(postgres_url, table, "a"):
        claim = asyncio.create_task(store.claim("a", now=NOW, lease_s=30))
        await until(lambda: waiting(database) == 1)
        claim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claim
    assert await store._connections.run("test", backend, {"x": True}) == before
    # Cancelled before it happened: the lease is free.
    await turn(store, "a")


async def test_a_caller_cancelled_in_the_queue_for_a_connection_takes_none_along(
    make, postgres_url, table, database
):
    store = make(timeout=60, pool_size=1)
    await store.setup()
    await turn(store, "a")
    with locked(postgres_url, table, "a"):
        claim = asyncio.create_task(store.claim("a", now=NOW, lease_s=30))
        await until(lambda: waiting(database) == 1)
        queued = [asyncio.create_task(store.load("a", now=NOW)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in queued:
            task.cancel()
        await asyncio.gather(*queued, return_exceptions=True)
    assert (await claim).body == b"body"
    assert await store.load("a", now=NOW) is not None


async def test_no_connection_in_time_is_an_error(make, postgres_url, table, database):
    store = make(timeout=1, pool_size=1)
    patient = make(timeout=60)
    await patient.setup()
    await turn(patient, "a")
    with locked(postgres_url, table, "a"):
        claims = [store.claim("a", now=NOW, lease_s=30) for _ in range(3)]
        errors = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(error) for error in errors] == [StoreUnavailable] * 3
