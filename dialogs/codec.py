"""Values to msgpack bytes and back, with equality and type intact.

`encode` takes exact types only, so nothing comes back as something else: what msgpack has natively
is written natively, everything else as one of the extension types of `extensions.py`, or as an
object of a registered class (`registry.py`). `load` builds those and nothing else: no name in
the bytes can reach a class that was not registered.
"""

from __future__ import annotations

from typing import Any

import msgpack

from dialogs import extensions, registry
from dialogs.errors import NotSerializable
from dialogs.extensions import BUILDERS, CODES, INT, PARTS, REGISTERED, Unfit

FLAT = frozenset({type(None), bool, float, str, bytes})
"""The types whose values are their own decoded copies and need no look inside."""

MAX_DEPTH = 100
"""How deep values may nest."""

NIL = b"\xc0"
"""The bytes of None."""

INT64 = range(-(2**63), 2**64)
"""The ints that msgpack has natively."""


# --- encoding ---------------------------------------------------------------------------------


def encode(value: Any, *, around: int = 0) -> bytes:
    """The bytes of a value.

    Args:
        value: the value.
        around: how many of its outer levels are containers of this library's own, around values
            that nest as deep as any.

    Raises:
        NotSerializable: the value, or something inside it, is not data that the log can keep.
    """
    if type(value) in FLAT or (type(value) is int and value in INT64):
        return dump(value)
    try:
        return dump(_packable(value, MAX_DEPTH + around))
    except Unfit as unfit:
        path, found = _locate(value, "value", MAX_DEPTH + around)
        raise NotSerializable(path, type(found).__name__, unfit.reason) from None


def encode_with_copy(value: Any) -> tuple[bytes, Any]:
    """The bytes of a value, and the copy that `load` makes of them.

    Raises:
        NotSerializable: as for `encode`.
    """
    if value is None:
        return NIL, None
    if type(value) in FLAT or (type(value) is int and value in INT64):
        return dump(value), value
    data = encode(value)
    return data, load(data)


def copied(value: Any) -> Any:
    """The copy of a value that `load` makes of its bytes.

    Raises:
        NotSerializable: as for `encode`.
    """
    return value if type(value) in FLAT else encode_with_copy(value)[1]


def dump(packable: Any) -> bytes:
    """The bytes of what msgpack has natively: `encode` without the look inside."""
    # A new packer costs more than most values. One that is at work is not idle, so that no two
    # threads have the same one, and one that failed never is again.
    try:
        packer = _idle.pop()
    except IndexError:
        packer = msgpack.Packer(unicode_errors="surrogatepass")
    packed: bytes = packer.pack(packable)
    if len(packed) <= _LARGEST_KEPT:
        _idle.append(packer)
    return packed


_idle: list[msgpack.Packer] = []
_LARGEST_KEPT = 2**20
"""A packer keeps the room that its largest value took, in bytes: above this it goes."""


def _packable(value: Any, depth: int) -> Any:
    """What msgpack can write for a value, natively or as an extension.

    Raises:
        Unfit: there is nothing.
    """
    kind = type(value)
    if kind in FLAT:
        return value
    if kind is int:
        return value if value in INT64 else msgpack.ExtType(INT, extensions.int_bytes(value))
    if depth == 0:
        raise Unfit(f"It nests deeper than {MAX_DEPTH} levels.")
    if kind is list:
        if FLAT.issuperset(map(type, value)):
            return value
        return [_packable(item, depth - 1) for item in value]
    if kind is dict:
        packed = {_packable(key, depth - 1): _packable(value[key], depth - 1) for key in value}
        if len(packed) != len(value):
            raise Unfit("Two of its keys would come back as one.")
        return packed
    if kind is set or kind is frozenset:
        return msgpack.ExtType(CODES[kind], _dump_set(value, depth - 1))
    code = CODES.get(kind)
    if code is not None:
        # The parts stand for the value itself: they are no deeper level.
        return msgpack.ExtType(code, dump(_packable(PARTS[code](value), depth)))
    entry = registry.by_type(kind)
    if entry is not None:
        state = [entry.name, _packable(entry.encode(value), depth)]
        return msgpack.ExtType(REGISTERED, dump(state))
    raise Unfit


def _dump_set(value: set[Any] | frozenset[Any], depth: int) -> bytes:
    # In the order of the elements' bytes, so that equal sets have equal bytes in every process.
    items = sorted(dump(_packable(item, depth)) for item in value)
    if len(set(items)) != len(items):
        raise Unfit("Two of its elements would come back as one.")
    return b"".join((b"\xdd", len(items).to_bytes(4, "big"), *items))


def _locate(value: Any, path: str, depth: int) -> tuple[str, Any]:
    """The innermost part of an unfit value that is unfit itself, and the way to it."""
    for step, part in _parts_of(value) if depth else ():
        try:
            _packable(part, depth - 1)
        except Unfit:
            return _locate(part, path + step, depth - 1)
    return path, value


def _parts_of(value: Any) -> list[tuple[str, Any]]:
    kind = type(value)
    if kind is dict:
        keys = [(f"[key {_show(key)}]", key) for key in value]
        return keys + [(f"[{_show(key)}]", item) for key, item in value.items()]
    if kind is list or kind is tuple:
        return [(f"[{number}]", item) for number, item in enumerate(value)]
    if kind is set or kind is frozenset:
        return [(f"{{{_show(item)}}}", item) for item in value]
    entry = registry.by_type(kind)
    if entry is None:
        return []
    return [(f".{name}", part) for name, part in entry.attributes(value).items()]


def _show(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a stranger's repr, for an error message
        text = type(value).__name__
    return text if len(text) <= 40 else f"{text[:39]}…"


# --- decoding ---------------------------------------------------------------------------------


def load(data: bytes) -> Any:
    """The value of bytes that `encode` made.

    Raises:
        Exception: the bytes are no such value; of any class, since anything may be in them.
    """
    if len(data) > _SMALL:
        _check_complete(data)
    return msgpack.unpackb(
        data, strict_map_key=False, unicode_errors="surrogatepass", timestamp=1, ext_hook=_build
    )


def load_native(data: bytes) -> Any:
    """What msgpack has natively, as `dump` wrote it; extension types stay unbuilt.

    Raises:
        Exception: as for `load`.
    """
    if len(data) > _SMALL:
        _check_complete(data)
    return msgpack.unpackb(data, strict_map_key=False, unicode_errors="surrogatepass")


def _build(code: int, data: bytes, depth: int = MAX_DEPTH) -> Any:
    """The value of an extension type."""
    if code == INT:
        return int.from_bytes(data, "big", signed=True)
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if len(data) > _SMALL:
        _check_complete(data)

    def build(code: int, data: bytes) -> Any:
        return _build(code, data, depth - 1)

    # Not unpackb: its state of 40 kB stands on the stack, and this may be a hundred levels deep.
    unpacker = msgpack.Unpacker(
        max_buffer_size=len(data),
        strict_map_key=False,
        unicode_errors="surrogatepass",
        timestamp=1,
        ext_hook=build,
    )
    unpacker.feed(data)
    parts = unpacker.unpack()
    if unpacker.tell() != len(data):
        raise ValueError("an extension type has bytes too many")
    if code == REGISTERED:
        name, state = parts
        return registry.by_name(name).decode(state)
    return BUILDERS[code](parts)


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
