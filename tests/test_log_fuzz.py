"""Damaged and hostile logs: a LogError within bounded time and memory, and nothing else."""

import builtins
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dialogs import (
    InMemoryPersistence,
    LogError,
    ReplayError,
    continue_as_new,
    dialog,
    get_client_response,
    registry,
    run_gen_dialog,
)
from tests import hostile
from tests.golden.conversations import CONVERSATIONS
from tests.hostile import GOLDEN, big, ext, log_of, nested, pack, seal

LOGS = [file.read_bytes() for file in GOLDEN if file.stat().st_size < 3_000]
ROOTS = {
    file.read_bytes(): CONVERSATIONS[file.stem.rpartition("-")[0]]
    for file in GOLDEN
    if file.stat().st_size < 3_000
}


@dialog(name="hostile.any")
def any_answers(_first: Any = None, *, again: bool = False):
    """Takes whatever a log gives it, and fails at nothing."""
    for _ in range(50):
        try:
            yield get_client_response()
        except Exception:
            pass
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
        assert kept.log is before
        assert str(error)
        return type(error).__name__
    return "went on"


# --- damage that the checksum finds -----------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_random_damage_is_refused(seed):
    random = Random(seed)
    tried = 0
    while tried < 4_000:
        log, other = random.choice(LOGS), random.choice(LOGS)
        bad = hostile.damaged(log, other, random)
        if bad not in ROOTS:  # a splice may give another whole log
            tried += 1
            with pytest.raises(LogError):
                run_gen_dialog(any_answers(), InMemoryPersistence(bad), "x")


# --- damage under a checksum that fits --------------------------------------------------------


def continued(bad: bytes, log: bytes) -> str:
    """`feed` with the dialog that the undamaged log belongs to.

    An exception in the log, or another value than the dialog expects, may make the dialog itself
    raise: that is the dialog going on with other answers, and it fails in its own code.
    """
    conversation = ROOTS[log]
    try:
        return feed(bad, conversation.root, conversation.fallback)
    except Exception as error:
        if raised_by_the_dialog(error):
            return "the dialog raised"
        raise


def raised_by_the_dialog(error: Exception) -> bool:
    """Whether an exception was raised, or let through, by a line of the golden dialogs."""
    trace, own = error.__traceback__, "conversations.py"
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).name == own:
            return True
        trace = trace.tb_next
    return False


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("damage", [hostile.damaged, hostile.rebuilt])
def test_damage_that_was_sealed_again_gives_nothing_but_the_errors_of_a_log(damage, seed):
    random = Random(seed)
    endings: Counter[str] = Counter()
    for _ in range(1_500):
        log, other = random.choice(LOGS), random.choice(LOGS)
        if damage is hostile.rebuilt:
            bad = hostile.rebuilt(log, other, random)
        else:
            head, section = hostile.unseal(log)
            body = hostile.damaged(head + section, other, random)
            shift = random.choice((0, 0, 0, 1, -1, 1_000_000, 2**32 - 1 - len(head)))
            bad = seal(body, b"", max(0, len(head) + shift))
        endings[continued(bad, log)] += 1
    assert endings["Corrupt"] > 300
    assert endings["went on"] + endings["ReplayError"] > 30


def test_every_part_of_every_log_may_be_anything():
    endings: Counter[str] = Counter()
    for log in LOGS[::3]:
        head, section = hostile.unseal(log)
        for at, part in enumerate(parts := hostile.pieces(head)):
            if at > 40:
                break
            for stranger in (*hostile.SCALARS, *hostile.CONTAINERS[:9]):
                if stranger != part:
                    bad = hostile.array([*parts[:at], stranger, *parts[at + 1 :]])
                    endings[continued(seal(bad, section), log)] += 1
    assert endings["Corrupt"] > 5_000


# --- hostile values ---------------------------------------------------------------------------


@pytest.mark.parametrize("failed", [False, True], ids=["answer", "exception"])
def test_any_payload_of_any_extension_type_gives_a_value_or_a_log_error(failed):
    entry = "3get_client_response" if failed else "1get_client_response"
    payloads = [b"", *hostile.PARTS, *hostile.SCALARS]
    endings = Counter(
        feed(log_of([ext(code, payload)], entry=entry))
        for code in range(-128, 128)
        for payload in (payloads if 0 <= code < 20 else payloads[:12])
    )
    assert set(endings) <= {"Corrupt", "went on"}
    assert endings["Corrupt"] > 3_000


def test_registered_names_with_any_parts_give_an_object_or_a_log_error():
    before = set(sys.modules)
    endings = Counter(
        feed(log_of([state])) for state in hostile.states(sorted(registry._by_name))
    )
    assert endings["Corrupt"] > 500
    assert set(endings) <= {"Corrupt", "went on"}
    assert {name for name in set(sys.modules) - before if not name.startswith("tzdata")} == set()


def test_a_recorded_exception_may_be_anything_and_only_exceptions_come_of_it():
    names = [*vars(builtins), "StepFailed", "ResponseTimeout", "os.system", "LogError", "x"]
    args = [*map(pack, ([], ["a"], [1, 2], [b"", {}], "ab", 5, None, [[]] * 5)), b"\x91" + big(2**20_000)]
    records = [b"\x92" + pack(name) + arg for name in names for arg in args]
    records += [b"\x92" + part + b"\x90" for part in (*hostile.SCALARS, *hostile.CONTAINERS)]
    records += [*hostile.SCALARS, *hostile.CONTAINERS, *hostile.PARTS]
    entry = "3get_client_response"
    endings = Counter(feed(log_of([record], entry=entry)) for record in records)
    assert set(endings) == {"Corrupt", "went on"}
    assert 200 < endings["went on"] < 800


@dialog(name="hostile.given")
def given(number: int, *, name: str = ""):
    yield get_client_response()


def test_arguments_that_fit_no_call_are_refused():
    def ending(arguments: bytes, name: str = "hostile.given") -> str:
        return feed(log_of([], name, arguments=pack(arguments)), given(1))

    junk = [*hostile.SCALARS, *hostile.CONTAINERS, *hostile.PARTS]
    unfit = [pack([[], {}]), pack([[1, 2, 3], {}]), pack([[1], {"nom": 1}])]
    broken = [
        *map(pack, ([["a", {}], [{"number": 1}, {}], [[1], []], [[1]], [[1], {1: 2}]])),
        *(part for part in junk if part != pack([[], {}])),
        *(b"\x92" + part + b"\x80" for part in junk if part[0] & 0xF0 != 0x90),
    ]
    assert {ending(arguments) for arguments in unfit} == {"ReplayError"}
    assert {ending(arguments) for arguments in broken} == {"Corrupt"}
    assert {ending(b"\x92\x91\x01" + part) for part in junk} == {"Corrupt", "ReplayError", "went on"}
    good = pack([[1], {"name": "a"}])
    assert ending(good) == "went on"
    assert ending(good, "nobody") == "UnknownDialog"


# --- bounded time and memory ------------------------------------------------------------------


def announcing(size: int, lie: int, header: bytes) -> bytes:
    """Nested arrays that each announce `lie` elements, in about `size` bytes."""
    width = 4 if header == b"\xdd" else 2
    one = header + min(lie, 256**width - 1).to_bytes(width, "big")
    levels = min(size // len(one), 1_000)
    return one * levels + b"\xc0" * (size - levels * len(one))


def lying(size: int) -> dict[str, bytes]:
    """Values of about this many bytes that announce or name more than there is."""
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
        "a long int": big(2 ** (8 * size)),
        "a long decimal": ext(10, pack("9" * size)),
        "a long fraction": ext(11, b"\x92" + big(3 ** (4 * size)) + big(2 ** (4 * size))),
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
        "keys that hash alike": b"\xde" + struct.pack(">H", len(alike)) + b"\xc0".join([*alike, b""]),
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


@pytest.mark.parametrize("size", [100, 4_000, 4_096, 5_000])
def test_the_worst_small_logs_are_read_at_a_bounded_cost_wherever_the_worst_is(size):
    for name, value in (lying(size) | many(size)).items():
        for log in places(value):
            check_cost(name, log)


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_what_is_announced_and_not_there_costs_no_more_than_the_bytes(size):
    for name, value in lying(size).items():
        check_cost(name, log_of([value]))


def test_the_most_that_can_be_built_from_bytes_is_bounded():
    for name, value in many(60_000).items():
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
        for _ in range(200):
            results.append(run_gen_dialog(any_answers(), InMemoryPersistence(log), "x"))

    thread = threading.Thread(target=converse)
    thread.start()
    for value in lying(4_000).values():
        feed(log_of([value]))
    thread.join()
    assert len(results) == 200
    assert not any(result.is_done for result in results)
