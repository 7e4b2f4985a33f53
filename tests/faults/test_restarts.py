"""Timers outlive their worker."""

import pytest

from tests.faults.restarts import POLL_S, timers_across_restarts

# What a busy machine may take for a turn. The long run, on a quiet one, allows a second.
SLACK_S = 20.0


@pytest.mark.parametrize("kind", ["sqlite", "redis", "postgres"])
async def test_a_timeout_fires_once_the_only_worker_is_back_after_kill_9(nursery, job):
    back_in_time, back_later = await timers_across_restarts(nursery, job)
    assert back_later.was_down
    for fired in (back_in_time, back_later):
        assert fired.status == "TIMED_OUT"
        assert 0 <= fired.late_s <= POLL_S + SLACK_S
