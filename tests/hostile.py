"""Makes logs that a stranger could make: damaged at random, or well sealed with anything inside."""

import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import msgpack

from dialogs import (
    InMemoryPersistence,
    LogError,
    ReplayError,
    continue_as_new,
    dialog,
    get_client_response,
    run_gen_dialog,
)
from dialogs.log import FORMAT, MAGIC

PREFIX = 12
GOLDEN = sorted((Path(__file__).parent / "golden" / f"format-{FORMAT}").glob("*.log"))

# --- the parts of a log -----------------------------------------------------------------------


def seal(head: bytes, section: bytes, head_length: int | None = None) -> bytes:
    """A log of these parts, with a checksum that fits."""
    length = struct.pack(">I", len(head) if head_length is None else head_length)
    start = MAGIC + bytes([FORMAT])
    rest = length + head + section
    return start + struct.pack(">I", crc32(rest, crc32(start))) + rest


def unseal(log: bytes) -> tuple[bytes, bytes]:
    """The head and the values' section of a log."""
    split = PREFIX + int.from_bytes(log[8:PREFIX], "big")
    return log[PREFIX:split], log[split:]


def pieces(array: bytes) -> list[bytes]:
    """The bytes of each element of a msgpack array."""
    unpacker = msgpack.Unpacker()
    unpacker.feed(array)
    count = unpacker.read_array_header()
    cuts = [unpacker.tell()]
    for _ in range(count):
        unpacker.skip()
        cuts.append(unpacker.tell())
    return [array[a:b] for a, b in pairwise(cuts)]


def array(items: list[bytes]) -> bytes:
    """A msgpack array of elements given as bytes, with the header that a log has."""
    return b"\xdd" + struct.pack(">I", len(items)) + b"".join(items)


def pack(value: object) -> bytes:
    """What msgpack makes of plain data."""
    return msgpack.packb(value, unicode_errors="surrogatepass")


def ext(code: int, payload: bytes) -> bytes:
    """An extension type of any code and payload."""
    return b"\xc9" + struct.pack(">Ib", len(payload), code) + payload


def big(number: int) -> bytes:
    """An int of any size, as a log has it."""
    return ext(1, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def log_of(
    values: list[bytes],
    dialog: str = "hostile.any",
    entry: str = "1get_client_response",
    arguments: bytes = b"\xc0",
    waits: str = "get_client_response",
) -> bytes:
    """A well-made log of a dialog that was answered with these values, and waits."""
    frame = [
        *map(pack, (dialog, "1.0", 0, "\0" * len(values), 0, b"", waits)),
        arguments,
    ]
    return seal(array([pack(0), pack(0), pack(1), pack(entry), *frame]), array(values))


# --- what to put inside -----------------------------------------------------------------------


def nested(levels: int, code: int = 3, core: bytes = b"\xc0") -> bytes:
    """Extension types inside each other."""
    for _ in range(levels):
        core = ext(code, b"\x91" + core)
    return core


SCALARS: list[bytes] = [
    *map(pack, (None, True, False, 0, 1, 2, 3, 4, -1, 127, 128, 2**31, 2**32, 2**63, 2**64 - 1)),
    *map(pack, (-(2**63), 0.5, float("nan"), float("inf"), -0.0, b"", b"\0", b"\x90", b"\xc1")),
    *map(pack, ("", "0", "1", "9", "0x", "2send_message", "3get_client_response", "٣call x")),
    *map(pack, ("\0", "\x01", "\x7f", "\ud800", "\ud7ff", "dialog golden.one", "a" * 300)),
    *map(pack, ("send_message", "get_client_response", "golden.greet", "1.0", "2", "call _same")),
    big(2**64),
    big(-(2**63) - 1),
    big(2**20_000),
    big(-(2**20_000)),
    ext(1, b""),
]

ZONES = [
    "../../etc/passwd",
    "/etc/passwd",
    "Europe/../../passwd",
    "Europe",
    "Europe/",
    "",
    ".",
    "posixrules",
    "tzdata.zi",
    "a." * 50_000 + "/b",
    "a/" * 50_000 + "b",
    "Europe/Berlin\0",
    "\ud800",
    "No/Such_Zone",
]

TEXTS = ["1e999999999", "1e-999999999", "1e99999999999999999999", "nan", "sNaN9", "", "x", "\0"]

CONTAINERS: list[bytes] = [
    b"\x90",
    b"\x80",
    b"\xdd\xff\xff\xff\xff",  # announces four billion elements
    b"\xdf\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x03",
    b"\xc1",
    b"\x91" * 1_000 + b"\xc0",
    b"\x91" * 2_000 + b"\xc0",
    b"\x81\xc0" * 500 + b"\xc0",
    b"\x81\x90\xc0",  # a key that cannot be hashed
    b"\x81\x80\xc0",
    b"\x81" + ext(4, b"\x90") + b"\xc0",
    b"\x82\x01\xc0\x01\xc0",
    b"\xd6\xff\0\0\0\1",  # msgpack's own time
    b"\xd7\xff" + b"\xff" * 8,
    b"\xc7\x0c\xff" + b"\xff" * 12,
    b"\xc7\x05\xff" + b"\xff" * 5,
    nested(90),
    nested(101),
    nested(3, 5),
]

PARTS: list[bytes] = [
    *map(pack, ([], [None], [1], [1, 2], [1, 2, 3], [1.5, 2], ["a", "b"], [[], {}], [b"\x07\xe4"])),
    *map(pack, ([10**9] * 3, [-1] * 3, [2026, 13, 1], [2026, 2, 30], [True, True, True], [1, 0])),
    *map(pack, ([2026, 1, 2, 3, 4, 5, 6, 0, None], [2026, 1, 2, 25, 4, 5, 6, 9, None])),
    *map(pack, ([3, 4, 5, 6, 0, zone] for zone in ZONES)),
    *map(pack, ([2026, 1, 2, 3, 4, 5, 6, 0, zone] for zone in ZONES)),
    *map(
        pack, ([1, 2, 3, 4, 0, [[9, 9, 9]]], [1, 2, 3, 4, 0, [[0, 1, 0], 5]], [1, 2, 3, 4, 0, []])
    ),
    *map(pack, TEXTS),
    *map(pack, (b"\x07\xe4\x01\xff", [b"\x07\xe4\x01\xff"], [b"\xff" * 10, 0, None], b"0" * 16)),
    *map(pack, ({}, {"a": 1}, {1: 2}, {"x": 1, "y": 2}, "golden.Item", ["golden.Item"])),
    b"\x92" + big(2**20_000) + big(2**19_999),
    b"\x92" + big(2**40_000) + b"\x01",
    b"\x91" + big(2**20_000),
    b"\x91" + ext(4, b"\x91\x90"),
    *CONTAINERS[:9],
]


def states(names: list[str]) -> Iterator[bytes]:
    """Objects of registered classes, and of classes that are not, with unfit parts."""
    strangers = ["os.system", "builtins.eval", "dialogs.errors.LogError", "", "Item", "golden.item"]
    for name in (*names, *strangers):
        for parts in (*PARTS, *SCALARS[:12], big(2**20_000)):
            yield ext(2, b"\x92" + pack(name) + parts)
    for parts in (*PARTS, *SCALARS):
        yield ext(2, parts)
        yield ext(2, b"\x92" + parts + b"\x90")


# --- damage -----------------------------------------------------------------------------------


def damaged(data: bytes, other: bytes, random: Random) -> bytes:
    """Bytes with something flipped, cut, doubled, put in, moved, or taken from others."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        a, b = sorted(random.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + random.choice((1, 2, 4, 8, len(data))))
        match random.randrange(7):
            case 0 | 1 if data:
                data[min(a, len(data) - 1)] ^= 1 << random.randrange(8)
            case 2:
                del data[a:b]
            case 3:
                data[a:a] = data[a:b]
            case 4:
                data[a:a] = random.randbytes(random.randrange(1, 9))
            case 5:
                start = random.randrange(len(other))
                data[a:b] = other[start : start + random.choice((1, 4, b - a, len(other)))]
            case _:
                data[a:b] = random.choice(SCALARS + CONTAINERS[:9])
    return bytes(data)


def rebuilt(log: bytes, other: bytes, random: Random) -> bytes:
    """A well-sealed log, made of the parts of two, with other parts in them."""
    head, section = unseal(log)
    parts, values = pieces(head), pieces(section)
    other_head, other_section = unseal(other)
    for target, source in ((parts, other_head), (values, other_section)):
        for _ in range(random.choice((0, 1, 1, 2, 4))):
            at = random.randrange(len(target) + 1)
            stranger = random.choice(
                [random.choice(SCALARS), random.choice(CONTAINERS), *(pieces(source) or [b"\xc0"])]
            )
            match random.randrange(6):
                case 0 if target:
                    del target[at : at + random.randrange(1, 9)]
                case 1:
                    target.insert(at, stranger)
                case 2:
                    random.shuffle(target) if random.random() < 0.1 else target.reverse()
                case _ if target:
                    target[at % len(target)] = stranger
    return seal(array(parts), array(values))


# --- giving it to a dialog --------------------------------------------------------------------


THROWN: list[Exception] = []
"""What was thrown into `any_answers`."""


@dialog(name="hostile.any")
def any_answers(_first: Any = None, *, again: bool = False):
    """Takes whatever a log gives it, and fails at nothing."""
    for _ in range(50):
        try:
            yield get_client_response()
        except Exception as error:  # noqa: BLE001 - all of them, on purpose
            THROWN.append(error)
        if again:
            yield continue_as_new(any_answers())
    return "end"


def feed(log: bytes, root: Any = None, fallback: Any = None) -> str:
    """What comes of a turn over these bytes: refused, a replay error, or it went on.

    Where it went on, further turns over what was saved give nothing worse.
    """
    kept = InMemoryPersistence(log)
    endings = [_turn(kept, root, fallback)]
    while endings[-1] == "went on" and len(endings) < 3:
        endings.append(_turn(kept, root, fallback))
    return endings[0]


def _turn(kept: InMemoryPersistence, root: Any, fallback: Any) -> str:
    before = kept.log
    try:
        run_gen_dialog(root or any_answers(), kept, "x", fallback)
    except (LogError, ReplayError) as error:
        ending, text = type(error).__name__, str(error)
    else:
        return "went on"
    assert kept.log is before
    assert text
    return ending
