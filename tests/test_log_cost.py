"""What the worst logs cost: reading them takes bounded time, memory and stack."""

import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from typing import Any

import pytest

from dialogs import InMemoryPersistence, run_gen_dialog
from tests import hostile
from tests.hostile import any_answers, big, ext, feed, log_of, nested, pack, seal


def announcing(size: int, lie: int, header: bytes) -> bytes:
    """Nested arrays that each announce `lie` elements, in about `size` bytes."""
    width = 4 if header == b"\xdd" else 2
    one = header + min(lie, 256**width - 1).to_bytes(width, "big")
    levels = min(size // len(one), 1_000)
    return one * levels + b"\xc0" * (size - levels * len(one))


def lying(size: int) -> dict[str, bytes]:
    """Values of about this many bytes that announce or name more than there is."""
    half = size // 2
    return {
        **{
            f"arrays that announce {lie} as {header.hex()}": announcing(size, lie, header)
            for header in (b"\xdd", b"\xdc")
            for lie in (size, size - 200 if size > 400 else 20, 2**32)
        },
        "maps": b"\xdf\x7f\xff\xff\xff\xc0" * (size // 6),
        "a zone of dots": ext(8, pack([1, 2, 3, 4, 0, "a." * (size // 2) + "/b"])),
        "a zone of slashes": ext(8, pack([1, 2, 3, 4, 0, "a/" * (size // 2) + "b"])),
        "deep extensions": nested(90, core=pack(bytes(size))),
        "deep lists": b"\x91" * min(size, 1_020) + b"\xc0",
        "a long int": ext(1, b"\x55" * size),
        "a long decimal": ext(10, pack("9" * size)),
        "a long fraction": ext(11, b"\x92" + ext(1, b"\x55" * half) + ext(1, b"\x33" * half)),
        "bytes as a tuple": ext(3, pack(bytes(size))),
    }


def many(size: int) -> dict[str, bytes]:
    """Values of about this many bytes with as much to build in them as can be."""
    items = {
        "empty lists": b"\x90",
        "empty dicts": b"\x80",
        "empty sets": b"\xc7\x01\x04\x90",
        "dates": ext(7, b"\x93\x01\x01\x01"),
        "zones": ext(8, pack([1, 2, 3, 4, 0, "Europe/Berlin"])),
        "huge exponents": ext(10, pack("1e999999999")),
        "fractions": ext(11, b"\x92" + big(3**20_000) + big(2**31_700)),
    }
    # They all have the hash 0: building the set takes time quadratic in their number.
    alike = [big(n * (2**61 - 1)) for n in range(1, min(size // 18, 3_000))]
    return {
        **{name: hostile.array([item] * (size // len(item))) for name, item in items.items()},
        "numbers that hash alike": ext(4, hostile.array(alike)),
        "keys that hash alike": b"\xde"
        + struct.pack(">H", len(alike))
        + b"\xc0".join([*alike, b""]),
    }


def places(value: bytes) -> list[bytes]:
    """Logs that have this value in each place where a value may be."""
    return [
        log_of([value]),
        log_of([value], entry="3get_client_response"),
        log_of([], arguments=pack(pack(value))),
        seal(value, hostile.array([])),
        seal(hostile.array([pack(0), pack(0), value]), hostile.array([])),
    ]


MEMORY = 48_000_000  # what 4,096 bytes may announce, a thousand times nested
MEMORY_PER_BYTE = 250  # extensions in extensions are copied at each of a hundred levels


def check_cost(name: str, log: bytes) -> None:
    """Read a log within the memory that docs/log-format.md promises, and in the end."""
    started = time.process_time()
    tracemalloc.start()
    try:
        feed(log)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY + MEMORY_PER_BYTE * len(log), name
    # No measure of speed: it stops what would take minutes.
    assert time.process_time() - started < 20, name


@pytest.mark.parametrize("size", [100, 4_096, 5_000])
def test_the_worst_small_logs_are_read_at_a_bounded_cost_wherever_the_worst_is(size):
    for name, value in (lying(size) | many(size)).items():
        for log in places(value):
            check_cost(name, log)


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_what_is_announced_and_not_there_costs_no_more_than_the_bytes(size):
    for name, value in lying(size).items():
        check_cost(name, log_of([value]))


def test_the_most_that_can_be_built_from_bytes_is_bounded():
    for name, value in many(30_000).items():
        check_cost(name, log_of([value]))


def test_the_worst_heads_are_read_at_a_bounded_cost():
    size = 100_000
    frame = [*map(pack, ("hostile.any", "1.0", 0, "", 0, b"", "dialog hostile.any")), b"\xc0"]
    start = [pack(0), pack(0)]
    answers = "1get_client_response"
    for head, values in (
        (array_of(start, pack(0), *frame * (size // 50)), 0),
        (array_of(start, pack(50_000), *(pack(f"0{n}") for n in range(50_000)), *frame), 0),
        (array_of(start, pack(1), pack("0" + "x" * size), *frame), 0),
        (array_of(start, pack(1), pack(answers), *frame[:3], pack("\0" * size), *frame[4:]), size),
        (array_of(start, pack(2**32)), 0),
    ):
        log = seal(head, hostile.array([b"\xc0"] * values))
        check_cost("head", log)


def array_of(start: list[bytes], *rest: bytes) -> bytes:
    return hostile.array([*start, *rest])


_ON_A_SMALL_STACK = """
import sys, threading
from dialogs import LogError
from dialogs.log import Log
def read():
    for line in sys.stdin:
        try:
            Log.decode(bytes.fromhex(line))
            print("read")
        except LogError:
            print("refused")
threading.stack_size(512 * 1024)
thread = threading.Thread(target=read)
thread.start()
thread.join()
"""


def test_deep_nesting_does_not_overflow_a_small_stack():
    values = [nested(100), nested(101), nested(5_000), b"\x91" * 1_000 + nested(90), nested(99, 4)]
    logs = "\n".join(log_of([value]).hex() for value in values)
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_SMALL_STACK],
        input=logs,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["read", "refused", "refused", "read", "refused"]


def test_hostile_logs_of_one_conversation_do_not_disturb_another():
    log = log_of([pack("fine")])
    results: list[Any] = []

    def converse() -> None:
        results.extend(
            run_gen_dialog(any_answers(), InMemoryPersistence(log), "x") for _ in range(200)
        )

    thread = threading.Thread(target=converse)
    thread.start()
    for value in lying(4_000).values():
        feed(log_of([value]))
    thread.join()
    assert len(results) == 200
    assert not any(result.is_done for result in results)
