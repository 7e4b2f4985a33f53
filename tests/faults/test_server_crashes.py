"""A database that is killed and restarted in mid-load loses nothing that was acknowledged."""

import uuid

import pytest

from tests.faults.places import Place
from tests.faults.runs import server_killed
from tests.faults.verdict import faults
from tests.faults.worker import Job

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("kind", ["redis", "postgres", "mongo"])
async def test_what_was_acknowledged_outlives_a_server_killed_under_load(
    nursery, request, kind, tmp_path
):
    server = request.getfixturevalue(f"{kind}_server")
    where = server.dsn if kind == "postgres" else server.url
    # Shorter than a restart: pymongo tries again by itself until its time is over.
    place = Place(kind, where, f"faults_{uuid.uuid4().hex}", timeout_s=0.5)
    job = Job(place, tmp_path / "journal")
    history, figures = await server_killed(nursery, job, server, seed=7, kills=2)
    assert figures.kills == 2
    assert history.errors["StoreUnavailable"] > 0
    assert all("ry again with the same message_id" in text for text in history.texts)
    assert faults(history) == []
