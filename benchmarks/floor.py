"""One message, against the least that any replay does: rows 'one message'.

The floor decodes a list of answers, feeds it to the same dialog from C, does the new steps
without asking which they are, and encodes the list. It checks nothing and keeps no names.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgpack

from benchmarks.conversations import (
    after,
    answer_of,
    answers,
    candidate,
    questions,
    questions_dialog,
)
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

TARGETS = {100: Target(1.4), 1000: Target(1.4)}


def feed(kept: bytes, answer: str) -> tuple[list[Any], bytes]:
    """Answer one message: what was said, and the new bytes."""
    values = msgpack.unpackb(kept)
    body = questions()
    deque(map(body.send, values), maxlen=0)
    draw = body.send(answer)
    drawn = draw.fn(*draw.args, **draw.kwargs)
    say = body.send(drawn)
    body.send(None)
    body.close()
    values += (answer, drawn, None)
    return [say.message], msgpack.packb(values)


def candidates(turns: int) -> dict[str, Candidate]:
    answer = answer_of(turns)
    bare = msgpack.packb([None, *answers(after(turns))])
    return {
        "dialogs": candidate(questions_dialog, turns),
        "floor": Candidate(
            lambda kept: feed(kept, answer),
            lambda: bare,
            lambda outcome: (outcome[0], msgpack.unpackb(outcome[1])[1:]),
        ),
    }


def rows(effort: Effort) -> Rows:
    for turns in effort.lengths:
        rivals = candidates(turns)
        check_same_work(rivals)
        times = rounds_of(rivals, effort)
        yield Row(
            "one message / the same dialog fed its answers",
            turns,
            target=TARGETS.get(turns),
            **ratios(times, "dialogs", "floor"),
        )
