"""Values of every type that a log may keep, and when two of them are the same."""

import math
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum, auto
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from pydantic import BaseModel

from dialogs import (
    Button,
    Message,
    serializable,
)

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
    st.one_of(keys, st.floats(), st.decimals(), st.complex_numbers(), st.just(Decimal("sNaN123"))),
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


# --- sameness ---------------------------------------------------------------------------------


def same(left: Any, right: Any) -> bool:  # noqa: C901, PLR0912 - one case for each type
    """Whether two values are equal and of the same types, all the way down."""
    if type(left) is not type(right):
        return False
    match left:
        case float():
            return (left == right and math.copysign(1, left) == math.copysign(1, right)) or (
                math.isnan(left) and math.isnan(right)
            )
        case complex():
            return same(left.real, right.real) and same(left.imag, right.imag)
        case Decimal():
            return left.as_tuple() == right.as_tuple()
        case datetime() | time():
            naive = left.replace(tzinfo=None) == right.replace(tzinfo=None)
            zone = left.tzinfo, right.tzinfo
            return naive and left.fold == right.fold and same(*zone)
        case ZoneInfo():
            return left.key == right.key
        case timezone():
            return left == right and left.tzname(None) == right.tzname(None)
        case list() | tuple():
            return len(left) == len(right) and all(map(same, left, right))
        case dict():
            return same(list(left.items()), list(right.items()))
        case set() | frozenset():
            # Every element has its twin: sets have no order to compare them in.
            rest = list(right)
            for item in left:
                twin = next((n for n, other in enumerate(rest) if same(item, other)), None)
                if twin is None:
                    return False
                del rest[twin]
            return not rest
        case BaseModel():
            parts = "__dict__", "__pydantic_extra__", "__pydantic_private__"
            return left.model_fields_set == right.model_fields_set and all(
                same(getattr(left, part), getattr(right, part)) for part in parts
            )
        case BaseException():
            return same(left.args, right.args) and same(left.__dict__, right.__dict__)
    if is_dataclass(left):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return bool(left == right)
