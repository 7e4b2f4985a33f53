"""The suite on a store that is right, and on faulty ones the tests of it that must fail.

`test_suite_bites.py` runs this file, and looks at what fails.
"""

import pytest

from dialogs.testing import StoreSuite
from tests.stores.faulty import (  # noqa: F401 - each notes its stores in FAULTY
    claims,
    commits,
    contents,
    deleting,
    expiry,
    finding,
    sharing,
)
from tests.stores.faulty.sound import FAULTY, Sound

TESTS = [name for name in dir(StoreSuite) if name.startswith("test_")]


def tests_of(store_type, names):
    """Tests of the suite, on a store."""

    class Tests(StoreSuite):
        @pytest.fixture
        async def store(self):
            return store_type()

        @pytest.fixture
        def reopen(self, store):
            return store.reopened

    for name in set(TESTS) - set(names):
        setattr(Tests, name, None)
    return Tests


TestSound = tests_of(Sound, TESTS)
globals().update({f"Test{each.__name__}": tests_of(each, each.caught_by) for each in FAULTY})
