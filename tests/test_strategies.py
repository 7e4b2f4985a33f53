"""The strategies: what they draw is what dialogs meet."""

import re
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings, strategies as st

from dialogs import (
    UsageError,
    call,
    dialog,
    gather,
    get_client_response,
    now,
    randint,
    send_message,
    uuid4,
)
from dialogs.testing import DialogTester, crash_points, hashables, texts, values


def types_in(value):
    """The type of a value, and of everything in it, in order."""
    if isinstance(value, dict):
        return dict, [types_in(item) for item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [types_in(item) for item in value]
    if isinstance(value, set | frozenset):
        # A set has no order of its own: its elements come back equal, and of the same types.
        return type(value), sorted(repr(types_in(item)) for item in value)
    return type(value)


@given(value=values())
@settings(max_examples=100)
def test_values_are_kept_by_the_log(value):
    tester = DialogTester(call(lambda: value), run="sync").start()
    assert tester.result == value
    assert types_in(tester.result) == types_in(value)


@given(value=hashables())
@settings(max_examples=50)
def test_hashables_are_kept_as_keys(value):
    DialogTester(call(lambda: {value: {value}}), run="sync").start().expect_done({value: {value}})


def drawn(strategy, count):
    """What a strategy draws, always the same."""
    values = []

    @given(value=strategy)
    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])
    def collect(value):
        values.append(value)

    collect()
    return values


def parts(value):
    """A value and everything in it."""
    yield value
    inside = value.items() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple | set | frozenset):
        for part in inside:
            yield from parts(part)


KINDS = {
    *(type(None), bool, int, float, str, bytes, list, dict, tuple, set, frozenset),
    *(datetime, date, time, timedelta, Decimal, Fraction, complex, UUID),
    *(type(Path()), PurePosixPath, PureWindowsPath),
}


def test_values_are_of_every_type_that_the_log_keeps():
    found = [part for value in drawn(values(), 200) for part in parts(value)]
    assert {type(part) for part in found} == KINDS
    assert any(type(part) is int and part > 2**64 for part in found)
    assert any(type(part) is str and re.search("[\ud800-\udfff]", part) for part in found)
    assert any(type(part) is datetime and isinstance(part.tzinfo, ZoneInfo) for part in found)
    assert any(type(part) is dict and any(type(key) is tuple for key in part) for part in found)


def test_texts_are_what_clients_type():
    found = drawn(texts(), 300)
    assert {"", "yes", "1"} < set(found)
    assert any(re.search("[\ud800-\udfff]", text) for text in found)
    assert any("\n" in text for text in found)
    assert any(text > "\uffff" for text in found)


def test_strategies_are_reported_by_their_names():
    assert [repr(strategy()) for strategy in (values, hashables, texts)] == [
        "values()",
        "hashables()",
        "texts()",
    ]


@given(text=texts())
def test_texts_are_responses(text):
    DialogTester(get_client_response(), run="sync").say(text).expect_done(text)


@given(point=crash_points(max_effects=3))
def test_crash_points_are_numbers_of_effects_or_none(point):
    assert point is None or point in range(4)


@dialog
def bets():
    number = yield randint(1, 1000)
    yield send_message(f"{yield now()}")
    bet = yield get_client_response()
    tickets = yield gather(uuid4(), call(abs, -number))
    yield send_message(f"{bet} on {tickets}")
    return number, (yield get_client_response())


@given(
    responses=st.tuples(texts(), texts()),
    crashes=st.tuples(crash_points(), crash_points(), crash_points()),
)
@settings(max_examples=50)
def test_a_crash_at_any_point_and_a_retry_equal_no_crash(responses, crashes):
    calm, tester = DialogTester(bets(), run="sync").start(), DialogTester(bets(), run="sync")
    tester.start(crash_at=crashes[0])
    for response, crash_at in zip(responses, crashes[1:], strict=True):
        calm.say(response)
        tester.say(response, crash_at=crash_at)
        assert (tester.bytes, tester.messages) == (calm.bytes, calm.messages)


@pytest.mark.parametrize("strategy", [values, hashables, texts, crash_points])
def test_the_strategies_need_hypothesis(monkeypatch, strategy):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(UsageError, match="Install it with: pip install hypothesis"):
        strategy()


def test_the_tester_does_not_import_hypothesis():
    code = "import sys, dialogs.testing; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
