"""The collection: its indexes, its documents, and what the server forgets."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from pymongo import MongoClient

from dialogs.errors import StoreError, StoreUnavailable
from dialogs.stores.base import Stored
from dialogs.stores.mongo import MongoStore
from tests.stores.mongo.turns import NOW, leaves_sockets, put

pytestmark = leaves_sockets

HOUR_S = 3_600.0


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
