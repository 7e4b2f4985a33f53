"""Values to msgpack bytes and back, with equality and type intact.

`encode` takes exact types only, so nothing comes back as something else: what msgpack has natively
is written natively, everything else as an extension of a number below. `decode` builds those
types and the registered ones (`registry.py`), and nothing else: no name in the bytes can reach a
class that was not registered.

Sets are written in the order of their elements' bytes, so that equal values have equal bytes in
every process.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgpack

from dialogs import registry
from dialogs.errors import Corrupt, NotSerializable

FLAT = frozenset({type(None), bool, float, str, bytes})
"""The types whose values are their own decoded copies and need no look inside."""

MAX_DEPTH = 100
"""How deep values may nest."""

_NIL = b"\xc0"
_INT64 = range(-(2**63), 2**64)


# --- encoding ---------------------------------------------------------------------------------


def encode(value: Any) -> bytes:
    """The bytes of a value.

    Raises:
        NotSerializable: the value, or something inside it, is not data that the log can keep.
    """
    if type(value) in FLAT or (type(value) is int and value in _INT64):
        return dump(value)
    return dump(_packable(value, "value", MAX_DEPTH))


def encode_with_copy(value: Any) -> tuple[bytes, Any]:
    """The bytes of a value, and the copy that `decode` makes of them.

    Raises:
        NotSerializable: as for `encode`.
    """
    if value is None:
        return _NIL, None
    if type(value) in FLAT or (type(value) is int and value in _INT64):
        return dump(value), value
    data = encode(value)
    return data, load(data)


def dump(packable: Any) -> bytes:
    """The bytes of what msgpack has natively: `encode` without the look inside."""
    packed: bytes = msgpack.packb(packable, unicode_errors="surrogatepass")
    return packed


def _packable(value: Any, path: str, depth: int) -> Any:
    """What msgpack can write for a value, which it writes natively or as an extension."""
    kind = type(value)
    if kind in FLAT:
        return value
    if kind is int:
        if value in _INT64:
            return value
        return msgpack.ExtType(
            _INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
        )
    if depth == 0:
        raise NotSerializable(path, kind.__name__, f"It nests deeper than {MAX_DEPTH} levels.")
    if kind is list:
        return [_packable(item, f"{path}[{i}]", depth - 1) for i, item in enumerate(value)]
    if kind is dict:
        return {
            _packable(key, f"the key {key!r} of {path}", depth - 1): _packable(
                item, f"{path}[{key!r}]", depth - 1
            )
            for key, item in value.items()
        }
    code = _CODES.get(kind)
    if code is not None:
        parts = _PARTS[code](value)
        return msgpack.ExtType(code, dump(_packable(parts, path, depth - 1)))
    entry = registry.by_type(kind)
    if entry is not None:
        state = [entry.name, entry.encode(value)]
        return msgpack.ExtType(_REGISTERED, dump(_packable(state, path, depth - 1)))
    raise NotSerializable(path, kind.__name__)


def _set_parts(value: set[Any] | frozenset[Any]) -> list[Any]:
    # Sorted by their bytes: a set has no order of its own that two processes share.
    return [part for _, part in sorted(((encode(item), item) for item in value), key=_first)]


def _first(pair: tuple[bytes, Any]) -> bytes:
    return pair[0]


def _zone_parts(zone: tzinfo | None, path: str) -> Any:
    match zone:
        case None:
            return None
        case ZoneInfo(key=str(key)):
            return key
        case timezone():
            offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
            return [_timedelta_parts(offset), *name]
        case _:
            raise NotSerializable(
                path,
                type(zone).__name__,
                "Time zones are kept by name: use zoneinfo.ZoneInfo or datetime.timezone.",
            )


def _time_parts(value: time | datetime) -> list[Any]:
    zone = _zone_parts(value.tzinfo, "tzinfo")
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, zone]


def _date_parts(value: date) -> list[Any]:
    return [value.year, value.month, value.day]


def _timedelta_parts(value: timedelta) -> list[Any]:
    return [value.days, value.seconds, value.microseconds]


# --- decoding ---------------------------------------------------------------------------------


def decode(data: bytes) -> Any:
    """The value of bytes that `encode` made.

    Raises:
        Corrupt: the bytes are no such value.
    """
    try:
        return load(data)
    except Exception as error:
        raise Corrupt(f"A log has a value that cannot be rebuilt: {_reason(error)}.") from error


def load(data: bytes, depth: int = MAX_DEPTH) -> Any:
    """`decode`, with whatever exception the bytes lead to.

    Args:
        data: the bytes.
        depth: how deep extension types may nest.
    """
    if len(data) > _SMALL:
        _check_complete(data)

    def build(code: int, inner: bytes) -> Any:
        if code == _INT:
            return int.from_bytes(inner, "big", signed=True)
        if depth == 0:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        return _BUILDERS[code](load(inner, depth - 1))

    return msgpack.unpackb(
        data, strict_map_key=False, unicode_errors="surrogatepass", ext_hook=build
    )


def _check_complete(data: bytes) -> None:
    """Check that every element that containers announce is there, before anything is built.

    A few hostile bytes can announce nested containers of billions of elements, and msgpack makes
    room for what is announced. It believes at most the number of bytes, a thousand times nested:
    that is harmless for a small log, and this check keeps it so for a large one.
    """
    unpacker = msgpack.Unpacker(max_buffer_size=len(data))
    unpacker.feed(data)
    unpacker.skip()


_SMALL = 4096


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _build_registered(state: Any) -> Any:
    name, parts = state
    return registry.by_name(name).decode(parts)


def _build_zone(parts: Any) -> tzinfo | None:
    if parts is None:
        return None
    if isinstance(parts, str):
        return ZoneInfo(parts)
    offset, *name = parts
    return timezone(timedelta(*offset), *name)


# Type checkers do not follow so many positional arguments.
_DATETIME: Any = datetime
_TIME: Any = time


def _build_datetime(parts: Any) -> Any:
    *numbers, fold, zone = parts
    return _DATETIME(*numbers, tzinfo=_build_zone(zone), fold=fold)


def _build_time(parts: Any) -> Any:
    *numbers, fold, zone = parts
    return _TIME(*numbers, tzinfo=_build_zone(zone), fold=fold)


# --- the extension types ----------------------------------------------------------------------

_INT = 1
_REGISTERED = 2

# number: (type, value -> parts, parts -> value). The numbers are part of the log's format.
_EXTENSIONS: dict[int, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    3: (tuple, list, tuple),
    4: (set, _set_parts, set),
    5: (frozenset, _set_parts, frozenset),
    6: (datetime, lambda v: _date_parts(v) + _time_parts(v), _build_datetime),
    7: (date, _date_parts, lambda parts: date(*parts)),
    8: (time, _time_parts, _build_time),
    9: (timedelta, _timedelta_parts, lambda parts: timedelta(*parts)),
    10: (Decimal, str, lambda parts: Decimal(_text(parts))),
    11: (Fraction, lambda v: [v.numerator, v.denominator], lambda parts: _fraction(*parts)),
    12: (complex, lambda v: [v.real, v.imag], lambda parts: complex(*parts)),
    13: (UUID, lambda v: v.bytes, lambda parts: UUID(bytes=parts)),
    14: (type(Path()), str, lambda parts: Path(_text(parts))),
    15: (PurePosixPath, str, lambda parts: PurePosixPath(_text(parts))),
    16: (PureWindowsPath, str, lambda parts: PureWindowsPath(_text(parts))),
}


def _text(parts: Any) -> str:
    if type(parts) is not str:
        raise TypeError(f"{type(parts).__name__} where text was expected")
    return parts


def _fraction(numerator: Any, denominator: Any) -> Fraction:
    if type(numerator) is not int or type(denominator) is not int:
        raise TypeError("a fraction of something else than whole numbers")
    return Fraction(numerator, denominator)


_CODES = {kind: code for code, (kind, _, _) in _EXTENSIONS.items()}
_PARTS = {code: parts for code, (_, parts, _) in _EXTENSIONS.items()}
_BUILDERS = {code: build for code, (_, _, build) in _EXTENSIONS.items()}
_BUILDERS[_REGISTERED] = _build_registered
