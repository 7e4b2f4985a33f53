"""The conversations whose logs are kept: their dialogs, what the client answers, what is said.

What stands here is in golden logs for ever: add, never change. A dialog here stands for those of
users, whose conversations stay open while they install newer versions of this library.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from dialogs import (
    Dialog,
    Message,
    ResponseTimeout,
    StepFailed,
    call,
    choice,
    continue_as_new,
    dialog,
    gather,
    get_client_response,
    now,
    patched,
    randint,
    run,
    send_message,
    serializable,
    uuid4,
)
from dialogs.prompts import ask, choose, confirm, form
from tests.golden.values import PLAIN, REGISTERED, OutOfStock

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


Steps = Iterator[Any]


# --- the dialogs ------------------------------------------------------------------------------


@dialog(name="golden.greet")
def greet() -> Steps:
    yield send_message("What is your name?")
    name = yield get_client_response()
    yield send_message("And your age?")
    age = yield get_client_response(timeout=60)
    return {"name": name, "age": age}


@dialog(name="golden.three", version="3")
def three() -> Steps:
    answer = yield get_client_response()
    yield send_message(f"Innermost heard {answer}.")
    return [answer, (yield get_client_response())]


@dialog(name="golden.two")
async def two(word: str) -> Any:
    await send_message(f"{word} in two")
    try:
        return await three()
    finally:
        random.random()  # what a `finally` does shows in no log


@dialog(name="golden.one")
def one() -> Any:  # a plain function
    run(send_message(Message("In one", data={"a": (1, 2)})))
    return run(two("Deep"))


@dialog(name="golden.nested")
async def nested(count: int) -> Any:
    """An async generator would do as well; all styles write the same log."""
    results = [await one() for _ in range(count)]
    await send_message("Out again")
    return results


def _raise(error: Exception) -> None:
    raise error


class Unknown(Exception):
    pass


_FAILURES = [
    ValueError("a", 1),
    KeyError("missing"),
    OSError(2, "No such file", "a.txt"),
    ZeroDivisionError(),
    OutOfStock("tea", left=0),
    Unknown("nobody registered this"),
]


@dialog(name="golden.failing")
def failing() -> Steps:
    seen = []
    for error in _FAILURES:
        try:
            yield call(_raise, error)
        except Exception as caught:
            seen.append((type(caught).__name__, *caught.args))
            if isinstance(caught, StepFailed):
                seen[-1] = (caught.type_name, caught.message)
        yield send_message(f"{len(seen)} caught")
    try:
        yield failing_inside()
    except RuntimeError as caught:
        seen.append(str(caught))
    try:
        yield get_client_response(timeout=2.5)
    except ResponseTimeout as caught:
        seen.append(caught.timeout_s)
    yield get_client_response()
    return seen


@dialog(name="golden.failing_inside")
def failing_inside() -> Steps:
    yield send_message("Soon it fails")
    raise RuntimeError("inside")


@dialog(name="golden.quick")
def quick() -> int:
    return 7  # no steps: a recorded step itself


@dialog(name="golden.question")
def question(number: int) -> Steps:
    yield send_message(f"Question {number}?")
    return (yield get_client_response())


@dialog(name="golden.collapsing")
def collapsing() -> Steps:
    answers = [(yield quick())]
    for number in range(3):
        answers.append((yield question(number)))
    return answers


@dialog(name="golden.values")
def values() -> Steps:
    every = {}
    for name, value in PLAIN.items():
        every[name] = yield call(_same, value)
    yield send_message("All kept")
    yield get_client_response()
    return every


@dialog(name="golden.registered")
def registered() -> Steps:
    every = []
    for value in REGISTERED:
        every.append((yield call(_same, value)))
    yield send_message(REGISTERED[-1])
    every.append((yield get_client_response()))
    return every


def _same(value: Any) -> Any:
    return value


@dialog(name="golden.changing", version="1")
def before_change() -> Steps:
    yield send_message("Old words")
    return (yield get_client_response())


@dialog(name="golden.changing", version="2")
def after_change() -> Steps:
    yield send_message("New words")
    return (yield get_client_response())


@dialog(name="golden.sorry")
def sorry() -> Steps:
    yield send_message("Sorry, we start anew. Fine?")
    yield send_message(f"You said {(yield get_client_response())}.")


@dialog(name="golden.rounds")
def rounds(number: int = 1, last: Any = None) -> Steps:
    yield send_message(f"Round {number} after {last}")
    answer = yield get_client_response()
    if answer == "next":
        yield continue_as_new(farewell(number, by="name"))
    yield continue_as_new(rounds(number + 1, last=(answer,)))


@dialog(name="golden.farewell")
def farewell(number: int, *, by: str) -> Steps:
    yield send_message(f"{number} rounds, {by}")
    return (yield get_client_response())


@dialog(name="golden.outside_rounds")
def outside_rounds() -> Steps:
    return ["rounds", (yield rounds())]


@dialog(name="golden.named")
def named() -> Steps:
    yield send_message("These words may change", name="greeting")
    yield send_message("These may not")
    yield patched("golden-change")
    answer = yield get_client_response()
    yield send_message("Nor these")
    yield get_client_response()
    return answer


@dialog(name="golden.many")
def many() -> Steps:
    for number in range(300):
        yield send_message("", name=f"message {number}")
    first = yield get_client_response()
    for number in reversed(range(300)):
        yield send_message("", name=f"message {number}")
    return first, (yield get_client_response())


@dialog(name="golden.world")
def world() -> Steps:
    answers = [(yield now()), (yield uuid4()), (yield randint(7, 7)), (yield choice(["only"]))]
    answers.append((yield gather(call(_same, 1), quick(), send_message("together"), now())))
    yield get_client_response()
    return answers


@serializable(name="golden.Trip")
class Trip(BaseModel):
    goal: str
    days: int


@dialog(name="golden.prompting")
def prompting() -> Steps:
    name = yield ask("Your name?")
    age = yield ask("Your age?", parse=int, attempts=3)
    drink = yield choose("Tea or coffee?", ["tea", "coffee"])
    sure = yield confirm("Sure?")
    trip = yield form(Trip)
    return [name, age, drink, sure, trip.goal, trip.days]


# --- the conversations ------------------------------------------------------------------------

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
