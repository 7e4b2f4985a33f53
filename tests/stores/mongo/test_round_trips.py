"""How often a MongoStore asks its server, and with which write concern."""

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener

from dialogs.errors import Busy
from dialogs.stores.mongo import MongoStore
from tests.stores.mongo.turns import NOW, leaves_sockets

pytestmark = leaves_sockets


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
