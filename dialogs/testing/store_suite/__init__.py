"""What every store must do, as tests that a store of your own inherits.

Each sentence of `dialogs.stores.base` has its tests here, in classes that `StoreSuite` gathers.
The tests know no stores: what some stores cannot do is a fixture.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

# Before they are imported: it makes their bare asserts tell what differed.
pytest.register_assert_rewrite(
    "dialogs.testing.store_suite.claims",
    "dialogs.testing.store_suite.commits",
    "dialogs.testing.store_suite.contents",
    "dialogs.testing.store_suite.expiry",
    "dialogs.testing.store_suite.finding",
    "dialogs.testing.store_suite.sharing",
)

from dialogs.stores.base import Store  # noqa: E402 - after the rewriting
from dialogs.testing.store_suite.claims import Claims  # noqa: E402
from dialogs.testing.store_suite.commits import Commits  # noqa: E402
from dialogs.testing.store_suite.contents import Contents  # noqa: E402
from dialogs.testing.store_suite.expiry import Expiry  # noqa: E402
from dialogs.testing.store_suite.finding import Finding  # noqa: E402
from dialogs.testing.store_suite.sharing import Sharing  # noqa: E402

__all__ = ["StoreSuite"]


class StoreSuite(Claims, Commits, Contents, Expiry, Finding, Sharing):
    """The tests of a store; needs pytest, and pytest-asyncio in its auto mode.

    Inherit it in a class that pytest collects, and give it the fixture `store`: a store that is
    empty when a test begins. The tests call `setup` where they need it, and never `close` it for
    good, so close it after the test::

        class TestMyStore(StoreSuite):
            @pytest.fixture
            async def store(self):
                store = MyStore("...")
                await store.setup()
                yield store
                await store.close()

    A store that several processes share overrides `reopen` too. In pytest-asyncio's strict mode,
    mark the class with `pytest.mark.asyncio` and the fixture with `pytest_asyncio.fixture`.
    """

    @pytest.fixture
    def reopen(self) -> Callable[[], Store] | None:
        """Makes one more store object on the data of `store`, as another process would.

        None where the data live in the object; the tests that need two are skipped then. The
        fixture `store` must come first: let the override take it as an argument.
        """
        return None

    @pytest.fixture
    def now(self) -> float:
        """The time that a test begins at: the real one, for stores that also forget by it."""
        return float(int(time.time()))
