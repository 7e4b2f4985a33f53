"""A loop of finished subdialogs: rows 'a loop ...'."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.conversations import candidate
from benchmarks.measure import (
    Candidate,
    Effort,
    Row,
    Rows,
    Target,
    check_same_work,
    ratios,
    rounds_of,
)
from dialogs import call, continue_as_new, dialog, get_client_response, send_message

LOOPS = 334
TURNS = 3
COLLAPSED = {LOOPS: Target(8, at_least=True)}
RENEWED = {LOOPS: Target(1.1)}


@dialog
def part() -> Any:
    """Three turns: nine records."""
    for number in range(TURNS):
        yield send_message(f"Question {number}?")
        yield get_client_response()
        yield call(random.random)


@dialog
def collapsed() -> Any:
    """Each part is a dialog, and one record when it is done."""
    while True:
        yield part()


@dialog
def inline() -> Any:
    """The same steps in one dialog, all of them records."""
    while True:
        for number in range(TURNS):
            yield send_message(f"Question {number}?")
            yield get_client_response()
            yield call(random.random)


@dialog
def renewed() -> Any:
    """The same steps, and an empty frame after each part."""
    for number in range(TURNS):
        yield send_message(f"Question {number}?")
        yield get_client_response()
        yield call(random.random)
    yield continue_as_new(renewed())


def candidates(loops: int) -> dict[str, Candidate]:
    turns = loops * TURNS
    # Only the records of the turn itself are in all three logs.
    new = slice(-TURNS, None)
    return {
        "inline": candidate(inline, turns, new),
        "collapsed": candidate(collapsed, turns, new),
        "renewed": candidate(renewed, turns, new),
    }


def rows(effort: Effort) -> Rows:
    loops = LOOPS if max(effort.lengths) >= LOOPS else TURNS
    turns = loops * TURNS
    rivals = candidates(loops)
    check_same_work(rivals)
    rivals["renewed once"] = candidate(renewed, TURNS)
    times = rounds_of(rivals, effort)
    yield Row(
        "a loop, all in one log / collapsed subdialogs",
        turns,
        target=COLLAPSED.get(loops),
        **ratios(times, "inline", "collapsed"),
    )
    yield Row(
        f"a loop, continue_as_new / the same after {TURNS} turns",
        turns,
        target=RENEWED.get(loops),
        **ratios(times, "renewed", "renewed once"),
    )
