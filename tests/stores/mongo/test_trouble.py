"""Servers that are not there, refuse or are killed, replies that are lost, claims that collide."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, OperationFailure

from dialogs.errors import Busy, Conflict, StoreUnavailable
from dialogs.stores.base import Claim, Stored
from dialogs.stores.mongo import MongoStore
from tests.stores.mongo.turns import NOW, drop, leaves_sockets, put

pytestmark = leaves_sockets

NOWHERE = "127.0.0.1:9"  # no system has the service any more that this port is kept for


async def connected(store):
    """Wait until a store has connected, which may take longer than its timeout."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await store.load("a", now=NOW)


# --- claims that collide ----------------------------------------------------------------------


@pytest.fixture
def collisions(store, monkeypatch):
    """Lets so many claims meet the creation of their document by another one."""
    left = 0

    async def find_one_and_update(self, *args, **options):
        nonlocal left
        left -= 1
        if left >= 0:
            raise DuplicateKeyError("E11000 duplicate key error")
        return await original(self, *args, **options)

    def collide(times):
        nonlocal left
        left = times

    original = AsyncCollection.find_one_and_update
    monkeypatch.setattr(AsyncCollection, "find_one_and_update", find_one_and_update)
    return collide


async def test_a_claim_that_meets_the_creation_of_its_document_is_tried_again(store, collisions):
    collisions(2)
    claim = await store.claim("a", now=NOW, lease_s=30)
    assert (claim.body, claim.revision) == (None, 0)


async def test_a_claim_that_meets_it_again_and_again_is_busy(store, collisions):
    collisions(1_000)
    with pytest.raises(Busy) as caught:
        await store.claim("a", now=NOW, lease_s=30)
    assert caught.value.retry_after_s == 0


# --- servers that fail ------------------------------------------------------------------------


async def test_a_server_that_is_not_there_is_named_without_the_password():
    store = MongoStore(f"mongodb://anna:s3cret@{NOWHERE}/?replicaSet=rs0", timeout=0.2)
    reason = ""
    async with asyncio.timeout(60):
        # The timeout may be over before the client has tried to connect at all.
        while not reason.startswith("ServerSelectionTimeoutError: 127.0.0.1:"):
            with pytest.raises(StoreUnavailable) as caught:
                await store.claim("a", now=NOW, lease_s=30)
            reason = caught.value.reason
    await store.close()
    assert caught.value.operation == "claim"
    assert caught.value.store.startswith("MongoStore(mongodb://127.0.0.1:")
    assert "Topology" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "same message_id" in str(caught.value)


@pytest.mark.parametrize("operation", ["setup", "due", "scan", "delete", "release", "commit"])
async def test_every_operation_tells_that_the_server_is_not_there(operation):
    store = MongoStore(f"mongodb://{NOWHERE}", timeout=timedelta(seconds=0.1))
    claim = Claim("a", b"body", 1, "token")

    async def scan():
        return [found async for found in store.scan(now=NOW)]

    calls = {
        "setup": store.setup,
        "due": lambda: store.due(now=NOW, limit=1),
        "scan": scan,
        "delete": lambda: store.delete("a"),
        "release": lambda: store.release(claim),
        "commit": lambda: store.commit(claim, b"body", now=NOW, status="OPEN"),
    }
    with pytest.raises(StoreUnavailable) as caught:
        await calls[operation]()
    await store.close()
    assert caught.value.operation == operation


async def test_what_the_server_refuses_is_told_with_its_words(store, documents):
    await documents.drop()
    await documents.create_index("forget_at", expireAfterSeconds=60)
    with pytest.raises(StoreUnavailable, match="reached and refused") as caught:
        await store.setup()
    assert isinstance(caught.value.__cause__, OperationFailure)
    assert "forget_at" in caught.value.reason


async def test_a_server_that_does_not_answer_is_given_up_after_the_timeout(
    mongo_server, collection, store
):
    held = await put(store, "a", b"one", hold_s=30)
    impatient = MongoStore(mongo_server.url, collection=collection, timeout=0.5)
    await connected(impatient)
    mongo_server.pause()
    try:
        with pytest.raises(StoreUnavailable) as caught:
            await impatient.load("a", now=NOW)
        with pytest.raises(StoreUnavailable):
            await impatient.commit(held, b"two", now=NOW, status="OPEN")
    finally:
        mongo_server.resume()
    await impatient.close()
    assert caught.value.operation == "load"


async def test_what_was_acknowledged_is_there_after_a_kill_and_a_restart(mongo_server, collection):
    store = MongoStore(mongo_server.url, collection=collection, timeout=30)
    await store.setup()
    await put(store, "a", b"one", wake_at=NOW)
    held = await store.claim("b", now=NOW, lease_s=30)
    held = await store.commit(held, b"one", now=NOW, status="OPEN", hold_s=30)
    mongo_server.kill()
    try:
        impatient = MongoStore(mongo_server.url, collection=collection, timeout=0.2)
        with pytest.raises(StoreUnavailable):
            await impatient.load("a", now=NOW)
        await impatient.close()
    finally:
        mongo_server.restart()
    # The same store object connects anew.
    assert await store.load("a", now=NOW) == Stored("a", b"one", 1, "OPEN", NOW, None)
    assert await store.due(now=NOW, limit=10) == ["a"]
    assert (await store.commit(held, b"two", now=NOW, status="OPEN")).revision == 2
    await drop(mongo_server.url, collection)
    await store.close()


# --- lost replies -----------------------------------------------------------------------------


class Relay:
    """Carries bytes to the server and back, and can lose a reply: the request was served then."""

    def __init__(self, port):
        self._port = port
        self._lose = None
        self._carrying = set()
        self.lost = 0

    def lose_reply_to(self, command):
        self._lose = command.encode() + b"\x00"

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc):
        self._server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _carry(self, reader, writer):
        self._carrying.add(asyncio.current_task())
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while True:
                request = await self._message(reader)
                back.write(request)
                reply = await self._message(there)
                if self._lose is not None and self._lose in request:
                    self._lose = None
                    self.lost += 1
                    break
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, back):
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()

    async def _message(self, reader):
        length = await reader.readexactly(4)
        return length + await reader.readexactly(int.from_bytes(length, "little") - 4)


@pytest.fixture
async def relay(mongo_server):
    async with Relay(mongo_server.port) as relay:
        yield relay


def through(relay, collection, options):
    """A store whose client reaches the server by the relay alone."""
    url = f"mongodb://127.0.0.1:{relay.port}/?directConnection=true&heartbeatFrequencyMS=600000"
    return MongoStore(f"{url}&{options}", collection=collection, timeout=30)


async def test_a_commit_whose_reply_is_lost_is_made_once_and_is_no_conflict(
    relay, store, collection
):
    slow = through(relay, collection, "retryWrites=true")
    claim = await slow.claim("a", now=NOW, lease_s=30)
    relay.lose_reply_to("update")
    committed = await slow.commit(claim, b"one", now=NOW, status="OPEN", hold_s=30)
    assert relay.lost == 1
    assert (committed.body, committed.revision) == (b"one", 1)
    assert (await slow.commit(committed, b"two", now=NOW, status="OPEN")).revision == 2
    await slow.close()
    assert await store.load("a", now=NOW) == Stored("a", b"two", 2, "OPEN", None, None)


async def test_a_claim_whose_reply_is_lost_is_not_busy_by_itself(relay, store, collection):
    slow = through(relay, collection, "retryWrites=true")
    await put(store, "a", b"one")
    relay.lose_reply_to("findAndModify")
    claim = await slow.claim("a", now=NOW, lease_s=30)
    assert relay.lost == 1
    assert (claim.body, claim.revision) == (b"one", 1)
    await slow.commit(claim, b"two", now=NOW, status="OPEN")
    await slow.close()


async def test_without_repeated_writes_a_lost_reply_is_told_and_the_commit_stands(
    relay, store, collection
):
    slow = through(relay, collection, "retryWrites=false")
    claim = await slow.claim("a", now=NOW, lease_s=30)
    relay.lose_reply_to("update")
    with pytest.raises(StoreUnavailable) as caught:
        await slow.commit(claim, b"one", now=NOW, status="OPEN")
    assert caught.value.operation == "commit"
    await slow.close()
    assert await store.load("a", now=NOW) == Stored("a", b"one", 1, "OPEN", None, None)


async def test_a_commit_that_the_server_saw_twice_is_told_from_one_that_lost_its_claim(
    store, monkeypatch
):
    """As on servers that repeat a write without remembering that it was made."""
    replace_one = AsyncCollection.replace_one

    async def twice(self, *args, **options):
        await replace_one(self, *args, **options)
        return await replace_one(self, *args, **options)

    monkeypatch.setattr(AsyncCollection, "replace_one", twice)
    claim = await store.claim("a", now=NOW, lease_s=30)
    committed = await store.commit(claim, b"one", now=NOW, status="OPEN", hold_s=30)
    assert committed.revision == 1
    await store.commit(committed, b"two", now=NOW, status="OPEN")
    with pytest.raises(Conflict):
        await store.commit(committed, b"three", now=NOW, status="OPEN")
    assert (await store.load("a", now=NOW)).body == b"two"
