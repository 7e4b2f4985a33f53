"""Values: what a log may keep comes back equal and of the same type, at every depth."""

import math
import os
import re
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum, auto
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import TZPATH, ZoneInfo

import pytest
from hypothesis import example, given, strategies as st
from pydantic import BaseModel

from dialogs import (
    Attachment,
    Button,
    InMemoryPersistence,
    Message,
    NotSerializable,
    call,
    continue_as_new,
    dialog,
    gather,
    get_client_response,
    run_gen_dialog,
    send_message,
    serializable,
)
from dialogs.codec import MAX_DEPTH, decode, encode
from tests.same import same

# --- registered types -------------------------------------------------------------------------


@serializable(name="values.Colour")
class Colour(Enum):
    RED = "red"
    BLUE = ("a", 2)


@serializable(name="values.Level")
class Level(IntEnum):
    LOW = 1
    HIGH = 2


@serializable(name="values.Mood")
class Mood(StrEnum):
    GLAD = auto()
    SAD = auto()


@serializable(name="values.Right")
class Right(Flag):
    READ = auto()
    WRITE = auto()


class Row(NamedTuple):
    name: str
    value: Any


serializable(name="values.Row")(Row)


@serializable(name="values.Point")
@dataclass(frozen=True, slots=True)
class Point:
    x: Any
    y: Any = 0


@serializable(name="values.Model")
class Model(BaseModel):
    number: int
    note: Any = None


@serializable(name="values.Refused")
class Refused(Exception):
    pass


# --- strategies -------------------------------------------------------------------------------

texts = st.text(st.characters())  # lone surrogates too, which st.text() leaves out
zones = st.one_of(
    st.none(),
    st.just(UTC),
    st.timezones(),
    st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23))),
    st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)), st.text()),
)
folds = st.integers(0, 1)
datetimes = st.builds(
    lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold),
    st.datetimes(),
    zones,
    folds,
)
times = st.builds(
    lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold), st.times(), zones, folds
)
file_names = st.text(st.characters(exclude_characters="\0"))


def paths(kind: Any) -> Any:
    return st.builds(kind, file_names).filter(lambda path: kind(str(path)) == path)


natural = st.one_of(  # what is equal to itself
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**300), 2**300),
    st.sampled_from([n + d for n in (2**63, -(2**63), 2**64, -(2**64)) for d in (-1, 0, 1)]),
    st.floats(allow_nan=False),
    st.sampled_from([0.0, -0.0, math.inf, -math.inf]),
    texts,
    st.binary(),
)
# What may be an element of a set, or a dict's key.
atoms = st.one_of(
    natural,
    datetimes,
    st.dates(),
    times,
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.complex_numbers(allow_nan=False),
    st.uuids(),
    paths(Path),
    paths(PurePosixPath),
    paths(PureWindowsPath),
    st.sampled_from([*Colour, *Level, *Mood, *Right, Right.READ | Right.WRITE, Right(0)]),
)
keys = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner, max_size=3),
        st.builds(Row, st.text(), inner),
        st.builds(Point, inner, inner),
    ),
    max_leaves=4,
)
values = st.recursive(
    st.one_of(
        keys, st.floats(), st.decimals(), st.complex_numbers(), st.just(Decimal("sNaN123"))
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.sets(keys, max_size=4),
        st.builds(Row, st.text(), inner),
        st.builds(Point, inner),
        st.builds(Model, number=st.integers(), note=inner),
        st.builds(Refused, inner),
        st.builds(Button, st.text(), inner),
        st.builds(Message, st.text(), data=inner),
    ),
    max_leaves=8,
)


def recorded(value: Any) -> list[Any]:
    """What a dialog gets for a step that gives this value: on the first run, and on a replay."""
    seen = []

    @dialog
    def keeps() -> Any:
        seen.append((yield call(lambda: value)))
        yield get_client_response()

    kept = InMemoryPersistence()
    run_gen_dialog(keeps(), kept, "")
    assert run_gen_dialog(keeps(), kept, "").is_done
    return seen


# --- round trips ------------------------------------------------------------------------------


@given(values)
@example(2**20_000)
@example({2**20_000: 1, -(2**20_000): 2})
@example({1: "int", "1": "str", b"1": "bytes", (1,): "tuple", None: "none", 1.5: "float"})
@example([True, 1, 1.0, Decimal(1), Fraction(1), 1 + 0j, Level.LOW])
@example("\ud800")
@example(datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1))
@example({math.nan, Decimal("nan")})
@example({math.nan: math.nan})
@example((complex(-0.0, math.nan), -math.nan))
def test_a_value_comes_back_equal_and_of_the_same_type(value):
    data = encode(value)
    copy = decode(data)
    assert same(copy, value)
    assert encode(copy) == data


@given(values)
def test_a_dialog_gets_the_value_of_a_step_on_the_first_run_as_on_every_replay(value):
    first, replayed = recorded(value)
    assert same(first, value)
    assert same(replayed, value)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ("a", b"a"),
        ([1], (1,)),
        ({1}, frozenset({1})),
        (Level.LOW, 1),
        (Mood.GLAD, "glad"),
        (Row("a", 1), ("a", 1)),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, fold=1)),
        (date(2026, 1, 1), datetime(2026, 1, 1)),
        (Decimal("1.0"), Decimal("1.00")),
        (PurePosixPath("a"), Path("a")),
        (PurePosixPath("a"), PureWindowsPath("a")),
    ],
)
def test_values_that_only_look_alike_stay_apart(left, right):
    assert encode(left) != encode(right)
    assert same(decode(encode(left)), left)
    assert same(decode(encode([left, right])), [left, right])


def test_containers_come_back_as_copies_so_that_a_step_cannot_share_its_own():
    mine = [1, {"a": [2]}]
    first, replayed = recorded(mine)
    assert first is not mine
    assert first[1]["a"] is not mine[1]["a"]
    assert replayed is not first


@given(st.dictionaries(keys, natural, max_size=6))
def test_a_dict_keeps_its_order(value):
    assert same(list(decode(encode(value))), list(value))


@pytest.mark.parametrize(
    "value",
    [
        {Decimal("nan"): 1, Decimal("nan"): 2},
        {Decimal("nan"), Decimal("nan")},
        frozenset([Decimal("nan"), Decimal("nan")]),
        {float("nan"), float("nan")},
        [{(1, float("nan")): 1, (1, float("nan")): 2}],
    ],
)
def test_keys_and_elements_that_only_their_identity_tells_apart_are_refused_and_never_lost(value):
    with pytest.raises(NotSerializable, match="would come back as one"):
        encode(value)


def test_a_path_whose_text_is_another_path_is_refused():
    path = PureWindowsPath("./c:b")
    if PureWindowsPath(str(path)) == path:  # Python 3.12 and later
        assert same(decode(encode(path)), path)
    else:
        with pytest.raises(NotSerializable, match="read as another path"):
            encode(path)


@pytest.mark.parametrize(
    "message",
    [
        Message("Go on?", (Button("Yes", True), Button("No"))),
        Message("A picture.", attachments=(Attachment("a.png", content=b"\x89PNG"),)),
        {"text": "a dict", "when": date(2026, 1, 1)},
        ("a", "tuple"),
    ],
)
def test_a_message_may_be_any_value(message):
    @dialog
    def says():
        yield send_message(message)

    assert same(run_gen_dialog(says(), InMemoryPersistence(), "").messages, [message])


# --- equal values, equal bytes ----------------------------------------------------------------


@given(st.lists(keys, max_size=6), st.randoms(use_true_random=False))
def test_the_order_in_which_a_set_was_made_does_not_show_in_its_bytes(items, random):
    first = set(items)
    shuffled = list(first)
    random.shuffle(shuffled)
    assert encode(set(shuffled)) == encode(first)
    assert encode(frozenset(shuffled)) == encode(frozenset(first))


_PRINT_SETS = """
from datetime import date
from dialogs.codec import encode
words = "the quick brown fox jumps over the lazy dog".split()
print(encode([
    set(words), frozenset(words), {(w, w) for w in words}, {frozenset(w) for w in words},
    {w.encode() for w in words}, {date(2026, 1, len(w)) for w in words}, {frozenset(words): 1},
]).hex())
"""


def test_equal_sets_have_equal_bytes_in_processes_that_hash_differently():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _PRINT_SETS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    words = set("the quick brown fox jumps over the lazy dog".split())
    assert decode(bytes.fromhex(outputs.pop()))[0] == words


# --- what is refused --------------------------------------------------------------------------


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
        recorded([value])
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
    assert same(decode(encode(moment)), moment)


def _wheel() -> dict[str, Any]:
    wheel: dict[str, Any] = {}
    wheel |= {"a": wheel, "b": [wheel], "c": (wheel,)}
    return wheel


_cyclic: list[Any] = []
_cyclic += [_cyclic, _cyclic]


@pytest.mark.parametrize("value", [_cyclic, _wheel()], ids=["list", "dict"])
def test_a_value_that_contains_itself_is_refused(value):
    with pytest.raises(NotSerializable, match="deeper than 100 levels"):
        recorded(value)


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
    assert same(decode(encode(value)), value)
    with pytest.raises(NotSerializable, match="deeper than 100 levels"):
        encode(nest(value))


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
