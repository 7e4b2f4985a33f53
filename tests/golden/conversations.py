"""The conversations whose logs are kept: what the client answers, and what is said.

What stands here is in golden logs for ever: add, never change.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dialogs import (
    Dialog,
    Message,
)
from tests.golden.dialogs import (
    after_change,
    before_change,
    collapsing,
    failing,
    greet,
    many,
    named,
    nested,
    outside_rounds,
    prompting,
    registered,
    rounds,
    sorry,
    values,
    world,
)
from tests.golden.values import PLAIN, REGISTERED

TIMED_OUT = object()
"""In place of a response: the client did not answer in time."""


@dataclass(frozen=True)
class Conversation:
    """One conversation, from its start to its end.

    Args:
        root: its dialog.
        responses: what the client answers, after the start.
        said: what is said at the start and after each response; None where that may change.
        result: what the dialog returns.
        fallback: its fallback dialog.
        begun_by: the dialog that the conversation is begun with, where it is not `root`.
    """

    root: Dialog[Any]
    responses: list[Any]
    said: list[list[Any]] | None
    result: Any
    fallback: Dialog[Any] | None = None
    begun_by: Dialog[Any] | None = None


MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
RANDOM_ID = UUID(int=7)

CONVERSATIONS = {
    "greet": Conversation(
        greet(),
        ["Ada", 36],
        [["What is your name?"], ["And your age?"], []],
        {"name": "Ada", "age": 36},
    ),
    "nested": Conversation(
        nested(2),
        ["a", "b", "c", "d"],
        [
            (entering := [Message("In one", data={"a": (1, 2)}), "Deep in two"]),
            ["Innermost heard a."],
            entering,
            ["Innermost heard c."],
            ["Out again"],
        ],
        [["a", "b"], ["c", "d"]],
    ),
    "failing": Conversation(
        failing(),
        [TIMED_OUT, "end"],
        [[*(f"{n} caught" for n in range(1, 7)), "Soon it fails"], [], []],
        [
            ("ValueError", "a", 1),
            ("KeyError", "missing"),
            ("FileNotFoundError", 2, "No such file"),
            ("ZeroDivisionError",),
            ("OutOfStock", "no tea"),
            ("Unknown", "nobody registered this"),
            "inside",
            2.5,
        ],
    ),
    "collapsing": Conversation(
        collapsing(),
        ["x", "y", "z"],
        [["Question 0?"], ["Question 1?"], ["Question 2?"], []],
        [7, "x", "y", "z"],
    ),
    "values": Conversation(values(), [None], [["All kept"], []], PLAIN),
    "registered": Conversation(
        registered(), [REGISTERED], [[REGISTERED[-1]], []], [*REGISTERED, REGISTERED]
    ),
    "fallback": Conversation(
        after_change(),
        ["lost", "yes", "kept"],
        [
            ["Old words"],
            ["Sorry, we start anew. Fine?"],
            ["You said yes.", "New words"],
            [],
        ],
        "kept",
        fallback=sorry(),
        begun_by=before_change(),
    ),
    "rounds": Conversation(
        rounds(),
        ["a", "b", "next", "bye"],
        [
            ["Round 1 after None"],
            ["Round 2 after ('a',)"],
            ["Round 3 after ('b',)"],
            ["3 rounds, name"],
            [],
        ],
        "bye",
    ),
    "rounds_inside": Conversation(
        outside_rounds(),
        ["a", "next", "bye"],
        [["Round 1 after None"], ["Round 2 after ('a',)"], ["2 rounds, name"], []],
        ["rounds", "bye"],
    ),
    "named": Conversation(
        named(),
        ["a", "b"],
        [["These words may change", "These may not"], ["Nor these"], []],
        "a",
    ),
    "many": Conversation(many(), [1, 2], [[""] * 300, [""] * 300, []], (1, 2)),
    "world": Conversation(
        world(),
        ["x"],
        [["together"], []],
        [MOMENT, RANDOM_ID, 7, "only", [1, 7, None, MOMENT]],
    ),
    "prompting": Conversation(
        prompting(),
        ["Ada", "old", "36", "2", "yes", "Rome", "3"],
        None,
        ["Ada", 36, "coffee", True, "Rome", 3],
    ),
}
