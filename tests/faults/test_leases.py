"""A lease that runs out during a slow step: two orchestrators, then two processes."""

import asyncio
import random

import pytest

from dialogs import Conflict, Orchestrator, call, dialog, send_message, step_key
from dialogs.testing import FakeClock
from tests.faults.aim import BEFORE
from tests.faults.crew import Crew
from tests.faults.load import Load
from tests.faults.outside import Journal
from tests.faults.verdict import faults

ALL = ["sqlite", "redis", "postgres", "mongo"]
LEASE_S = 30.0


@pytest.mark.parametrize("kind", ALL)
async def test_the_late_commit_is_refused_and_the_step_has_the_same_key_in_both_runs(place):
    keys, begun, go_on = [], asyncio.Event(), asyncio.Event()

    async def charge():
        keys.append(step_key())
        run = len(keys)
        if run == 1:
            begun.set()
            await go_on.wait()
        return f"run {run}"

    @dialog
    async def pay():
        receipt = await call(charge)
        await send_message(receipt)
        return receipt

    clock = FakeClock()
    async with (
        Orchestrator(pay, store=place.open(), clock=clock, lease=LEASE_S) as slow,
        Orchestrator(pay, store=place.open(), clock=clock, lease=LEASE_S) as quick,
    ):
        # Given a worker whose step takes longer than its lease
        late = asyncio.create_task(slow.handle_message("chat", "pay", message_id="1"))
        await begun.wait()
        clock.advance(LEASE_S)
        # When another one takes the conversation over
        turn = await quick.handle_message("chat", "pay", message_id="1")
        assert (turn.messages, turn.duplicate) == (["run 2"], False)
        # Then the first one's commit is refused
        go_on.set()
        with pytest.raises(Conflict):
            await late
        # and what it ran is not kept, though the outside world can tell that it is the same step
        again = await slow.handle_message("chat", "pay", message_id="1")
        assert (again.messages, again.duplicate) == (["run 2"], True)
        assert keys == [keys[0], keys[0]]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.timeout(300)
async def test_a_process_that_sleeps_through_its_lease_in_a_step_commits_nothing(nursery, job):
    journal = Journal(job.journal)
    async with Crew(nursery, job, size=1) as crew:
        load = Load(crew, journal, random.Random(0))
        # Given a worker that stops right before its first effect, after its claim
        stopped = await crew.hire(poll_s=None, strike=2, when=BEFORE, stops=True)
        # When it wakes up after another one has taken the turn
        turn = await load.give("chat", 0, "end", stopped)
        assert stopped.stopped
        late = await stopped.resume()
        # Then its commit is refused
        assert [answer["error"] for answer in late] == ["Conflict"]
        load.history.given["chat"] = ["end"]
        await load.close_books()
    journal.close()
    # and both performed the same step, of which one is recorded
    (key, late_run), (same_key, run) = sorted(
        load.history.effects, key=lambda effect: effect[1] == turn["result"][0][2][1]
    )
    assert key == same_key
    assert late_run != run
    assert turn["result"][0][2] == [key, run]
    assert faults(load.history) == []
