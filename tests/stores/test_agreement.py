"""All stores give the same answers to the same questions, whatever the questions are."""

import asyncio
import uuid

import pytest
from hypothesis import HealthCheck, Phase, settings

from dialogs.stores.memory import MemoryStore
from tests.stores.agreement import agree
from tests.stores.faulty import commits, expiry, finding


@pytest.fixture
def runner():
    with asyncio.Runner() as runner:
        yield runner


PATIENT_S = 60  # what a busy machine takes is no disagreement

# Each makes the store objects of one kind; several of them are on the same data.


def memory(request):
    return [MemoryStore()]


def sqlite(request):
    from dialogs.stores.sqlite import SQLiteStore

    path = request.getfixturevalue("tmp_path") / "bot.db"
    return [SQLiteStore(path, timeout=PATIENT_S), SQLiteStore(path, timeout=PATIENT_S)]


def encrypted(request):
    from cryptography.fernet import Fernet

    from dialogs.stores.encrypted import Encrypted

    old, new = Fernet.generate_key(), Fernet.generate_key()
    inner = MemoryStore()
    return [Encrypted(inner, [old, new]), Encrypted(inner, [new, old])]


def redis(request):
    from dialogs.stores.redis import RedisStore

    url = request.getfixturevalue("redis_url")
    prefix = f"test-{uuid.uuid4().hex}"
    return [
        RedisStore(url, prefix=prefix, timeout=PATIENT_S),
        RedisStore(url, prefix=prefix, timeout=PATIENT_S),
    ]


def postgres(request):
    from dialogs.stores.postgres import PostgresStore

    url = request.getfixturevalue("postgres_url")
    table = f"test_{uuid.uuid4().hex}"
    return [
        PostgresStore(url, table=table, timeout=PATIENT_S),
        PostgresStore(url, table=table, timeout=PATIENT_S),
    ]


def mongo(request):
    from dialogs.stores.mongo import MongoStore

    url = request.getfixturevalue("mongo_url")
    collection = f"test_{uuid.uuid4().hex}"
    return [
        MongoStore(url, collection=collection, timeout=PATIENT_S),
        MongoStore(url, collection=collection, timeout=PATIENT_S),
    ]


IN_PROCESS = [memory, sqlite, encrypted]
SERVERS = [redis, postgres, mongo]


def opened(makers, request, runner):
    """The stores by name, set up, and closed after the test."""
    stores = {}
    for make in makers:
        stores[make.__name__] = make(request)

    async def each(method):
        for objects in stores.values():
            for store in objects:
                await getattr(store, method)()

    runner.run(each("setup"))
    request.addfinalizer(lambda: runner.run(each("close")))
    return stores


def test_the_stores_of_one_process_agree(request, runner):
    stores = opened(IN_PROCESS, request, runner)
    agree(lambda: stores, runner)


@pytest.mark.timeout(300)
def test_all_stores_agree(request, runner):
    stores = opened(IN_PROCESS + SERVERS, request, runner)
    agree(
        lambda: stores,
        runner,
        max_examples=settings().max_examples // 5,
        # A shrunk example is no longer worth the minutes that real servers take to find it.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )


@pytest.mark.parametrize(
    "faulty",
    [
        commits.IgnoresTokens,
        commits.LosesHold,
        expiry.ScansExpiredOnes,
        finding.DueIgnoresLeases,
    ],
)
def test_a_faulty_store_does_not_agree(faulty, runner):
    def stores():
        return {"memory": [MemoryStore()], "faulty": [faulty()]}

    with pytest.raises(AssertionError, match="the stores disagree"):
        agree(stores, runner, max_examples=2_000, phases=[Phase.generate])
