"""Slack events and WebSocket messages, against the bare framework echoing: by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import fmean

from benchmarks.echoes import BareSlack, BareWeb, DialogsSlack, DialogsWeb, Echo, SlackEcho
from benchmarks.measure import Effort, Row, Rows, Timed, ratios, rounds_of

EACH = 10
"""How many messages a person of a crowd writes, one after another."""

ROUNDS = 7
"""The fewest rounds: a sample takes seconds."""

AT_LEAST = 20
"""How many events one person sends in a sample of acknowledgements."""


def crowd_of(keys: list[str]) -> list[list[str]]:
    """What each person writes."""
    return [keys[at : at + EACH] for at in range(0, len(keys), EACH)]


def crowd(echo: Echo, loop: asyncio.Runner) -> Timed:
    """Many people at once."""

    async def fresh(keys: list[str]) -> None:
        await echo.fresh(crowd_of(keys))

    async def run(keys: list[str]) -> None:
        assert await echo.run() == crowd_of(keys)

    return Timed(run, fresh, loop)


@dataclass(frozen=True)
class Acknowledged:
    """One person's events, one after another: only until they are acknowledged."""

    echo: SlackEcho
    loop: asyncio.Runner

    def sample(self, repeats: int) -> float:
        """The time from an event to its acknowledgement, in nanoseconds."""
        keys = [f"key-{at}" for at in range(repeats)]
        self.loop.run(self.echo.fresh([keys]))
        assert self.loop.run(self.echo.run()) == [keys]
        return fmean(seconds for _, seconds in self.echo.platform.acks) * 1e9


@contextmanager
def opened(*echoes: Echo) -> Iterator[list[asyncio.Runner]]:
    """An event loop for each: what one does in the background must not slow another."""
    with ExitStack() as stack:
        loops = []
        for echo in echoes:
            loop = stack.enter_context(asyncio.Runner())
            stack.callback(lambda loop=loop, echo=echo: loop.run(echo.close()))
            loop.run(echo.open())
            loops.append(loop)
        yield loops


def rows(effort: Effort) -> Rows:
    turns, (fewest, most) = effort.lengths[0], effort.rounds
    effort = replace(effort, rounds=(min(fewest, ROUNDS), most))
    slack = DialogsSlack(turns), BareSlack()
    with opened(*slack) as loops:
        acknowledged = dict(zip(("dialogs", "bare"), map(Acknowledged, slack, loops), strict=True))
        times = rounds_of(acknowledged, effort, at_least=AT_LEAST)
        yield Row(
            "a Slack event acknowledged / bare slack_bolt",
            turns,
            **ratios(times, "dialogs", "bare"),
        )
        times = crowds(slack, loops, effort)
        yield Row(
            f"{effort.crowd:,} Slack events answered / bare slack_bolt",
            turns,
            **ratios(times, "dialogs", "bare"),
        )
    sockets = DialogsWeb(turns), BareWeb()
    with opened(*sockets) as loops:
        times = crowds(sockets, loops, effort)
        yield Row(
            f"{effort.crowd:,} WebSocket messages answered / bare FastAPI",
            turns,
            **ratios(times, "dialogs", "bare"),
        )


def crowds(
    echoes: tuple[Echo, Echo], loops: list[asyncio.Runner], effort: Effort
) -> dict[str, list[float]]:
    both = dict(zip(("dialogs", "bare"), map(crowd, echoes, loops), strict=True))
    return rounds_of(both, effort, at_least=effort.crowd)
