"""One value of every type that a log may keep, and classes registered for golden logs.

What stands here is in golden logs for ever: add, never change.
"""

import enum
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PrivateAttr

from dialogs import Attachment, Button, Message, serializable

BERLIN = ZoneInfo("Europe/Berlin")

PLAIN: dict[Any, Any] = {
    "none": None,
    "bools": [True, False],
    "ints": [0, 1, -1, 127, 128, 2**63 - 1, -(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 3**200],
    "floats": [0.0, -0.0, 1.5, math.inf, -math.inf, 5e-324],
    "texts": ["", "Grüße", "\x00", "\ud800", "𐍈", "long " * 60],
    "bytes": [b"", b"\xff" * 300],
    "lists": [[], [[1], [2, [3]]]],
    "dicts": {1: "int", "1": "str", b"1": "bytes", (1,): "tuple", None: "none", 2.5: "float"},
    "tuples": [(), (1, ("a", [2]))],
    "sets": [set(), {1, "a", b"b", (2, 3)}, frozenset({frozenset(), 4})],
    "datetimes": [
        datetime(2026, 1, 2, 3, 4, 5, 678),  # noqa: DTZ001 - naive values are values too
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30, seconds=1))),
        datetime(9999, 12, 31, tzinfo=timezone(timedelta(hours=1), "named")),
    ],
    "dates": [date(1, 1, 1), date(9999, 12, 31)],
    "times": [time(1, 2, 3, 4), time(tzinfo=UTC), time(5, tzinfo=BERLIN, fold=1)],
    "timedeltas": [timedelta(), timedelta(-1, 2, 3), timedelta.max],
    "decimals": [Decimal("1.50"), Decimal("-0"), Decimal("Infinity"), Decimal("1E+999999")],
    "fractions": [Fraction(1, 3), Fraction(-(10**30), 7)],
    "complex": [1 + 2j, complex(-0.0, math.inf)],
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "paths": [Path("a/b.txt"), PurePosixPath("/c"), PureWindowsPath("C:\\d\\e")],
}


@serializable(name="golden.Colour")
class Colour(enum.Enum):
    RED = "red"
    GREEN = 2


@serializable(name="golden.Level")
class Level(enum.IntEnum):
    LOW = 1


@serializable(name="golden.Word")
class Word(enum.StrEnum):
    YES = "yes"


@serializable(name="golden.Right")
class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Row(NamedTuple):
    left: Any
    right: Any = None


serializable(name="golden.Row")(Row)


@serializable(name="golden.Item")
@dataclass(frozen=True, slots=True)
class Item:
    name: str
    price: Decimal = Decimal(1)
    tags: frozenset[str] = frozenset()
    digest: str = field(init=False, default="none")


@serializable(name="golden.Person")
class Person(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    friends: list["Person"] = []
    _seen: int = PrivateAttr(default=0)


@serializable(name="golden.OutOfStock")
class OutOfStock(Exception):
    def __init__(self, item: str, *, left: int) -> None:
        super().__init__(f"no {item}")
        self.item = item
        self.left = left


@serializable(
    name="golden.Money",
    encode=lambda money: [money.amount, money.currency],
    decode=lambda parts: Money(*parts),
)
class Money:
    def __init__(self, amount: int, currency: str) -> None:
        self.amount = amount
        self.currency = currency

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.amount)


def _person() -> Person:
    person = Person(name="Ada", friends=[Person(name="Charles")], nick="Countess")
    person._seen = 3
    return person


REGISTERED: list[Any] = [
    Colour.RED,
    Level.LOW,
    Word.YES,
    Right.READ | Right.WRITE,
    Row(1, Row("a")),
    Item("tea", Decimal("2.50"), frozenset({"hot", "green"})),
    _person(),
    Money(3, "EUR"),
    {Colour.GREEN: {Level.LOW}},
    Button("Yes", value=True),
    Attachment("a.png", content=b"\x89PNG", media_type="image/png"),
    Message("Go on?", (Button("No"),), (Attachment("b", url="https://example.org/b"),), {"a": 1}),
]
