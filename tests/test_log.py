"""The log: what it keeps, what it costs, and that damaged bytes are refused."""

import random
import warnings
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dialogs import (
    Corrupt,
    InMemoryPersistence,
    LogError,
    LongLog,
    UnknownFormat,
    UsageError,
    call,
    continue_as_new,
    dialog,
    gather,
    get_client_response,
    randint,
    run_gen_dialog,
    send_message,
    serializable,
)
from dialogs.log import CONSUMED, FAILED, FORMAT, MAGIC, MAX_TABLE, Log


def play(root: Any, *responses: Any, log: bytes | None = None) -> bytes:
    """The log after these responses; the first of all starts the conversation."""
    kept = InMemoryPersistence(log)
    for response in responses or ("",):
        run_gen_dialog(root, kept, response)
    assert kept.log is not None
    return kept.log


def outcomes(log: bytes) -> dict[str, int]:
    """For each step's key in the log, its outcome."""
    return {entry[1:]: int(entry[0]) for entry in Log.decode(log).table}


# --- what it costs ----------------------------------------------------------------------------


@dialog
def benchmark():
    i = 0
    while True:
        yield send_message(f"Question {i}?")
        yield get_client_response()
        yield call(random.random)
        i += 1


def test_a_turn_costs_at_most_26_bytes():
    kept = InMemoryPersistence()
    sizes = {}
    for turn in range(1_001):
        run_gen_dialog(benchmark(), kept, "short")
        assert kept.log is not None
        sizes[turn] = len(kept.log)
    assert (sizes[1_000] - sizes[100]) / 900 <= 26
    assert sizes[100] <= 26 * 100 + 100
    # As docs/log-format.md counts them: three codes, a mark, nil, "short" and a float.
    assert sizes[200] - sizes[199] == 3 + 2 + 1 + 6 + 9


def test_a_conversation_that_has_just_begun_costs_a_hundred_bytes():
    @dialog
    def greeting():
        yield send_message("Hello! What is your name?")
        return (yield get_client_response())

    assert len(play(greeting())) <= 100


def test_a_turn_leaves_the_bytes_of_older_values_as_they_are():
    kept = InMemoryPersistence()
    before = b""
    for turn in range(12):
        run_gen_dialog(benchmark(), kept, f"answer {turn}")
        now = bytes(Log.decode(kept.log).values)
        assert now.startswith(before)
        assert len(now) > len(before)
        assert now in kept.log
        before = now


def test_a_value_is_encoded_once_however_many_turns_follow():
    encoded = []

    @serializable(name="log.Counted", encode=encoded.append, decode=lambda _: Counted())
    class Counted:
        pass

    @dialog
    def keeps():
        yield call(Counted)
        while True:
            yield get_client_response()

    play(keeps(), *range(5))
    assert len(encoded) == 1


@dialog
def inner(questions: int):
    for number in range(questions):
        yield send_message(f"{number}?")
        yield get_client_response()
    return "done"


@dialog
def outer(questions: int):
    yield inner(questions)
    yield get_client_response()


def test_a_finished_subdialog_costs_one_record_however_long_it_was():
    short = play(outer(2), *range(3))
    long = play(outer(50), *range(51))
    assert len(Log.decode(long)) == len(Log.decode(short)) == 1
    assert len(Log.decode(long).frames) == 1
    assert len(long) == len(short)


def test_continue_as_new_keeps_the_size_constant():
    @dialog
    def rounds(number: int = 1_000):
        yield inner(1)
        yield continue_as_new(rounds(number + 1))

    kept = InMemoryPersistence()
    sizes = []
    for turn in range(40):
        run_gen_dialog(rounds(), kept, f"{turn:05}")
        sizes.append(len(kept.log))
    assert len(set(sizes[2:])) == 1
    assert len(Log.decode(kept.log)) <= 2


def test_a_log_that_is_done_keeps_the_result_and_nothing_else():
    @dialog
    def asks():
        yield call(lambda: "x" * 1_000)
        return (yield get_client_response())

    done = play(asks(), "", "result")
    assert len(done) < 40
    assert run_gen_dialog(asks(), InMemoryPersistence(done), "").return_value == "result"


# --- what it tells ----------------------------------------------------------------------------


def fails() -> None:
    raise ValueError("on purpose")


def test_a_record_tells_whether_it_consumed_client_input_and_whether_it_failed():
    @dialog
    def all_kinds():
        yield send_message("a")
        yield get_client_response()
        yield randint(1, 6)
        yield gather(call(int), call(str))
        try:
            yield call(fails)
        except ValueError:
            yield send_message("named", name="failed")
        yield get_client_response()

    assert outcomes(play(all_kinds(), "", "b")) == {
        "send_message": 0,
        "get_client_response": CONSUMED,
        "randint": 0,
        "gather call int, call str": 0,
        "call fails": FAILED,
        "send_message failed": 0,
    }


@dialog
def asks_inside(depth: int, fail: bool = False):
    if depth:
        return (yield asks_inside(depth - 1, fail))
    yield get_client_response()
    if fail:
        raise ValueError("on purpose")
    return "asked"


@dialog
def asks_nothing():
    yield call(int)


def test_a_collapsed_dialog_tells_whether_anything_inside_it_consumed_client_input():
    @dialog
    def root(fail: bool):
        yield asks_nothing()
        with suppress(ValueError):
            yield asks_inside(3, fail)
        yield get_client_response()

    succeeded, failed = (outcomes(play(root(fail), "", "x")) for fail in (False, True))
    assert succeeded["dialog asks_nothing"] == failed["dialog asks_nothing"] == 0
    assert succeeded["dialog asks_inside"] == CONSUMED
    assert failed["dialog asks_inside"] == CONSUMED | FAILED


@pytest.mark.parametrize("names", [127, 128, 129, 300, 2_500])
def test_any_number_of_different_step_names_is_told_apart(names):
    @dialog
    def many(turns: int):
        seen = []
        for turn in range(turns):
            for number in range(names):
                step = f"{turn % 2} {number}"
                yield send_message("", name=step)
            seen.append((yield get_client_response()))
        return seen

    assert len(Log.decode(play(many(3), *range(2))).table) > names
    kept = InMemoryPersistence(play(many(3), *range(3)))
    assert run_gen_dialog(many(3), kept, 3).return_value == [1, 2, 3]


def test_names_without_end_are_refused_before_they_fit_no_more():
    log = Log()
    log.open("endless", "1.0")
    log.table = [f"0call {number}" for number in range(MAX_TABLE)]
    log.record("call 7", 0, b"\xc0", None)
    with pytest.raises(UsageError, match="steps of different names"):
        log.record("call another", 0, b"\xc0", None)
    log.frames[0].pending = "get_client_response"
    log.frames[0].codes += chr(MAX_TABLE - 1)
    log.values += b"\xc0"
    assert Log.decode(log.encode()).frames[0].keys == ["call 7", f"call {MAX_TABLE - 1}"]


def test_a_log_warns_once_when_it_grows_past_ten_thousand_records():
    @dialog
    def grows():
        for count in (9_999, 1, 1, 5_000):
            for _ in range(count):
                yield send_message("", name="x")
            yield get_client_response()

    kept = InMemoryPersistence()
    run_gen_dialog(grows(), kept, "")
    with pytest.warns(LongLog) as caught:
        run_gen_dialog(grows(), kept, "")
    assert len(caught) == 1
    text = str(caught[0].message)
    for part in ("'grows'", "10,001 records", "subdialogs", "continue_as_new"):
        assert part in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_gen_dialog(grows(), kept, "")
        run_gen_dialog(grows(), kept, "")


# --- its bytes --------------------------------------------------------------------------------


@dialog
def middle():
    yield send_message("Hello!")
    return (yield asks_inside(1))


@dialog
def example():
    name = yield call(lambda: "Ada")
    try:
        yield call(fails)
    except ValueError:
        yield send_message(f"Bye, {name}!", name="bye")
    yield asks_nothing()
    yield middle()
    return name


EXAMPLE = play(example())


def test_bytes_read_and_written_again_are_the_same():
    for log in (
        EXAMPLE,
        play(example(), "", "x"),
        play(benchmark(), *range(9)),
        play(outer(2), *range(2)),
    ):
        assert Log.decode(log).encode() == log


def test_equal_conversations_have_equal_bytes():
    assert play(example()) == EXAMPLE
    assert play(benchmark()) != EXAMPLE


def refused(log: bytes) -> LogError:
    """The error of a turn over these bytes, in which nothing may happen."""
    kept = InMemoryPersistence(log)
    with pytest.raises(LogError) as caught:
        run_gen_dialog(example(), kept, "x")
    assert kept.log is log
    return caught.value


def test_every_flipped_bit_is_refused():
    for bit in range(len(EXAMPLE) * 8):
        flipped = bytearray(EXAMPLE)
        flipped[bit // 8] ^= 1 << bit % 8
        error = refused(bytes(flipped))
        assert isinstance(error, UnknownFormat if bit < 8 * len(MAGIC + b"\1") else Corrupt)


@given(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 255))
def test_every_other_byte_is_refused(at, byte):
    if EXAMPLE[at] != byte:
        refused(EXAMPLE[:at] + bytes([byte]) + EXAMPLE[at + 1 :])


def test_a_log_cut_at_any_length_is_refused():
    for length in range(len(EXAMPLE)):
        refused(EXAMPLE[:length])
        refused(EXAMPLE[length + 1 :])


@given(st.binary(min_size=1))
def test_bytes_after_a_log_are_refused(tail):
    assert isinstance(refused(EXAMPLE + tail), Corrupt)


@given(st.binary(max_size=64))
def test_bytes_of_something_else_are_refused(data):
    refused(data)
    refused(MAGIC + data)


def test_no_bytes_at_all_are_no_log():
    assert "0 bytes" in str(refused(b""))


@pytest.mark.parametrize("number", [0, FORMAT + 1, 255])
def test_a_format_that_this_library_does_not_know_is_refused_by_its_number(number):
    error = refused(MAGIC + bytes([number]) + EXAMPLE[4:])
    assert isinstance(error, UnknownFormat)
    assert f"format {number}, and this library reads format {FORMAT}" in str(error)
    assert "install a newer version" in str(error)


def test_other_magic_is_refused_and_shown():
    error = refused(b"PK\3\4" + EXAMPLE[4:])
    assert isinstance(error, UnknownFormat)
    assert repr(b"PK\3\4") in str(error)


def test_damage_is_told_apart_from_another_format_with_what_to_do():
    error = refused(EXAMPLE[:-1])
    assert isinstance(error, Corrupt)
    assert "checksum" in str(error)
    assert "Restore the bytes from a copy" in str(error)
