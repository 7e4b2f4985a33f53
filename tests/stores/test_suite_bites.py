"""The store suite can fail: on each of many faulty stores, and with each of its tests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stores.faulty_stores import FAULTY, TESTS

FILE = Path(__file__).parent / "faulty_stores.py"

# tests/stores/faulty_stores.py::TestSound::test_a_b[parameters] PASSED [ 50%]
_OUTCOME = r"^\S+::Test(\w+)::(test_\w+).* (PASSED|FAILED|SKIPPED|ERROR)"


@pytest.fixture(scope="module")
def outcomes():
    """What became of tests: {(store, test): {"PASSED", "FAILED", "SKIPPED"}}."""
    options = ["-v", "--tb=no", "--color=no", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, FILE],
        capture_output=True,
        text=True,
        check=False,
        cwd=FILE.parents[2],
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    found = {}
    for store, test, outcome in re.findall(_OUTCOME, done.stdout, re.MULTILINE):
        found.setdefault((store, test), set()).add(outcome)
    return found


def test_there_are_many_faulty_stores():
    assert len({store_type.__name__ for store_type in FAULTY}) >= 80


@pytest.mark.parametrize("test", TESTS)
def test_a_sound_store_passes(test, outcomes):
    assert outcomes["Sound", test] == {"PASSED"}


@pytest.mark.parametrize("store_type", FAULTY, ids=lambda store_type: store_type.__name__)
def test_a_faulty_store_is_caught(store_type, outcomes):
    for test in store_type.caught_by:
        assert "FAILED" in outcomes[store_type.__name__, test], test


def test_every_test_of_the_suite_catches_a_faulty_store():
    assert {test for store_type in FAULTY for test in store_type.caught_by} == set(TESTS)
