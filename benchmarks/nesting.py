"""Twenty dialogs, one inside the other, against one that has as many turns: rows '20 deep'."""

from __future__ import annotations

import random
from itertools import count
from typing import Any

from benchmarks.conversations import candidate, questions_dialog
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
from dialogs import call, dialog, get_client_response, send_message

DEPTH = 20
# What a record costs shows where there are many; with few, it is what a dialog costs.
TARGETS = {1000: Target(1.2)}


@dialog
def spread(first: int, each: int, depth: int) -> Any:
    """Some turns, then the next dialog; the innermost goes on without end."""
    for number in range(first, first + each) if depth > 1 else count(first):
        yield send_message(f"Question {number}?")
        yield get_client_response()
        yield call(random.random)
    yield spread(first + each, each, depth - 1)


@dialog
def last(depth: int) -> Any:
    """The next dialog at once; the innermost has all turns."""
    yield last(depth - 1) if depth > 2 else questions_dialog()


def candidates(turns: int) -> dict[str, Candidate]:
    return {
        "flat": candidate(questions_dialog, turns),
        "spread": candidate(lambda: spread(0, turns // DEPTH, DEPTH), turns),
        "last": candidate(lambda: last(DEPTH), turns),
    }


def rows(effort: Effort) -> Rows:
    for turns in [length for length in effort.lengths if length >= DEPTH] or [2 * DEPTH]:
        rivals = candidates(turns)
        check_same_work(rivals)
        times = rounds_of(rivals, effort)
        for rival, name in (
            ("spread", "20 deep, turns in each / flat"),
            ("last", "20 deep, turns in the last / flat"),
        ):
            yield Row(name, turns, target=TARGETS.get(turns), **ratios(times, rival, "flat"))
