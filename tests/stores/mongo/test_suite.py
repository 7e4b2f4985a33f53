"""MongoStore does what every store must."""

import pytest

from dialogs.stores.mongo import MongoStore
from dialogs.testing import StoreSuite
from tests.stores.mongo.turns import leaves_sockets

pytestmark = leaves_sockets


class TestMongoStore(StoreSuite):
    @pytest.fixture
    def store(self, store):
        return store

    @pytest.fixture
    def reopen(self, store, mongo_url, collection):
        return lambda: MongoStore(mongo_url, collection=collection, timeout=30)
