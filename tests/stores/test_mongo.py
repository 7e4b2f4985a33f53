"""MongoStore does what every store must, on a server that speaks MongoDB's wire protocol.

The server is SecantusDB; with DIALOGS_TEST_MONGO_URL it is the one that is given.
"""

import asyncio
import contextlib
import gc
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.monitoring import CommandListener

from dialogs.errors import Busy, Conflict, StoreError, StoreUnavailable, UsageError
from dialogs.stores.base import Claim, Stored
from dialogs.stores.mongo import MongoStore
from dialogs.testing import StoreSuite

# pymongo leaves a socket to the garbage collector where a call is cancelled while it connects, or
# a client closed.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

NOW = 1_000.0  # far from the real time: what is stored must not depend on it
HOUR_S = 3_600.0
NOWHERE = "127.0.0.1:9"  # no system has the service any more that this port is kept for


@pytest.fixture(scope="module", autouse=True)
def no_socket_is_left_to_other_tests():
    yield
    gc.collect()


@pytest.fixture
def collection():
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
async def store(mongo_url, collection):
    store = MongoStore(mongo_url, collection=collection, timeout=30)
    await store.setup()
    yield store
    await drop(mongo_url, collection)
    await store.close()


@pytest.fixture
async def documents(mongo_url, collection):
    """The collection itself, to look at what is in it."""
    async with AsyncMongoClient(mongo_url, tz_aware=True) as client:
        yield client["dialogs"][collection]


async def drop(url, collection):
    async with AsyncMongoClient(url) as client:
        await client["dialogs"][collection].drop()


async def put(store, chat_id, body=b"body", now=NOW, **times):
    claim = await store.claim(chat_id, now=now, lease_s=30)
    return await store.commit(claim, body, now=now, status="OPEN", **times)


async def connected(store):
    """Wait until a store has connected, which may take longer than its timeout."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await store.load("a", now=NOW)


class TestMongoStore(StoreSuite):
    @pytest.fixture
    def store(self, store):
        return store

    @pytest.fixture
    def reopen(self, store, mongo_url, collection):
        return lambda: MongoStore(mongo_url, collection=collection, timeout=30)


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


# ------------------------------------------------------------------------------- the collection


async def test_without_setup_it_works_too_and_has_no_index(mongo_url, collection, documents):
    store = MongoStore(mongo_url, collection=collection, timeout=30)
    await put(store, "a", wake_at=NOW, expires_at=NOW + HOUR_S)
    await put(store, "b", wake_at=NOW + 1)
    await put(store, "c", wake_at=NOW - 1)
    assert await store.due(now=NOW, limit=10) == ["c", "a"]
    found = [stored.chat_id async for stored in store.scan("OPEN", now=NOW + HOUR_S)]
    assert sorted(found) == ["b", "c"]
    assert await store.delete("b")
    assert set(await documents.index_information()) == {"_id_"}
    await documents.drop()
    await store.close()


async def test_setup_makes_the_indexes_that_due_scan_and_the_server_need(store, documents):
    indexes = {
        tuple(index["key"]): index for index in (await documents.index_information()).values()
    }
    by_field = {key[0][0]: index for key, index in indexes.items()}
    assert set(by_field) == {"_id", "wake_at", "status", "forget_at"}
    assert by_field["wake_at"]["sparse"]
    assert by_field["forget_at"]["expireAfterSeconds"] == 0
    assert "expireAfterSeconds" not in by_field["wake_at"]


def test_setup_may_run_in_two_processes_at_once(mongo_url, collection):
    code = (
        "import asyncio, sys\n"
        "from dialogs.stores.mongo import MongoStore\n"
        "async def main():\n"
        "    store = MongoStore(sys.argv[1], collection=sys.argv[2], timeout=60)\n"
        "    sys.stdin.read(1)\n"
        "    await store.setup()\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, mongo_url, collection],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for worker in workers:
        worker.stdin.write(b"!")
        worker.stdin.flush()
    for worker in workers:
        _, errors = worker.communicate(timeout=90)
        assert worker.returncode == 0, errors.decode()
    with MongoClient(mongo_url) as client:
        assert len(client["dialogs"][collection].index_information()) == 4
        client["dialogs"].drop_collection(collection)


async def test_a_document_says_in_plain_fields_what_a_conversation_is(store, documents):
    await put(store, "a", b"\x00bytes", wake_at=NOW + 5)
    [document] = await documents.find().to_list()
    assert {name: document[name] for name in document if name != "token"} == {
        "_id": "a",
        "body": b"\x00bytes",
        "revision": 1,
        "status": "OPEN",
        "wake_at": NOW + 5,
    }


async def test_the_server_forgets_by_its_own_clock_as_long_after_as_was_asked(store, documents):
    before = datetime.now(UTC)
    await put(store, "a", expires_at=NOW + HOUR_S)
    [document] = await documents.find().to_list()
    # MongoDB's dates have milliseconds.
    assert before - timedelta(milliseconds=1) <= document["forget_at"] - timedelta(seconds=HOUR_S)
    assert document["forget_at"] - timedelta(seconds=HOUR_S) <= datetime.now(UTC)


async def test_the_server_forgets_nothing_that_never_expires(store, documents):
    await put(store, "a", expires_at=NOW + HOUR_S)
    await put(store, "a")
    await store.claim("a", now=NOW, lease_s=30)
    assert [set(document) & {"forget_at"} for document in await documents.find().to_list()] == [
        set()
    ]


@pytest.mark.parametrize("how", ["claimed", "held"])
async def test_the_server_forgets_nothing_while_its_lease_runs(store, documents, how):
    if how == "claimed":
        await put(store, "a", expires_at=NOW + 900)
        await store.claim("a", now=NOW, lease_s=HOUR_S)
    else:
        claim = await store.claim("a", now=NOW, lease_s=30)
        await store.commit(
            claim, b"body", now=NOW, status="OPEN", expires_at=NOW + 900, hold_s=HOUR_S
        )
    [document] = await documents.find().to_list()
    assert document["forget_at"] > datetime.now(UTC) + timedelta(seconds=HOUR_S - 60)
    assert document["expires_at"] == NOW + 900


async def test_a_busy_claim_leaves_the_document_as_it_is(store, documents):
    await put(store, "a", expires_at=NOW + 1)
    await store.claim("a", now=NOW, lease_s=30)
    before = await documents.find().to_list()
    with pytest.raises(StoreError, match="held by another worker"):
        await store.claim("a", now=NOW, lease_s=HOUR_S)
    assert await documents.find().to_list() == before


async def test_what_was_only_claimed_is_forgotten_by_the_server_in_time(store, documents):
    await store.claim("a", now=NOW, lease_s=30)
    [document] = await documents.find().to_list()
    assert "body" not in document
    later = document["forget_at"] - datetime.now(UTC)
    assert timedelta(minutes=1) < later < timedelta(days=1)


async def test_a_released_claim_of_nothing_leaves_no_document(store, documents):
    await store.release(await store.claim("a", now=NOW, lease_s=30))
    assert await documents.count_documents({}) == 0


async def test_a_time_beyond_all_dates_is_kept(store):
    await put(store, "a", expires_at=1e30)
    assert await store.load("a", now=NOW) == Stored("a", b"body", 1, "OPEN", None, 1e30)


async def test_a_body_that_mongodb_cannot_keep_is_refused_by_name_and_size(store):
    claim = await store.claim("a", now=NOW, lease_s=30)
    with pytest.raises(StoreError, match=r"'a' has 16,777,216 bytes.*continue_as_new") as caught:
        await store.commit(claim, bytes(16 * 1024 * 1024), now=NOW, status="OPEN")
    assert not isinstance(caught.value, StoreUnavailable)
    assert await store.load("a", now=NOW) is None
    # Neither is the claim lost by it.
    largest = bytes(16 * 1024 * 1024 - 64 * 1024)
    await store.commit(claim, largest, now=NOW, status="OPEN")
    loaded = await store.load("a", now=NOW)
    assert loaded.body == largest or pytest.fail("the largest body came back changed")


# ---------------------------------------------------------------------- clients and connections


async def test_a_client_of_ones_own_is_used_and_left_open(mongo_url, collection):
    async with AsyncMongoClient(mongo_url) as client:
        store = MongoStore(client=client, database="dialogs", collection=collection)
        await put(store, "a")
        await store.close()
        assert await client["dialogs"][collection].count_documents({}) == 1
        assert (await store.load("a", now=NOW)).body == b"body"
        await client["dialogs"][collection].drop()


@pytest.mark.parametrize("timeout", [0, -1.5, timedelta()])
def test_a_timeout_of_no_time_is_an_error(timeout):
    with pytest.raises(UsageError, match="no length of time"):
        MongoStore(timeout=timeout)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://anna:s3cret@db.example:27017/?tls=true", "mongodb://db.example:27017"),
        (
            "mongodb://db1:1,db2:2/base?tlsCertificateKeyFilePassword=s3cret",
            "mongodb://db1:1,db2:2",
        ),
        ("mongodb+srv://anna:s3cret@db.example", "mongodb+srv://db.example"),
        ("mongodb://anna:s3cret@pass@db.example/", "a URL"),
        ("mongodb://anna:pa/s3cret@db.example/", "a URL"),
        ("mongodb://anna:pa?s3cret@db.example/", "a URL"),
    ],
)
def test_a_store_shows_where_it_is_and_no_password(url, shown):
    assert repr(MongoStore(url)) == f"MongoStore({shown}, dialogs.conversations)"


@pytest.mark.parametrize(
    "url",
    ["mongodb://anna:s3cret@pass@db.example/", "mongodb://anna:s3cret/word@host/"],
)
async def test_a_url_that_cannot_be_read_is_a_usage_error_without_the_password(url):
    store = MongoStore(url)
    with pytest.raises(UsageError, match="quote_plus") as caught:
        await store.load("a", now=NOW)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


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


# ---------------------------------------------------------------------------------- lost replies


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


# ----------------------------------------------------------------------------------- round trips


class Commands(CommandListener):
    """The commands that a client sends, with their write concerns."""

    def __init__(self):
        self.sent = []

    def started(self, event):
        self.sent.append((event.command_name, event.command.get("writeConcern")))

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


async def test_claims_and_commits_take_one_round_trip_and_commits_wait_for_a_majority(
    mongo_url, collection
):
    commands = Commands()
    async with AsyncMongoClient(mongo_url, event_listeners=[commands]) as client:
        store = MongoStore(client=client, collection=collection)
        claim = await store.claim("a", now=NOW, lease_s=30)
        with pytest.raises(Busy):
            await store.claim("a", now=NOW, lease_s=30)
        await store.commit(claim, b"body", now=NOW, status="OPEN")
        assert commands.sent == [
            ("findAndModify", {"w": 1}),
            ("findAndModify", {"w": 1}),
            ("update", {"w": "majority", "j": True}),
        ]
        await client["dialogs"][collection].drop()


# --------------------------------------------------------------------------------- missing extra


def test_without_pymongo_the_store_says_what_to_install():
    code = (
        "import sys\n"
        "sys.modules['pymongo'] = sys.modules['bson'] = None\n"
        "from dialogs.errors import UsageError\n"
        "from dialogs.stores.mongo import MongoStore\n"
        "try:\n"
        "    MongoStore('mongodb://localhost')\n"
        "except UsageError as error:\n"
        "    print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert 'pip install "resumable-dialogs[mongo]"' in told.stdout
