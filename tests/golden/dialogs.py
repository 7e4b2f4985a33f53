"""The dialogs whose logs are kept.

They stand for those of users, whose conversations stay open while they install newer versions of
this library. What stands here is in golden logs for ever: add, never change.
"""

import random
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from dialogs import (
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

Steps = Iterator[Any]


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
        except Exception as caught:  # noqa: BLE001 - all of them, on purpose
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
    answers = [(yield quick()), (yield question(0)), (yield question(1))]
    return [*answers, (yield question(2))]


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
    every = [None] * len(REGISTERED)
    for number, value in enumerate(REGISTERED):
        every[number] = yield call(_same, value)
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
