"""Values: what a log may keep comes back equal and of the same type, at every depth."""

import math
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from dialogs import (
    Attachment,
    Button,
    InMemoryPersistence,
    Message,
    NotSerializable,
    call,
    dialog,
    get_client_response,
    run_gen_dialog,
    send_message,
)
from dialogs.codec import encode, load
from tests.values import Level, Mood, Row, keys, natural, same, values


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


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - naive values are values too

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
    copy = load(data)
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
        (NAIVE, NAIVE.replace(fold=1)),
        (NAIVE.date(), NAIVE),
        (Decimal("1.0"), Decimal("1.00")),
        (PurePosixPath("a"), Path("a")),
        (PurePosixPath("a"), PureWindowsPath("a")),
    ],
)
def test_values_that_only_look_alike_stay_apart(left, right):
    assert encode(left) != encode(right)
    assert same(load(encode(left)), left)
    assert same(load(encode([left, right])), [left, right])


def test_containers_come_back_as_copies_so_that_a_step_cannot_share_its_own():
    mine = [1, {"a": [2]}]
    first, replayed = recorded(mine)
    assert first is not mine
    assert first[1]["a"] is not mine[1]["a"]
    assert replayed is not first


@given(st.dictionaries(keys, natural, max_size=6))
def test_a_dict_keeps_its_order(value):
    assert same(list(load(encode(value))), list(value))


@pytest.mark.parametrize(
    "value",
    [
        {Decimal("nan"): 1, Decimal("nan"): 2},
        {Decimal("nan"), Decimal("nan")},
        frozenset([Decimal("nan"), Decimal("nan")]),
        {float("nan"), float("nan")},
        [{(1, Decimal("nan")): 1, (1, Decimal("-nan").copy_abs()): 2}],
    ],
)
def test_keys_and_elements_that_only_their_identity_tells_apart_are_refused_and_never_lost(value):
    with pytest.raises(NotSerializable, match="would come back as one"):
        encode(value)


def test_a_path_whose_text_is_another_path_is_refused():
    path = PureWindowsPath("./c:b")
    if PureWindowsPath(str(path)) == path:  # Python 3.12 and later
        assert same(load(encode(path)), path)
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


WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog"]
_PRINT_SETS = """
import sys
from datetime import date
from dialogs.codec import encode
words = sys.argv[1:]
print(encode([
    set(words), frozenset(words), {(w, w) for w in words}, {frozenset(w) for w in words},
    {w.encode() for w in words}, {date(2026, 1, len(w)) for w in words}, {frozenset(words): 1},
]).hex())
"""


def test_equal_sets_have_equal_bytes_in_processes_that_hash_differently():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _PRINT_SETS, *WORDS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert load(bytes.fromhex(outputs.pop()))[0] == set(WORDS)
