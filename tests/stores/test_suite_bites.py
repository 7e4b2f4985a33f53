"""The store suite can fail: on each of many faulty stores, and with each of its tests."""

from pathlib import Path

import pytest

from tests.outcomes import outcomes_of
from tests.stores.faulty_stores import FAULTY, TESTS

FILE = Path(__file__).parent / "faulty_stores.py"


@pytest.fixture(scope="module")
def outcomes():
    """What became of tests: {store: {test: {"PASSED", "FAILED", "SKIPPED"}}}."""
    return outcomes_of(FILE)


def test_there_are_many_faulty_stores():
    assert len({store_type.__name__ for store_type in FAULTY}) >= 80


@pytest.mark.parametrize("test", TESTS)
def test_a_sound_store_passes(test, outcomes):
    assert outcomes["Sound"][test] == {"PASSED"}


@pytest.mark.parametrize("store_type", FAULTY, ids=lambda store_type: store_type.__name__)
def test_a_faulty_store_is_caught(store_type, outcomes):
    for test in store_type.caught_by:
        assert "FAILED" in outcomes[store_type.__name__][test], test


def test_every_test_of_the_suite_catches_a_faulty_store():
    assert {test for store_type in FAULTY for test in store_type.caught_by} == set(TESTS)
