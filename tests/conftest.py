"""The servers that stores are tested with, and how hypothesis searches.

It searches widely at a desk, and the same way every time in CI.
`pytest --hypothesis-profile=thorough --timeout=0 tests/test_properties.py` searches for long.
"""

import os

from hypothesis import HealthCheck, settings

from tests.servers.mongo import mongo_server, mongo_url  # noqa: F401 - fixtures
from tests.servers.postgres import postgres_server, postgres_url  # noqa: F401
from tests.servers.redis import redis_cluster, redis_server, redis_url  # noqa: F401

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    deadline=None,
    max_examples=2_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
