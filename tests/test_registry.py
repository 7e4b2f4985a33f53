"""`@serializable`: what may be registered, and how it may change under older logs."""

import dataclasses
import enum
from dataclasses import InitVar, dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from dialogs import (
    Corrupt,
    InMemoryPersistence,
    LogError,
    NotSerializable,
    StepFailed,
    UsageError,
    call,
    dialog,
    get_client_response,
    registry,
    run_gen_dialog,
    serializable,
)
from tests.registered import log_with, read, round_trip


@pytest.fixture(autouse=True)
def _own_registrations(monkeypatch) -> None:
    """Each test begins with what the library registers: names of one do not clash with another's,
    nor with those of the docs' pages.
    """
    for table in ("_by_type", "_by_name"):
        entries = getattr(registry, table).items()
        own = {key: entry for key, entry in entries if entry.type.__module__.startswith("dialogs.")}
        monkeypatch.setattr(registry, table, own)


# --- enums ------------------------------------------------------------------------------------


def test_members_of_enums_come_back_as_themselves_under_their_own_names():
    @serializable
    class Size(enum.Enum):
        SMALL = (object(),)  # a member's value is not kept
        LITTLE = SMALL  # an alias
        BIG = object()

    assert round_trip(Size.SMALL) is Size.SMALL
    assert round_trip(Size.LITTLE) is Size.SMALL
    assert round_trip(Size.BIG) is Size.BIG


def test_int_and_str_enums_keep_their_type():
    @serializable
    class Level(enum.IntEnum):
        LOW = 1

    @serializable
    class Word(enum.StrEnum):
        YES = "yes"

    assert round_trip(Level.LOW) is Level.LOW
    assert round_trip(Word.YES) is Word.YES
    assert round_trip({Level.LOW: Word.YES}) == {1: "yes"}


def test_flags_come_back_with_all_their_bits():
    @serializable
    class Right(enum.Flag):
        READ = enum.auto()
        WRITE = enum.auto()

    @serializable
    class Bits(enum.IntFlag):
        ONE = 1

    assert round_trip(Right.READ | Right.WRITE) is Right.READ | Right.WRITE
    assert round_trip(Right(0)) is Right(0)
    assert round_trip(Bits(0b101)) == 0b101


def test_a_member_that_is_gone_is_a_log_error():
    @serializable(name="Size")
    class Size(enum.Enum):
        SMALL = 1

    log = log_with(Size.SMALL)
    rename(Size, enum.Enum("Size", {"BIG": 1}))
    with pytest.raises(LogError):
        read(log)


# --- dataclasses ------------------------------------------------------------------------------


def test_dataclasses_of_every_make_come_back_equal():
    @serializable
    @dataclass
    class Base:
        x: int
        tags: list[str] = field(default_factory=list)

    @serializable
    @dataclass
    class Derived(Base):
        y: int = 0

    @serializable
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        inside: Any

    for value in (Base(1, ["a"]), Derived(1, ["a"], 2), Frozen(inside=Derived(3))):
        assert round_trip(value) == value


def test_a_subclass_is_registered_by_itself_or_refused():
    @serializable
    @dataclass
    class Base:
        x: int

    @dataclass
    class Derived(Base):
        pass

    with pytest.raises(NotSerializable, match="is of type Derived"):
        log_with(Derived(1))


def test_a_dataclass_is_rebuilt_as_it_was_without_running_its_init():
    @serializable
    @dataclass
    class Account:
        owner: str
        password: InitVar[str] = ""
        digest: str = field(init=False, default="")
        made: int = field(init=False, default=0, compare=False)

        def __post_init__(self, password):
            assert password, "only its author gives the password"
            self.digest = password[::-1]

    account = Account("Ada", "secret")
    account.owner = "Eve"
    account.made = 7
    copy = round_trip(account)
    assert copy == account
    assert (copy.owner, copy.digest, copy.made) == ("Eve", "terces", 7)


def test_a_field_that_was_never_set_does_not_stop_the_dataclass_from_being_kept():
    @serializable
    @dataclass
    class Late:
        x: int = field(init=False)
        y: int = 1

    copy = round_trip(Late())
    assert copy.y == 1
    assert not hasattr(copy, "x")


def test_a_generic_dataclass_is_one_class():
    item = TypeVar("item")

    @serializable
    @dataclass
    class Box(Generic[item]):
        content: item

    assert round_trip(Box[int](1)) == Box(1)
    assert round_trip(Box("a")) == Box("a")


def rename(old: type, new: Any) -> type:
    """What a deployment does: the class of that name is now another one."""
    new.__module__, new.__qualname__ = old.__module__, old.__qualname__
    name = next(entry.name for entry in registry._by_name.values() if entry.type is old)
    return serializable(name=name)(new)


def test_a_field_added_later_gets_its_default_in_older_logs():
    @serializable(name="Order")
    @dataclass
    class Order:
        item: str

    log = log_with(Order("tea"))
    newer = rename(
        Order,
        dataclasses.make_dataclass(
            "Order",
            [
                ("item", str),
                ("count", int, 1),
                ("notes", list, field(default_factory=list)),
            ],
        ),
    )
    assert read(log) == newer("tea", 1, [])
    assert type(read(log)) is newer


def test_a_field_added_later_without_a_default_is_a_log_error_that_names_it():
    @serializable(name="Order")
    @dataclass
    class Order:
        item: str

    log = log_with(Order("tea"))
    rename(Order, dataclasses.make_dataclass("Order", [("item", str), ("count", int)]))
    with pytest.raises(Corrupt, match="'count' without a default"):
        read(log)


def test_a_field_removed_later_is_dropped_from_older_logs():
    @serializable(name="Order")
    @dataclass
    class Order:
        item: str
        count: int

    log = log_with(Order("tea", 2))
    newer = rename(Order, dataclasses.make_dataclass("Order", [("item", str)]))
    assert read(log) == newer("tea")


# --- named tuples -----------------------------------------------------------------------------


class Pair(NamedTuple):
    left: Any
    right: Any = None


def test_named_tuples_keep_their_class_and_may_grow_and_shrink():
    serializable(name="Pair")(Pair)
    value = Pair(Pair(1, (2,)))
    copy = round_trip(value)
    assert copy == value
    assert type(copy.left) is Pair
    log = log_with(Pair("a"))

    class Wider(NamedTuple):
        left: Any
        right: Any = None
        middle: int = 5

    rename(Pair, Wider)
    assert read(log) == ("a", None, 5)

    class Narrower(NamedTuple):
        left: Any

    rename(Wider, Narrower)
    assert read(log) == ("a",)


def test_a_dataclass_may_become_a_named_tuple_and_the_other_way_round():
    @serializable(name="Pair")
    @dataclass
    class Old:
        left: int
        right: int = 0

    log = log_with(Old(1, 2))
    registry._by_name.pop("Pair")  # what a new process begins with
    serializable(name="Pair")(Pair)
    assert read(log) == Pair(1, 2)
    log = log_with(Pair(3))
    registry._by_name.pop("Pair")
    serializable(name="Pair")(Old)
    assert read(log) == Old(3, None)


# --- pydantic models --------------------------------------------------------------------------


def test_pydantic_models_come_back_with_all_that_they_are_made_of():
    @serializable
    class Address(BaseModel):
        city: str

    @serializable
    class Person(BaseModel):
        model_config = ConfigDict(extra="allow", frozen=True)
        name: str = Field(alias="fullName")
        home: Address | None = None
        others: list[Address] = []
        _seen: int = PrivateAttr(default=0)

    person = Person(fullName="Ada", home=Address(city="London"), nick="Countess")
    person._seen = 3
    copy = round_trip(person)
    assert copy == person
    assert copy.model_extra == {"nick": "Countess"}
    assert copy.model_fields_set == {"name", "home", "nick"}
    assert copy._seen == 3
    assert type(copy.home) is Address


def test_a_model_is_not_validated_again():
    @serializable
    class Strict(BaseModel):
        n: int

    value = Strict.model_construct(n="not a number")
    assert round_trip(value).n == "not a number"


def test_root_models_and_pydantic_dataclasses_come_back_equal():
    @serializable
    class Names(pydantic.RootModel[list[str]]):
        pass

    @serializable
    @pydantic.dataclasses.dataclass
    class Spot:
        x: int

    assert round_trip(Names(["a"])) == Names(["a"])
    assert round_trip(Spot(1)) == Spot(1)


def test_a_model_field_added_later_gets_its_default_in_older_logs():
    @serializable(name="tests.Person")
    class Person(BaseModel):
        name: str

    log = log_with(Person(name="Ada"))

    class Grown(BaseModel):
        name: str
        visits: int = 1
        tags: list[str] = Field(default_factory=list)
        shout: str = Field(default_factory=lambda data: data["name"].upper())

    rename(Person, Grown)
    copy = read(log)
    assert (copy.name, copy.visits, copy.tags, copy.shout) == ("Ada", 1, [], "ADA")
    assert copy.model_fields_set == {"name"}


# --- exceptions -------------------------------------------------------------------------------


def test_a_registered_exception_is_caught_by_its_class_on_the_first_run_and_on_replay():
    @serializable
    class OutOfStock(Exception):
        def __init__(self, item, *, left):
            super().__init__(f"no {item}")
            self.item = item
            self.left = left

    def order():
        raise OutOfStock("tea", left=0)

    seen = []

    @dialog
    def shop():
        try:
            yield call(order)
        except OutOfStock as error:
            seen.append((str(error), error.item, error.left))
        yield get_client_response()

    kept = InMemoryPersistence()
    run_gen_dialog(shop(), kept, "")
    run_gen_dialog(shop(), kept, "")
    assert seen == [("no tea", "tea", 0)] * 2


def test_a_dataclass_that_is_an_exception_keeps_its_fields_and_its_arguments():
    @serializable
    @dataclass
    class Declined(Exception):
        code: int

    copy = round_trip(Declined(3))
    assert copy.code == 3
    assert copy.args == (3,)
    assert str(copy) == str(Declined(3))


def test_an_exception_that_was_not_registered_is_thrown_as_step_failed():
    class OutOfStock(Exception):
        pass

    def order():
        raise OutOfStock("no tea")

    @dialog
    def shop():
        with pytest.raises(StepFailed) as caught:
            yield call(order)
        yield get_client_response()
        return caught.value.type_name, caught.value.message

    kept = InMemoryPersistence()
    run_gen_dialog(shop(), kept, "")
    assert run_gen_dialog(shop(), kept, "").return_value == ("OutOfStock", "no tea")


# --- any other class --------------------------------------------------------------------------


def test_any_class_may_give_both_functions():
    @serializable(
        encode=lambda money: [money.amount, money.currency], decode=lambda parts: Money(*parts)
    )
    class Money:
        def __init__(self, amount, currency):
            self.amount = amount
            self.currency = currency

    copy = round_trip({"price": Money(3, "EUR")})["price"]
    assert type(copy) is Money
    assert (copy.amount, copy.currency) == (3, "EUR")


def test_the_functions_count_before_what_a_class_is():
    @serializable(encode=lambda point: f"{point.x}", decode=lambda text: Point(int(text)))
    @dataclass
    class Point:
        x: int

    assert b"\xa212" in log_with(Point(12))
    assert round_trip(Point(12)) == Point(12)


def test_what_encode_gives_must_be_a_value_itself():
    @serializable(encode=lambda thing: [object()], decode=lambda parts: None)
    class Thing:
        pass

    with pytest.raises(NotSerializable, match="is of type Thing"):
        log_with(Thing())


def test_what_decode_raises_stops_the_turn_and_in_an_older_log_it_is_a_log_error():
    readable = [True]

    def decode(parts):
        if not readable[0]:
            raise RuntimeError("no such thing")
        return Thing()

    @serializable(encode=lambda thing: 1, decode=decode)
    class Thing:
        pass

    log = log_with(Thing())
    readable[0] = False
    with pytest.raises(Corrupt, match="no such thing"):
        read(log)
    # Nothing is recorded that could not be read again.
    with pytest.raises(RuntimeError, match="no such thing"):
        log_with(Thing())


class Ordinary:
    pass


@pytest.mark.parametrize(
    "kind", [Ordinary, int, list, object, type("Items", (list,), {}), type("Text", (str,), {})]
)
def test_a_class_of_no_known_kind_is_refused_without_both_functions(kind):
    for options in ({}, {"encode": str}, {"decode": str}):
        with pytest.raises(UsageError, match="Give both functions"):
            serializable(**options)(kind)
    assert registry.by_type(kind) is None
