"""The extras in pyproject.toml: "all" has what each of the others has, and so have the tests."""

import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
EVERYTHING = {library for name in EXTRAS.keys() - {"all", "examples"} for library in EXTRAS[name]}


def test_all_is_every_extra_beside_that_of_the_examples():
    assert set(EXTRAS["all"]) == EVERYTHING


def test_the_tests_have_the_libraries_of_every_extra():
    assert set(PROJECT["dependency-groups"]["test"]) >= EVERYTHING
