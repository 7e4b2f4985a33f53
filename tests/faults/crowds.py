"""Many at once: messages for one conversation, and timers that are due at the same moment."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dialogs import Orchestrator
from dialogs.testing import FakeClock
from tests.faults.crew import Crew
from tests.faults.load import until
from tests.faults.nursery import Nursery
from tests.faults.outside import Journal
from tests.faults.talks import END, TIMEOUT_S, talks
from tests.faults.worker import Job

LONG_LEASE_S = 30.0


async def crowd(nursery: Nursery, job: Job, *, messages: int = 50) -> list[str]:
    """Give one conversation many messages at once, from two processes; what is wrong then."""
    job = replace(job, talk="queue", lease_s=LONG_LEASE_S, patience_s=60.0, poll_s=None)
    sides = [[f"{side}-{n}" for n in range(messages // 2)] for side in ("left", "right")]
    async with Crew(nursery, job) as crew:
        left, right = crew.members
        await left.ask("chat", "first", "first")
        answers = await asyncio.gather(
            *(left.ask("chat", message, message) for message in sides[0]),
            *(right.ask("chat", message, message) for message in sides[1]),
        )
        ended = await left.ask("chat", END, END)
    journal = Journal(job.journal)
    found = [f"{answer} came" for answer in answers if "turn" not in answer]
    found += [f"{what} was served beside another" for [what] in journal.read("crowded")]
    served = ended["turn"]["result"]
    if Counter(served) != Counter(["first", *sides[0], *sides[1]]):
        found.append(f"served were {served}")
    for side in sides:
        order = [message for message in served if message in set(side)]
        if order != side:
            found.append(f"the order of one process was lost: {order}")
    done = [what for _, what in journal.read("effect")]
    said = [message for _, _, message in journal.read("said")]
    journal.close()
    if not done == said == served:
        found.append(f"done was {done}, said was {said}, and served were {served}")
    return found


async def same_message(nursery: Nursery, job: Job, *, times: int = 20) -> list[str]:
    """Give the same message many times at once, from two processes; what is wrong then."""
    job = replace(job, lease_s=LONG_LEASE_S, patience_s=60.0, poll_s=None)
    async with Crew(nursery, job) as crew:
        answers = await asyncio.gather(
            *(crew.members[n % 2].ask("chat", "hello", "the same id") for n in range(times))
        )
    journal = Journal(job.journal)
    done, said = journal.read("effect"), journal.read("said")
    journal.close()
    turns = [answer["turn"] for answer in answers if "turn" in answer]
    found = [f"{answer} came" for answer in answers if "turn" not in answer]
    first = [turn for turn in turns if not turn["duplicate"]]
    if len(first) != 1 or len(done) != 1 or len(said) != 2:
        found.append(f"it ran {len(first)} times, and did {done} and said {said}")
    different = {json.dumps([turn["messages"], turn["status"]]) for turn in turns}
    if len(different) != 1:
        found.append(f"the answers differ: {different}")
    return found


async def many_timers(nursery: Nursery, job: Job, *, timers: int = 1_000) -> list[str]:
    """Let many timers be due at the same moment, with two workers; what is wrong then."""
    job = replace(job, talk="reminded", lease_s=LONG_LEASE_S)
    journal = Journal(job.journal)
    names = [f"chat-{number}" for number in range(timers)]
    # They begin at one moment in the past, so that their deadline has come.
    clock = FakeClock(datetime.now(UTC) - timedelta(seconds=TIMEOUT_S))
    async with Orchestrator(
        talks(journal)["reminded"], store=job.place.open(), sender=journal, clock=clock
    ) as orchestrator:
        for start in range(0, timers, 100):
            await asyncio.gather(
                *(orchestrator.handle_message(name, name) for name in names[start : start + 100])
            )
        async with Crew(nursery, job):

            async def all_have_ended() -> bool:
                # What is being sent is leased, and so not due: its outbox tells.
                return not [
                    name
                    async for name, conversation in orchestrator.conversations()
                    if not conversation.status.is_over or conversation.outbox
                ]

            await until(all_have_ended)
        ended = {name async for name, _ in orchestrator.conversations("COMPLETED")}
    done, said = journal.read("effect"), journal.read("said")
    journal.close()
    found = [f"{key} was done {n} times" for key, n in _more_than_once(key for key, _ in done)]
    found += [f"{name} was said {n} times" for name, n in _more_than_once(i for _, i, _ in said)]
    if not len(ended) == len(done) == len(said) == timers:
        found.append(f"{len(ended)} ended, {len(done)} effects, {len(said)} messages")
    if {message[1] for _, _, message in said} != set(names):
        found.append("somebody was not reminded")
    return found


def _more_than_once(things: Any) -> list[tuple[Any, int]]:
    return [(thing, n) for thing, n in Counter(things).items() if n > 1]
