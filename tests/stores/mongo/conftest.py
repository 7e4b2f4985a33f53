"""Stores in a collection of the test's own, on a server that speaks MongoDB's wire protocol.

The server is SecantusDB; with DIALOGS_TEST_MONGO_URL it is the one that is given.
"""

import gc
import uuid

import pytest
from pymongo import AsyncMongoClient

from dialogs.stores.mongo import MongoStore
from tests.stores.mongo.turns import drop


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
