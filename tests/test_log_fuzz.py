"""Damaged and hostile logs give a LogError, or a ReplayError, and nothing else."""

import builtins
import sys
from collections import Counter
from random import Random

import pytest

from dialogs import (
    InMemoryPersistence,
    LogError,
    NotSerializable,
    dialog,
    errors,
    get_client_response,
    registry,
    run_gen_dialog,
)
from dialogs.codec import load
from tests import hostile
from tests.golden import dialogs
from tests.golden.conversations import CONVERSATIONS
from tests.hostile import GOLDEN, any_answers, big, ext, feed, log_of, pack, seal

LOGS = [file.read_bytes() for file in GOLDEN if file.stat().st_size < 3_000]
ROOTS = {
    file.read_bytes(): CONVERSATIONS[file.stem.rpartition("-")[0]]
    for file in GOLDEN
    if file.stat().st_size < 3_000
}


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
    raise: that is the dialog going on with other answers, and it fails in its own code. And it may
    say or return an answer that nests deeper than what it could have recorded.
    """
    conversation = ROOTS[log]
    try:
        return feed(bad, conversation.root, conversation.fallback)
    except NotSerializable as error:
        if "deeper than 100 levels" in str(error):
            return "too deep"
        raise
    except Exception as error:
        if raised_by_the_dialog(error):
            return "the dialog raised"
        raise


def raised_by_the_dialog(error: Exception) -> bool:
    """Whether an exception was raised, or let through, by a line of the golden dialogs."""
    trace, own = error.__traceback__, dialogs.__file__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == own:
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
    for log in LOGS[::6]:
        head, section = hostile.unseal(log)
        for at, part in enumerate(parts := hostile.pieces(head)):
            if at > 40:
                break
            for stranger in (*hostile.SCALARS, *hostile.CONTAINERS[:9]):
                if stranger != part:
                    bad = hostile.array([*parts[:at], stranger, *parts[at + 1 :]])
                    endings[continued(seal(bad, section), log)] += 1
    assert endings["Corrupt"] > 3_000


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
    endings = Counter(feed(log_of([state])) for state in hostile.states(sorted(registry._by_name)))
    assert endings["Corrupt"] > 500
    assert set(endings) <= {"Corrupt", "went on"}
    assert {name for name in set(sys.modules) - before if not name.startswith("tzdata")} == set()


def test_a_recorded_exception_may_be_anything_and_only_exceptions_come_of_it():
    names = [*vars(builtins), "StepFailed", "ResponseTimeout", "os.system", "LogError", "x"]
    args = [
        *map(pack, ([], ["a"], [1, 2], [b"", {}], "ab", 5, None, [[]] * 5)),
        b"\x91" + big(2**20_000),
    ]
    records = [b"\x92" + pack(name) + arg for name in names for arg in args]
    records += [b"\x92" + part + b"\x90" for part in (*hostile.SCALARS, *hostile.CONTAINERS)]
    records += [*hostile.SCALARS, *hostile.CONTAINERS, *hostile.PARTS]
    entry = "3get_client_response"
    endings: Counter[str] = Counter()
    for record in records:
        hostile.THROWN.clear()
        endings[ending := feed(log_of([record], entry=entry))] += 1
        assert ending in ("Corrupt", "went on")
        if ending == "went on":
            name, _ = load(record)
            kind = getattr(builtins, name, None) or getattr(errors, name)
            assert isinstance(hostile.THROWN[0], kind)
            assert issubclass(kind, Exception)
    assert 200 < endings["went on"] < 800
    assert endings["Corrupt"] > 500


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
    assert {ending(b"\x92\x91\x01" + part) for part in junk} == {
        "Corrupt",
        "ReplayError",
        "went on",
    }
    good = pack([[1], {"name": "a"}])
    assert ending(good) == "went on"
    assert ending(good, "nobody") == "UnknownDialog"
