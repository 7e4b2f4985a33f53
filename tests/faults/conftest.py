import os
import uuid
from collections.abc import Iterator

import pytest

from tests.faults.nursery import Nursery
from tests.faults.places import Place
from tests.faults.worker import Job


@pytest.fixture(scope="session")
def nursery(tmp_path_factory) -> Iterator[Nursery]:
    """Forks the workers."""
    if not hasattr(os, "fork"):
        pytest.skip("workers are forked")
    nursery = Nursery(tmp_path_factory.mktemp("nursery") / "log")
    yield nursery
    nursery.close()


@pytest.fixture
def place(request, kind, tmp_path) -> Place:
    """A place of its own for each test, in the database that `kind` names."""
    where = str(tmp_path / "conversations.db")
    if kind != "sqlite":
        where = request.getfixturevalue(f"{kind}_url")
    return Place(kind, where, f"faults_{uuid.uuid4().hex}")


@pytest.fixture
def job(place, tmp_path) -> Job:
    return Job(place, tmp_path / "journal")
