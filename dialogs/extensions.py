"""The extension types: values that msgpack does not have, as parts that it has, and back.

The numbers are part of the log's format. Parts come from bytes that anybody may have written, so
every builder checks what it hands to a constructor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

INT = 1
REGISTERED = 2

_MAX_FRACTION_BITS = 32_768  # building a fraction takes time quadratic in its length
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_MAX_ZONE_NAME = 255


class Unfit(Exception):
    """A value that no log can keep.

    Args:
        reason: why, as a sentence; "" where its type is the reason.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


def int_bytes(value: int) -> bytes:
    """An int of any size, big-endian two's complement."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


# --- values -> parts --------------------------------------------------------------------------


def _zone_parts(zone: tzinfo | None) -> Any:
    if zone is None:
        return None
    if type(zone) is ZoneInfo and _is_zone_name(zone.key):
        return zone.key
    if type(zone) is timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [_timedelta_parts(offset), *name]
    raise Unfit(
        f"Its time zone is a {type(zone).__name__}; zones are kept by name: use zoneinfo.ZoneInfo "
        "or datetime.timezone."
    )


def _is_zone_name(name: str | None) -> bool:
    return (
        name is not None and len(name) <= _MAX_ZONE_NAME and _ZONE_NAME.fullmatch(name) is not None
    )


def _date_parts(value: date) -> list[Any]:
    return [value.year, value.month, value.day]


def _time_parts(value: time | datetime) -> list[Any]:
    zone = _zone_parts(value.tzinfo)
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, zone]


def _datetime_parts(value: datetime) -> list[Any]:
    return _date_parts(value) + _time_parts(value)


def _timedelta_parts(value: timedelta) -> list[Any]:
    return [value.days, value.seconds, value.microseconds]


def _fraction_parts(value: Fraction) -> list[Any]:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_FRACTION_BITS:
        raise Unfit(f"Its numbers are longer than {_MAX_FRACTION_BITS:,} bits.")
    return [value.numerator, value.denominator]


def _path_parts(value: PurePosixPath | PureWindowsPath) -> str:
    text = str(value)
    if type(value)(text) != value:
        raise Unfit("Its text is read as another path.")
    return text


# --- parts -> values --------------------------------------------------------------------------


def _typed(kind: type, *parts: Any) -> Any:
    """The parts as they are, if all are of exactly this type."""
    for part in parts:
        if type(part) is not kind:
            raise TypeError(f"{type(part).__name__} where {kind.__name__} was expected")
    return parts


def _text(part: Any) -> str:
    [text] = _typed(str, part)
    return str(text)


def _build_zone(parts: Any) -> tzinfo | None:
    if parts is None:
        return None
    if type(parts) is str:
        if not _is_zone_name(parts):
            raise ValueError("that is no name of a time zone")
        return ZoneInfo(parts)
    offset, *name = parts
    return timezone(timedelta(*_typed(int, *offset)), *_typed(str, *name))


# Type checkers do not follow so many positional arguments.
_DATETIME: Any = datetime
_TIME: Any = time


def _build_datetime(parts: Any) -> Any:
    *numbers, fold, zone = parts
    return _DATETIME(*_typed(int, *numbers), tzinfo=_build_zone(zone), fold=fold)


def _build_time(parts: Any) -> Any:
    *numbers, fold, zone = parts
    return _TIME(*_typed(int, *numbers), tzinfo=_build_zone(zone), fold=fold)


def _build_fraction(parts: Any) -> Fraction:
    numerator, denominator = _typed(int, *parts)
    if max(numerator.bit_length(), denominator.bit_length()) > _MAX_FRACTION_BITS:
        raise ValueError("the numbers of a fraction are too long")
    return Fraction(numerator, denominator)


# --- the table --------------------------------------------------------------------------------

_Extension = tuple[type, Callable[[Any], Any], Callable[[Any], Any]]

# number: (type, value -> parts, parts -> value)
_EXTENSIONS: dict[int, _Extension] = {
    3: (tuple, list, lambda parts: tuple(*_typed(list, parts))),
    4: (set, list, lambda parts: set(*_typed(list, parts))),
    5: (frozenset, list, lambda parts: frozenset(*_typed(list, parts))),
    6: (datetime, _datetime_parts, _build_datetime),
    7: (date, _date_parts, lambda parts: date(*_typed(int, *parts))),
    8: (time, _time_parts, _build_time),
    9: (timedelta, _timedelta_parts, lambda parts: timedelta(*_typed(int, *parts))),
    10: (Decimal, str, lambda parts: Decimal(_text(parts))),
    11: (Fraction, _fraction_parts, _build_fraction),
    12: (complex, lambda v: [v.real, v.imag], lambda parts: complex(*_typed(float, *parts))),
    13: (UUID, lambda v: v.bytes, lambda parts: UUID(bytes=parts)),
    14: (type(Path()), _path_parts, lambda parts: Path(_text(parts))),
    15: (PurePosixPath, _path_parts, lambda parts: PurePosixPath(_text(parts))),
    16: (PureWindowsPath, _path_parts, lambda parts: PureWindowsPath(_text(parts))),
}

CODES = {kind: code for code, (kind, _, _) in _EXTENSIONS.items()}
PARTS = {code: parts for code, (_, parts, _) in _EXTENSIONS.items()}
BUILDERS = {code: build for code, (_, _, build) in _EXTENSIONS.items()}
