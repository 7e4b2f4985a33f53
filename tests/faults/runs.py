"""The runs: conversations under load, while processes are killed or stopped."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any

from tests.faults.aim import AFTER, BEFORE
from tests.faults.crew import Crew
from tests.faults.history import History
from tests.faults.load import Figures, Load, until
from tests.faults.nursery import Nursery
from tests.faults.outside import Journal
from tests.faults.places import PATIENCE_S
from tests.faults.talks import END
from tests.faults.worker import Job

AT_ONCE = 32
"""How many conversations are held at the same time."""

TURNS = 5
"""How many messages a conversation has."""


async def killed_at_random(
    nursery: Nursery, job: Job, *, seed: int, conversations: int = 200, kills: int = 22
) -> tuple[History, Figures]:
    """Two workers under load, one or both of which are killed at random moments."""
    dice = random.Random(seed)
    async with Crew(nursery, job) as crew:

        async def kill(_: Load) -> None:
            await asyncio.sleep(dice.uniform(0, 0.03))
            await crew.kill(dice.randrange(crew.size))

        return await _under_load(crew, dice, kill, strikes=kills, conversations=conversations)


async def server_killed(
    nursery: Nursery, job: Job, server: Any, *, seed: int, conversations: int = 60, kills: int = 3
) -> tuple[History, Figures]:
    """Two workers under load, whose database is killed and restarted."""
    dice = random.Random(seed)

    async def kill(load: Load) -> None:
        await asyncio.sleep(dice.uniform(0, 0.03))
        server.kill()
        missed = load.history.errors["StoreUnavailable"]

        async def is_missed() -> bool:
            return load.history.errors["StoreUnavailable"] > missed

        await until(is_missed)
        # Long enough to try in vain once more.
        await asyncio.sleep(dice.uniform(0.1, 0.5))
        await asyncio.to_thread(server.restart)

    async with Crew(nursery, job) as crew:
        return await _under_load(
            crew,
            dice,
            kill,
            strikes=kills,
            conversations=conversations,
            allowed={"Conflict", "StoreUnavailable"},
        )


async def _under_load(
    crew: Crew,
    dice: random.Random,
    strike: Callable[[Load], Any],
    *,
    strikes: int,
    conversations: int,
    allowed: Iterable[str] = ("Conflict",),
) -> tuple[History, Figures]:
    moments = iter(sorted(dice.sample(range(1, conversations * TURNS * 9 // 10), strikes)))
    following = next(moments, None)
    gate, striking = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
    struck: list[asyncio.Task[None]] = []

    async def one_strike() -> None:
        async with striking:
            await strike(load)

    def after(turns: int) -> None:
        nonlocal following
        if following is not None and turns >= following:
            struck.append(asyncio.create_task(one_strike()))
            following = next(moments, None)

    async def converse(number: int) -> None:
        async with gate:
            await load.converse(f"chat-{number}", TURNS)

    load = Load(crew, Journal(crew.job.journal), dice, after)
    load.history.allowed = frozenset(allowed)
    await asyncio.gather(*(converse(number) for number in range(conversations)))
    await asyncio.gather(*struck)
    await load.close_books()
    load.journal.close()
    load.figures.kills = len(struck)
    return load.history, load.figures


async def struck_everywhere(
    nursery: Nursery, job: Job, *, stops: bool = False, at_once: int = 16
) -> tuple[History, Figures]:
    """For every step outside that a conversation takes, a worker that is lost right before it, and
    one that is lost right after it.

    Args:
        nursery: forks the workers.
        job: what they do.
        stops: stop the workers there, and let them go on when all is over, rather than kill them.
        at_once: how many are lost at the same time.
    """
    gate = asyncio.Semaphore(at_once)
    async with Crew(nursery, job) as crew:
        load = Load(crew, Journal(job.journal), random.Random(0))

        async def lose_one(number: int | None, when: str) -> int:
            async with gate:
                # Without timers of its own, and with a lease that needs not be renewed, a worker
                # takes no more steps than these.
                lease_s = PATIENCE_S if number is None else job.lease_s
                member = await crew.hire(
                    strike=number, when=when, stops=stops, poll_s=None, lease_s=lease_s
                )
                chat_id = f"{when}-{number}"
                steps = await _hold(load, chat_id, member)
                while number is not None and not member.stopped and member.gone_at is None:
                    # Another one took some of them, where this one was slow.
                    await load.give(chat_id, 0, "m0", member)
                if member.stopped:
                    late = await member.resume()
                    load.history.errors.update(a["error"] for a in late if "error" in a)
                member.kill()
                return steps

        steps = await lose_one(None, BEFORE)
        points = [(number, when) for number in range(1, steps + 1) for when in (BEFORE, AFTER)]
        await asyncio.gather(*(lose_one(*point) for point in points))
        await load.close_books()
    load.journal.close()
    load.figures.kills = len(points)
    return load.history, load.figures


async def _hold(load: Load, chat_id: str, member: Any) -> int:
    """Hold a conversation with a worker, and with the crew once it is lost; the steps it took."""
    load.figures.conversations += 1
    steps = 0
    for number, message in enumerate(["m0", "m1", END]):
        turn = await load.give(chat_id, number, message, member)
        load.history.given.setdefault(chat_id, []).append(message)
        load.figures.turns += 1
    for number, message in ((2, END), (0, "m0")):
        turn = await load.give(chat_id, number, message, member)
        steps = turn["steps"]
    return steps
