"""Workers that are killed, or stopped, at any moment lose nothing."""

import pytest

from tests.faults.runs import killed_at_random, struck_everywhere
from tests.faults.verdict import faults

pytestmark = pytest.mark.timeout(300)
KINDS = ["sqlite", "redis", "postgres"]


@pytest.mark.parametrize("kind", KINDS)
async def test_two_workers_killed_at_random_under_load_lose_and_repeat_nothing(nursery, job):
    history, figures = await killed_at_random(nursery, job, seed=42)
    assert (figures.conversations, figures.kills) == (200, 22)
    assert figures.retries > figures.kills
    assert faults(history) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_worker_killed_before_or_after_any_step_outside_loses_nothing(nursery, job):
    history, figures = await struck_everywhere(nursery, job)
    assert figures.kills >= 2 * 3 * 6
    assert history.sent_again > history.done_again > 0
    assert faults(history) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_worker_that_stops_at_any_step_and_goes_on_too_late_spoils_nothing(nursery, job):
    history, figures = await struck_everywhere(nursery, job, stops=True)
    assert figures.kills >= 2 * 3 * 6
    assert history.errors["Conflict"] > 0
    assert faults(history) == []
