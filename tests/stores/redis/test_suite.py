"""RedisStore does what every store must, on one server and on a cluster."""

import pytest

from dialogs.stores.redis import RedisStore
from dialogs.testing import StoreSuite
from tests.stores.redis.turns import PATIENT_S


class TestRedisStore(StoreSuite):
    @pytest.fixture
    async def store(self, redis_url, prefix):
        store = RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)
        await store.setup()
        yield store
        await store.close()

    @pytest.fixture
    def reopen(self, store, redis_url, prefix):
        return lambda: RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)


class TestRedisStoreOnACluster(StoreSuite):
    @pytest.fixture
    async def store(self, redis_cluster, prefix):
        store = RedisStore(redis_cluster.url, prefix=prefix, cluster=True, timeout=PATIENT_S)
        await store.setup()
        yield store
        await store.close()

    @pytest.fixture
    def reopen(self, store, redis_cluster, prefix):
        return lambda: RedisStore(redis_cluster.url, prefix=prefix, cluster=True, timeout=PATIENT_S)
