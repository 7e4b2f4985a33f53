import asyncio

import pytest

from dialogs import (
    DialogStepDone,
    InMemoryPersistence,
    StepFailed,
    call,
    dialog,
    get_client_response,
    run_gen_dialog,
    serializable,
)
from tests.talking import refused, talk
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


def other(value):
    return value


# --- rule 3: the errors of steps --------------------------------------------------------------


class OutOfStock(Exception):
    """An exception that nobody registered."""


@serializable
class CardRefused(Exception):
    def __init__(self, reason, *, code):
        super().__init__(reason)
        self.code = code


ERRORS = [
    ValueError("text", 5),
    KeyError("key"),
    ZeroDivisionError(),
    FileNotFoundError(2, "No such file", "a.txt"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
    TimeoutError("late"),
    CardRefused("no money", code=51),
    OutOfStock("tea"),
    OutOfStock(),
    ValueError(object),
    StopIteration(4),
    StopAsyncIteration(4),
    ExceptionGroup("several", [ValueError(1)]),
    asyncio.QueueFull("full"),
    StepFailed("Earlier", "failed twice"),
]

CATCHES = """
    def order():
        try:
            «call(fail)»
        except Exception as error:
            seen.append(error)
        «send_message("Sorry!")»
        «get_client_response()»
        return «call(int, 7)»
"""


@each_style
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_replays_as_the_same_error(kept, style, error):
    calls, seen = [], []

    def fail():
        calls.append(1)
        raise error

    order = written(CATCHES, style, fail=fail, seen=seen)()

    assert run_gen_dialog(order, kept, "").messages == ["Sorry!"]
    assert run_gen_dialog(order, kept, "x") == DialogStepDone(7, [])
    first, replayed = seen
    assert calls == [1]
    assert type(first) is type(replayed)
    assert (first.args, str(first), vars(first)) == (replayed.args, str(replayed), vars(replayed))
    assert first.__cause__ is error


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_becomes_of_an_error_is_the_closed_list(kept, error):
    def fail():
        raise error

    with pytest.raises((type(error), StepFailed)) as caught:
        run_gen_dialog(call(fail), kept, "")

    builtin_or_registered = type(error).__module__ == "builtins" or type(error) is CardRefused
    unfit = (StopIteration, StopAsyncIteration, ExceptionGroup)
    if builtin_or_registered and not isinstance(error, unfit) and error.args != (object,):
        assert type(caught.value) is type(error)
        assert caught.value.args == error.args
    elif type(error) is StepFailed:
        assert caught.value.type_name == "Earlier"
    else:
        assert type(caught.value) is StepFailed
        assert caught.value.type_name == type(error).__name__
        assert caught.value.message == str(error)


def test_a_registered_error_keeps_its_attributes(kept):
    def pay():
        raise CardRefused("no money", code=51)

    @dialog
    def order():
        try:
            yield call(pay)
        except CardRefused as error:
            yield get_client_response()
            return error.args, error.code

    assert talk(order(), kept, "", "x").return_value == (("no money",), 51)


def test_an_error_without_a_text_of_its_own_is_recorded_too(kept):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    def fail():
        raise Mute

    @dialog
    def order():
        try:
            yield call(fail)
        except StepFailed as error:
            return error.type_name

    assert talk(order(), kept, "").return_value == "Mute"


@each_style
def test_an_error_that_nobody_catches_leaves_the_root_with_its_cause(kept, style):
    def fail():
        raise OutOfStock("tea")

    order = written("def order():\n    «send_message('Hi!')»\n    «call(fail)»", style, fail=fail)

    with pytest.raises(StepFailed, match=r"OutOfStock.*tea") as caught:
        run_gen_dialog(order(), kept, "")

    assert isinstance(caught.value.__cause__, OutOfStock)
    assert kept.log is None


@each_style
def test_steps_go_on_after_errors_were_caught(kept, style):
    def fail(number):
        raise ValueError(number)

    order = written(
        """
        def order():
            seen = []
            for number in range(3):
                try:
                    «call(fail, number)»
                except ValueError as error:
                    seen.append(error.args)
                seen.append(«call(other, number)»)
                seen.append(«get_client_response()»)
            return seen
        """,
        style,
        fail=fail,
        other=other,
    )()

    result = talk(order, kept, "", "a", "b", "c")

    assert result.return_value == [(0,), 0, "a", (1,), 1, "b", (2,), 2, "c"]


@each_style
def test_a_recorded_error_for_another_step_is_refused(kept, style):
    def fail():
        raise ValueError

    order = written(CATCHES, style, fail=fail, seen=[])()
    edited = written(CATCHES.replace("fail", "other"), style, other=other, seen=[])()
    talk(order, kept, "")

    error = refused(edited, kept)

    assert (error.logged, error.record) == ("call(fail)", 0)


@each_style
def test_an_error_crosses_open_frames_as_the_same_error(kept, style):
    """Given a dialog three deep that fails after its third answer; when it is caught outside."""
    failures, seen = [], []

    def fail(answer):
        failures.append(answer)
        raise OutOfStock(answer)

    order = written(
        """
        def pay():
            «send_message("Card?")»
            card = «get_client_response()»
            «call(fail, card)»

        def checkout():
            try:
                «get_client_response()»
                «pay()»
            finally:
                seen.append("checkout")

        def order():
            «get_client_response()»
            try:
                «checkout()»
            except StepFailed as error:
                seen.append((error.type_name, error.message))
            «send_message("Sorry!")»
            return «get_client_response()»
        """,
        style,
        fail=fail,
        seen=seen,
    )()

    result = talk(order, kept, "", "a", "b")
    assert result.messages == ["Card?"]
    assert "checkout" in seen
    seen.clear()
    assert run_gen_dialog(order, kept, "visa").messages == ["Sorry!"]
    assert seen == ["checkout", ("OutOfStock", "visa")]
    assert run_gen_dialog(order, kept, "bye") == DialogStepDone("bye", [])
    assert seen[2:] == [("OutOfStock", "visa")]
    assert failures == ["visa"]


@each_style
def test_an_error_of_a_subdialog_is_treated_like_any_steps_error(kept, style):
    seen = []
    order = written(
        """
        def pay():
            «get_client_response()»
            raise OutOfStock("tea")

        def order():
            try:
                «pay()»
            except Exception as error:
                seen.append(error)
            return «get_client_response()»
        """,
        style,
        OutOfStock=OutOfStock,
        seen=seen,
    )()

    assert talk(order, kept, "", "visa", "x").return_value == "x"

    first, replayed = seen
    assert type(first) is type(replayed) is StepFailed
    assert str(first) == str(replayed)
    assert isinstance(first.__cause__, OutOfStock)
