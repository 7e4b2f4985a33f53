"""Hypothesis strategies: values that the log can keep, what clients type, and crash points.

hypothesis is imported when one of them is asked for.
"""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from dialogs.errors import UsageError

if TYPE_CHECKING:
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
else:

    class _Strategies:
        """`hypothesis.strategies`, imported on its first use."""

        def __getattr__(self, name: str) -> Any:
            try:
                from hypothesis import strategies  # noqa: PLC0415 - tests without it need none
            except ImportError as error:
                raise UsageError(
                    "The strategies of dialogs.testing need hypothesis, which is not installed.",
                    "hypothesis draws from them.",
                    "Install it with: pip install hypothesis",
                ) from error
            return getattr(strategies, name)

    st = _Strategies()


def values(*, max_leaves: int = 10) -> SearchStrategy[Any]:
    """Values that the log can keep: everything that a step may answer, nested in each other.

    Args:
        max_leaves: how many values without parts one of them may have.
    """
    return _named("values", _values(max_leaves))


def hashables(*, max_leaves: int = 5) -> SearchStrategy[Any]:
    """Values that the log can keep, and that can be keys of a dict or elements of a set.

    Args:
        max_leaves: as for `values`.
    """
    return _named("hashables", _hashables(max_leaves))


def texts() -> SearchStrategy[str]:
    """What clients type: words, numbers, nothing, and what nobody thought of."""
    return _named(
        "texts",
        st.one_of(
            st.sampled_from(_TYPED),
            st.integers(-1000, 1000).map(str),
            st.floats(allow_nan=False).map(str),
            _any_text(),
        ),
    )


def crash_points(*, max_effects: int = 5) -> SearchStrategy[int | None]:
    """Where a turn crashes, for `DialogTester.say(..., crash_at=...)`: None for nowhere.

    Args:
        max_effects: how many effects at most are performed before the crash.
    """
    return st.none() | st.integers(0, max_effects)


_TYPED = [
    "",
    " ",
    "yes",
    "No",
    "y",
    "1",
    "2",
    "0",
    "-1",
    "3.5",
    "1e9",
    "Ada",
    "ada@example.org",
    "/cancel",
    "hello, world!",
    "two\nlines",
    "  spaces  ",
    "O'Brien; DROP TABLE",
    "{}",
    "None",
    "你好",
    "مرحبا",
    "👍🏽",
    "e\u0301",
    "\u00a0",
    "\0",
    "9" * 50,
]


def _named(name: str, strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """A strategy that is called by its name in hypothesis's reports, and not by all its parts."""

    def drawn(draw: Any) -> Any:
        return draw(strategy)

    drawn.__name__ = name
    return st.composite(drawn)()


@cache
def _values(max_leaves: int) -> SearchStrategy[Any]:
    keys = hashables(max_leaves=3)
    return st.recursive(
        _scalars() | st.frozensets(keys, max_size=3),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(inner, max_size=4).map(tuple),
            st.dictionaries(keys, inner, max_size=4),
            st.sets(keys, max_size=4),
        ),
        max_leaves=max_leaves,
    )


@cache
def _hashables(max_leaves: int) -> SearchStrategy[Any]:
    return st.recursive(
        _scalars(),
        lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
        max_leaves=max_leaves,
    )


def _any_text() -> SearchStrategy[str]:
    # With lone surrogates now and then: careless clients send them.
    surrogates = st.lists(st.sampled_from(["\ud800", "\udfff", "a"]), min_size=1, max_size=3)
    return st.text() | surrogates.map("".join)


def _scalars() -> SearchStrategy[Any]:
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False),
        _any_text(),
        st.binary(),
        st.dates(),
        st.datetimes(timezones=_zones()),
        st.times(timezones=st.none() | st.sampled_from(_OFFSETS)),
        st.timedeltas(),
        st.builds(_decimal, st.integers(), st.integers(-50, 50)),
        st.builds(Fraction, st.integers(), st.integers(1, 1000)),
        st.complex_numbers(allow_nan=False),
        st.uuids(),
        _paths(),
    )


_OFFSETS = [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=3), "short")]


def _decimal(digits: int, exponent: int) -> Decimal:
    return Decimal(digits).scaleb(exponent) if exponent < 50 else Decimal("Infinity")


def _zones() -> SearchStrategy[Any]:
    named = {"Europe/Berlin", "America/New_York", "Asia/Kolkata"} & available_timezones()
    return st.none() | st.sampled_from([*_OFFSETS, *map(ZoneInfo, sorted(named))])


def _paths() -> SearchStrategy[Any]:
    parts = st.lists(st.sampled_from(["a", "b c", "ü", "x.txt", "..", "/", "C:"]), max_size=3)
    kinds = st.sampled_from([Path, PurePosixPath, PureWindowsPath])
    return st.builds(lambda kind, names: kind(*names), kinds, parts)
