"""Measuring candidates against each other: shuffled rounds, medians of ratios.

The engine's candidates are measured by CPU time, those that wait for something else by the clock.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter_ns, thread_time_ns
from typing import Any, Protocol


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Args:
        lengths: the lengths of the conversations, in turns.
        sample_ns: how long one sample takes at least, in nanoseconds.
        budget_ns: how long all samples of a row take, about.
        rounds: the least and the most rounds of a row.
        crowd: how many messages there are in the rows that have many at once.
    """

    lengths: tuple[int, ...]
    sample_ns: int
    budget_ns: int
    rounds: tuple[int, int]
    crowd: int = 1000


FULL = Effort((10, 100, 1000), 5_000_000, 6_000_000_000, (15, 201))
QUICK = Effort((3,), 0, 0, (3, 3), crowd=20)


@dataclass(frozen=True)
class Candidate:
    """One way to answer a message.

    Args:
        run: answers a message of the conversation it is given.
        fresh: gives that conversation, untimed, as it is before the message.
        done: what `run` led to, as (messages said, answers kept), to be compared.
    """

    run: Callable[[Any], Any]
    fresh: Callable[[], Any]
    done: Callable[[Any], Any] = field(default=lambda outcome: outcome)

    def sample(self, repeats: int) -> float:
        """The CPU time of one message, in nanoseconds, after an untimed one to warm up."""
        conversations = [self.fresh() for _ in range(repeats)]
        run = self.run
        run(self.fresh())
        start = thread_time_ns()
        for conversation in conversations:
            run(conversation)
        return (thread_time_ns() - start) / repeats


@dataclass(frozen=True)
class Timed:
    """A candidate that is timed by the clock: what it waits for is somewhere else.

    Args:
        run: does what is timed, for the keys that it is given.
        fresh: puts the conversations of these keys back, untimed.
        loop: runs both.
    """

    run: Callable[[list[str]], Awaitable[Any]]
    fresh: Callable[[list[str]], Awaitable[Any]]
    loop: asyncio.Runner

    def sample(self, repeats: int) -> float:
        """The time of one turn, in nanoseconds."""
        return self.loop.run(self._sample([f"key-{at}" for at in range(repeats)]))

    async def _sample(self, keys: list[str]) -> float:
        await self.fresh(keys)
        start = perf_counter_ns()
        await self.run(keys)
        return (perf_counter_ns() - start) / len(keys)


class Sampled(Protocol):
    """What can be measured: a `Candidate`, a `Timed`."""

    def sample(self, repeats: int) -> float: ...


@dataclass(frozen=True)
class Target:
    """What a row's ratio shall be."""

    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        name: what was measured.
        length: of how many turns.
        values: the ratio of each round, or one value where nothing varies.
        target: what the median shall be; None where there is no target.
        unit: what the values are.
        times: the median times of the two candidates, in nanoseconds.
    """

    name: str
    length: int
    values: list[float]
    target: Target | None = None
    unit: str = "x"
    times: tuple[float, float] | None = None

    @property
    def value(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The interquartile range."""
        if len(self.values) == 1:
            return self.values[0], self.values[0]
        low, _, high = quantiles(self.values, n=4)
        return low, high


def check_same_work(candidates: dict[str, Candidate]) -> None:
    """Let every candidate answer one message, and compare what came of it.

    Raises:
        AssertionError: the candidates did not do the same.
    """
    done = {}
    for name, candidate in candidates.items():
        conversation = candidate.fresh()
        random.seed(1)
        done[name] = candidate.done(candidate.run(conversation))
    first, *others = done
    for other in others:
        assert done[other] == done[first], (
            f"{other!r} did other work than {first!r}: {done[other]!r} != {done[first]!r}"
        )


def rounds_of(
    candidates: Mapping[str, Sampled], effort: Effort, *, at_least: int = 1
) -> dict[str, list[float]]:
    """The time of one message in nanoseconds, of every candidate in every round.

    The garbage collector runs as it does in production: enabled, with Python's own thresholds.
    What earlier rows left is collected before the first round.

    Args:
        candidates: what is measured.
        effort: how much.
        at_least: how many messages a sample has at the least.
    """
    gc.collect()
    tries = 3 if at_least == 1 else 1
    costs = {name: min(c.sample(at_least) for _ in range(tries)) for name, c in candidates.items()}
    repeats = {name: max(at_least, round(effort.sample_ns / cost)) for name, cost in costs.items()}
    a_round = sum(costs[name] * repeats[name] for name in candidates)
    fewest, most = effort.rounds
    times: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    for _ in range(min(most, max(fewest, round(effort.budget_ns / a_round)))):
        random.shuffle(order)
        for name in order:
            times[name].append(candidates[name].sample(repeats[name]))
    return times


def ratios(times: dict[str, list[float]], above: str, below: str) -> dict[str, Any]:
    """`values` and `times` of a row: the first candidate's times over the second's."""
    return {
        "values": [a / b for a, b in zip(times[above], times[below], strict=True)],
        "times": (median(times[above]), median(times[below])),
    }


Rows = Iterator[Row]
