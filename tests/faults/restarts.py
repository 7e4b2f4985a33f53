"""A timer across the end and the restart of the only worker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

from dialogs import Orchestrator
from tests.faults.crew import Crew
from tests.faults.load import until
from tests.faults.nursery import Nursery
from tests.faults.outside import Journal
from tests.faults.talks import talks
from tests.faults.worker import Job

POLL_S = 0.25


@dataclass
class Fired:
    """How a timer fired.

    Args:
        status: the conversation's status in the end.
        late_s: how long after the deadline, or after the restarted worker was ready where that
            came later, in seconds; by the clock that the workers go by.
        was_down: whether no worker was there at the deadline.
    """

    status: str
    late_s: float
    was_down: bool


async def timers_across_restarts(nursery: Nursery, job: Job) -> tuple[Fired, Fired]:
    """A worker that is back before the deadline, and one that is not; each is the only one."""
    other = replace(job, place=job.place.beside(), journal=job.journal.with_suffix(".2"))
    return await asyncio.gather(
        timer_across_restart(nursery, job, down=False),
        timer_across_restart(nursery, other, down=True),
    )


async def timer_across_restart(nursery: Nursery, job: Job, *, down: bool) -> Fired:
    """Kill the only worker while a conversation waits, and start another one.

    Args:
        nursery: forks the workers.
        job: what they do.
        down: whether the other one starts after the deadline only.
    """
    job = replace(job, talk="patient", poll_s=POLL_S)
    journal = Journal(job.journal)
    store = job.place.open()
    async with (
        Orchestrator(talks(journal)["patient"], store=store) as looking,
        Crew(nursery, job, size=1) as crew,
    ):
        [worker] = crew.members
        answer = await worker.ask("chat", "well?", "1")
        deadline = answer["turn"]["wake_at"]
        worker.kill()

        async def is_due() -> bool:
            return await store.due(now=time.time(), limit=1) == ["chat"]

        if down:
            await until(is_due)
        worker = await crew.hire()
        ready = await worker.ready

        async def has_ended() -> bool:
            return not [name async for name, _ in looking.conversations("WAITING_FOR_RESPONSE")]

        await until(has_ended)
        conversation = await looking.conversation("chat")
    journal.close()
    assert conversation is not None
    late_s = conversation.updated_at - max(deadline, ready)
    return Fired(conversation.status, late_s, ready > deadline)
