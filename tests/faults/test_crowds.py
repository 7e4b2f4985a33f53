"""Many events at once, from two processes: one at a time, each once."""

import pytest

from tests.faults.crowds import crowd, many_timers, same_message

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("kind", ["sqlite", "redis", "postgres", "mongo"])
async def test_fifty_messages_at_once_are_served_one_at_a_time_in_each_processs_order(nursery, job):
    assert await crowd(nursery, job) == []


@pytest.mark.parametrize("kind", ["sqlite", "redis", "postgres", "mongo"])
async def test_the_same_message_id_twenty_times_at_once_runs_once_and_has_one_answer(nursery, job):
    assert await same_message(nursery, job) == []


@pytest.mark.parametrize("kind", ["sqlite", "redis", "postgres"])
async def test_a_thousand_timers_due_at_once_fire_once_each_with_two_workers(nursery, job):
    assert await many_timers(nursery, job) == []
