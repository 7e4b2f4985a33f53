"""What is no value is refused, with its step, its place inside the value, and two ways out."""

import re
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import Enum
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import TZPATH, ZoneInfo

import pytest

from dialogs import (
    Button,
    InMemoryPersistence,
    NotSerializable,
    StepFailed,
    call,
    continue_as_new,
    dialog,
    gather,
    get_client_response,
    run_gen_dialog,
    send_message,
)
from dialogs.codec import MAX_DEPTH, encode, load
from tests.values import Model, Point, Refused, Row, same


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class OwnZone(tzinfo):  # how pytz makes its zones
    def utcoffset(self, _when):
        return timedelta(0)

    def dst(self, _when):
        return timedelta(0)

    def tzname(self, _when):
        return "OWN"


class NamedZone(ZoneInfo):
    pass


@dataclass
class Unregistered:
    x: int


class RedOrBlue(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "path", "type_name"),
    [
        (bytearray(b"a"), "value", "bytearray"),
        (memoryview(b"a"), "value", "memoryview"),
        (range(3), "value", "range"),
        (Ellipsis, "value", "ellipsis"),
        (object(), "value", "object"),
        (int, "value", "type"),
        (lambda: 1, "value", "function"),
        (len, "value", "builtin_function_or_method"),
        (Text("a"), "value", "Text"),
        (Number(1), "value", "Number"),
        (type("Items", (list,), {})([1]), "value", "Items"),
        (type("Pairs", (dict,), {})(a=1), "value", "Pairs"),
        (OrderedDict(a=1), "value", "OrderedDict"),
        (defaultdict(int), "value", "defaultdict"),
        (Counter("a"), "value", "Counter"),
        (deque([1]), "value", "deque"),
        (SimpleNamespace(a=1), "value", "SimpleNamespace"),
        (ValueError("a"), "value", "ValueError"),
        (Unregistered(1), "value", "Unregistered"),
        (RedOrBlue.RED, "value", "RedOrBlue"),
        (ZoneInfo("UTC"), "value", "ZoneInfo"),
        (UTC, "value", "timezone"),
        (re.match("a", "a"), "value", "Match"),
        ([1, [2, {"a": bytearray()}]], "value[1][1]['a']", "bytearray"),
        ({"a": {(1, 2): object()}}, "value['a'][(1, 2)]", "object"),
        ({Text("a"): 1}, "value[key 'a']", "Text"),
        ((1, Text("a")), "value[1]", "Text"),
        ({1, Number(2)}, "value{2}", "Number"),
        (Row("a", [object()]), "value.value[0]", "object"),
        (Point(1, y={"b": object()}), "value.y['b']", "object"),
        (Model(number=1, note=object()), "value.note", "object"),
        (Refused("a", object()), "value.args[1]", "object"),
        (datetime(2026, 1, 1, tzinfo=OwnZone()), "value", "datetime"),
        (time(1, tzinfo=NamedZone("Europe/Berlin")), "value", "time"),
        ([datetime(2026, 1, 1, tzinfo=OwnZone())], "value[0]", "datetime"),
        ({"a": [Fraction(2**40_000, 3)]}, "value['a'][0]", "Fraction"),
    ],
    ids=lambda part: part if isinstance(part, str) else None,
)
def test_anything_else_is_refused_with_its_step_its_place_and_two_ways_out(value, path, type_name):
    @dialog
    def keeps():
        yield call(lambda: value)

    kept = InMemoryPersistence()
    with pytest.raises(NotSerializable) as caught:
        run_gen_dialog(keeps(), kept, "")
    error = caught.value
    assert kept.log is None
    assert error.step == "call(<lambda>)"
    assert error.value_type == type_name
    assert error.path == path
    text = str(error)
    assert f"The value of {error.step} cannot be recorded: {error.path} is of type" in text
    assert "Return plain data instead" in text
    assert "register the type with @serializable" in text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "data only, never objects with code"),
        (time(1, tzinfo=OwnZone()), "Its time zone is a OwnZone; zones are kept by name"),
        (datetime(2026, 1, 1, tzinfo=NamedZone("Europe/Berlin")), "Its time zone is a NamedZone"),
        (Fraction(1, 2**40_000), "longer than 32,768 bits"),
    ],
)
def test_the_error_says_why(value, reason):
    with pytest.raises(NotSerializable) as caught:
        encode([value])
    assert reason in caught.value.why
    assert reason in str(caught.value)


def test_a_zone_without_a_name_is_refused():
    berlin = ZoneInfo("Europe/Berlin")
    path = next(file for root in TZPATH if (file := Path(root) / berlin.key).exists())
    with path.open("rb") as file:
        nameless = ZoneInfo.from_file(file)
        named = ZoneInfo.no_cache("Europe/Berlin")
    with pytest.raises(NotSerializable, match="zones are kept by name"):
        encode(datetime(2026, 1, 1, tzinfo=nameless))
    moment = datetime(2026, 1, 1, tzinfo=named)
    assert same(load(encode(moment)), moment)


def _wheel() -> dict[str, Any]:
    wheel: dict[str, Any] = {}
    wheel |= {"a": wheel, "b": [wheel], "c": (wheel,)}
    return wheel


_cyclic: list[Any] = []
_cyclic += [_cyclic, _cyclic]


@pytest.mark.parametrize("value", [_cyclic, _wheel()], ids=["list", "dict"])
def test_a_value_that_contains_itself_is_refused(value):
    with pytest.raises(NotSerializable, match="deeper than 100 levels"):
        encode(value)


NESTINGS = [
    lambda inner: [inner],
    lambda inner: (inner,),
    lambda inner: {"a": inner},
    lambda inner: frozenset([inner]),
    Point,
    lambda inner: Row("a", inner),
    lambda inner: Button("a", inner),
]


@pytest.mark.parametrize("nest", NESTINGS)
def test_a_value_may_nest_a_hundred_levels_and_no_more(nest):
    value = 1
    for _ in range(MAX_DEPTH):
        value = nest(value)
    assert same(load(encode(value)), value)
    with pytest.raises(NotSerializable, match="deeper than 100 levels"):
        encode(nest(value))


class Shy:
    def __repr__(self):
        raise RuntimeError("no text of this")


def test_what_has_no_text_is_refused_all_the_same():
    with pytest.raises(NotSerializable) as caught:
        encode({Shy(): 1})
    assert caught.value.path == "value[key Shy]"


def test_an_exception_that_holds_what_is_no_value_is_thrown_as_its_text():
    def fails():
        raise ValueError("a", object)

    @dialog
    def asks():
        with pytest.raises(StepFailed) as caught:
            yield call(fails)
        return caught.value.type_name, caught.value.message

    kept = InMemoryPersistence()
    assert run_gen_dialog(asks(), kept, "").return_value == (
        "ValueError",
        "('a', <class 'object'>)",
    )


# --- every place where a value is recorded ----------------------------------------------------


def _refusal(step) -> NotSerializable:
    @dialog
    def asks():
        return (yield step)

    with pytest.raises(NotSerializable) as caught:
        run_gen_dialog(asks(), InMemoryPersistence(), "")
    return caught.value


def test_a_message_that_is_no_value_is_refused():
    error = _refusal(send_message([object()]))
    assert (error.path, error.value_type) == ("value[0]", "object")
    assert "send_message(" in error.step


def test_a_step_of_a_gather_that_gives_no_value_is_named():
    error = _refusal(gather(call(int), call(object)))
    assert error.step == "call(object)"


def test_a_dialog_that_returns_no_value_is_named():
    @dialog
    def inner():
        yield call(int)
        return {"a": object()}

    error = _refusal(inner())
    assert (error.path, error.step) == ("value['a']", "the dialog 'inner'")


def test_the_result_of_the_conversation_must_be_a_value():
    @dialog
    def root():
        yield call(int)
        return object()

    with pytest.raises(NotSerializable, match="the dialog 'root' as its result"):
        run_gen_dialog(root(), InMemoryPersistence(), "")


def test_the_arguments_of_continue_as_new_must_be_values():
    @dialog
    def endless(_thing=None):
        yield continue_as_new(endless(object()))

    with pytest.raises(NotSerializable, match="the arguments of the dialog 'endless'"):
        run_gen_dialog(endless(), InMemoryPersistence(), "")


def test_a_client_response_that_is_no_value_is_refused_and_another_can_be_given():
    @dialog
    def asks():
        return (yield get_client_response())

    kept = InMemoryPersistence()
    run_gen_dialog(asks(), kept, "")
    with pytest.raises(NotSerializable, match=r"The value of get_client_response\(\)"):
        run_gen_dialog(asks(), kept, object())
    assert run_gen_dialog(asks(), kept, UUID(int=1)).return_value == UUID(int=1)
