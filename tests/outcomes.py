"""Runs a file of tests, most of which are to fail, in a process of its own, and tells what came."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# tests/stores/faulty_stores.py::TestSound::test_a_b[parameters] PASSED [ 50%]
_OUTCOME = r"^\S+::Test(\w+)::(test_\w+).* (PASSED|FAILED|SKIPPED|ERROR)"


def outcomes_of(file: Path) -> dict[str, dict[str, set[str]]]:
    """What became of a file's tests, by the name of their class and their own."""
    options = ["-v", "--tb=no", "--color=no", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, file],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    found: dict[str, dict[str, set[str]]] = {}
    for name, test, outcome in re.findall(_OUTCOME, done.stdout, re.MULTILINE):
        found.setdefault(name, {}).setdefault(test, set()).add(outcome)
    return found
