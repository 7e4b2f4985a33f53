"""What a turn adds to the log: rows 'bytes'."""

from __future__ import annotations

from benchmarks.conversations import after
from benchmarks.measure import Effort, Row, Rows, Target

TARGETS = {100: Target(26), 1000: Target(26)}


def rows(effort: Effort) -> Rows:
    empty = len(after(0))
    for turns in effort.lengths:
        grown = (len(after(turns)) - empty) / turns
        yield Row("bytes a turn adds to the log", turns, [grown], TARGETS.get(turns), unit="B")
