"""Using a MongoStore: its url, its client, its timeout, its library."""

import subprocess
import sys
from datetime import timedelta

import pytest
from pymongo import AsyncMongoClient

from dialogs.errors import UsageError
from dialogs.stores.mongo import MongoStore
from tests.stores.mongo.turns import NOW, leaves_sockets, put

pytestmark = leaves_sockets

# --- clients and connections ------------------------------------------------------------------


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


# --- missing extra ----------------------------------------------------------------------------


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
