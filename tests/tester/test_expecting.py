"""A conversation is said and expected: messages, buttons, timeouts, bytes."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dialogs import (
    Button,
    Corrupt,
    Message,
    UsageError,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.testing import DialogTester, FakeClock
from tests.tester.tested import failure, greet, hasty

# --- saying and expecting ---------------------------------------------------------------------


def test_a_conversation_is_said_and_expected():
    tester = DialogTester(greet())
    tester.start().expect("Who is there?").expect_nothing().expect_waiting()
    tester.say("Ada").expect("Hello, Ada!", "Go on?").expect_nothing()
    tester.press("Yes").expect_nothing().expect_done(True)
    assert tester.result is True
    assert tester.is_done
    assert tester.messages == []
    assert tester.said[0] == "Who is there?"


def test_a_decorated_function_needs_no_call():
    DialogTester(greet).start().expect("Who is there?")


def test_saying_something_starts_the_conversation():
    DialogTester(greet()).say("Ada").expect("Hello, Ada!")


def test_a_conversation_starts_once():
    tester = DialogTester(greet()).start()
    with pytest.raises(UsageError, match=r"Go on with say"):
        tester.start()


def test_a_dialog_that_is_done_says_nothing_more():
    tester = DialogTester(greet()).say("Ada").press("No").say("Hello?")
    tester.expect_nothing().expect_done(False)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("Hello", "Hello"),
        ("Hello", Message("Hello", buttons=(Button("Hi"),))),
        (Message("Hello"), Message("Hello")),
        (re.compile(r"\d+"), "It is 42."),
        (re.compile("hell", re.IGNORECASE), Message("Hello")),
        (str.isupper, "HELLO"),
        (..., "Hello"),
        (..., None),
        (5, 5),
        ({"a": [1]}, {"a": [1]}),
        (None, None),
    ],
)
def test_messages_are_expected_in_many_ways(expected, message):
    DialogTester(send_message(message)).start().expect(expected).expect_nothing()


@pytest.mark.parametrize(
    ("expected", "message", "text"),
    [
        ("Hello", "Goodbye", "expected  'Hello'\nbut said  'Goodbye'\n\nThe"),
        ("Hello!", "Hello?", "- Hello!\n?      ^\n+ Hello?\n?      ^\n"),
        ("a\nb", "a\nc", "  a\n- b\n+ c"),
        ("5", 5, "expected  '5'\nbut said  5"),
        (5, "5", "expected  5\nbut said  '5'"),
        (True, 1, "expected  True\nbut said  1"),
        (re.compile("x+"), "abc", "expected  something with the pattern 'x+'\nbut said  'abc'"),
        (str.isupper, "abc", "expected  something of which isupper is true"),
        (Message("a"), "a", "expected  Message('a')\nbut said  'a'"),
        ("a", Message("b", buttons=(Button("c"),)), "but said  Message('b') [c]"),
    ],
)
def test_a_failure_shows_what_differs(expected, message, text):
    tester = DialogTester(send_message(message)).start()
    assert text in failure(lambda: tester.expect(expected))


def test_a_failure_shows_the_conversation_so_far():
    tester = DialogTester(greet()).start().say("Ada")
    assert failure(lambda: tester.expect("Goodbye, Ada!")) == (
        "expected  'Goodbye, Ada!'\n"
        "but said  'Hello, Ada!'\n"
        "\n"
        "- Goodbye, Ada!\n"
        "+ Hello, Ada!\n"
        "\n"
        "The conversation so far:\n"
        "bot: Who is there?\n"
        "you: Ada\n"
        "bot: Hello, Ada!\n"
        "bot: Go on? [Yes] [No]"
    )


def test_parts_of_a_message_are_expected():
    tester = DialogTester(greet()).say("Ada").expect_containing("Hello", "Ada")
    assert "something with 'Stop?'" in failure(lambda: tester.expect_containing("Go", "Stop?"))


def test_messages_are_expected_of_the_last_turn_only():
    tester = DialogTester(greet()).start().say("Ada")
    assert "but said  'Hello, Ada!'" in failure(lambda: tester.expect("Who is there?"))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (lambda tester: tester.expect("More"), "expected  'More'\nbut nothing more was said"),
        (lambda tester: tester.expect_containing("a", "b"), "something with 'a', 'b'\nbut nothing"),
        (
            lambda tester: tester.expect_done(),
            "expected  that the dialog is done\nbut       it waits",
        ),
        (lambda tester: tester.result, "expected  that the dialog is done"),
        (
            lambda tester: tester.say("Ada").expect_nothing(),
            "nothing more\nbut said  'Hello, Ada!', Message('Go",
        ),
        (lambda tester: tester.press("Yes"), "a button 'Yes'\nbut there are no buttons"),
        (lambda tester: tester.say("Ada").press("Perhaps"), "but there are 'Yes', 'No'"),
        (
            lambda tester: tester.time_out(),
            "a wait with a timeout\nbut       it waits in get_client",
        ),
        (lambda tester: tester.say("Ada").say(1).expect_done(True), "the result True\nbut got   1"),
        (
            lambda tester: tester.say("Ada").say(1).expect_waiting(),
            "but       it is done, with the",
        ),
        (lambda tester: DialogTester(greet()).expect_waiting(), "but       it has not started"),
        (lambda tester: DialogTester(greet()).expect("?"), "so far:\n(nothing was said)"),
    ],
)
def test_what_is_not_so_fails(check, text):
    tester = DialogTester(greet()).start().expect("Who is there?")
    assert text in failure(lambda: check(tester))


# --- buttons, timeouts ------------------------------------------------------------------------


def test_the_last_buttons_can_be_pressed_after_other_messages():
    @dialog
    def menu():
        yield send_message(Message("Old", buttons=(Button("Tea", 1),)))
        yield send_message(Message("New", buttons=(Button("Tea", 2), Button("Milk"))))
        yield send_message("Well?")
        return (yield get_client_response()), (yield get_client_response())

    DialogTester(menu()).start().press("Tea").press("Milk").expect_done((2, "Milk"))


def test_a_wait_times_out():
    DialogTester(hasty()).time_out().expect_done((120.0, timedelta(minutes=2)))


def test_a_wait_that_is_answered_does_not_time_out():
    DialogTester(hasty()).say("in time").expect_done(("in time", timedelta(0)))


def test_a_wait_times_out_in_a_conversation_that_was_given_as_bytes():
    log = DialogTester(hasty()).start().bytes
    clock = FakeClock(datetime(2024, 1, 1, 12, 1, tzinfo=UTC))
    tester = DialogTester(hasty(), log=log, clock=clock).time_out()
    tester.expect_done((120.0, timedelta(minutes=3)))


# --- bytes ------------------------------------------------------------------------------------


def test_a_conversation_goes_on_from_its_bytes_elsewhere():
    before = DialogTester(greet()).start()
    assert before.bytes.startswith(b"DLG")
    assert before.log_size == len(before.bytes)
    DialogTester(greet(), log=before.bytes).expect_waiting().say("Ada").expect("Hello, Ada!", ...)


def test_a_finished_conversation_is_done_when_it_is_given_as_bytes():
    log = DialogTester(greet()).say("Ada").say("end").bytes
    DialogTester(greet(), log=log).expect_done("end")


def test_bytes_that_are_no_log_are_refused():
    log = DialogTester(greet()).start().bytes
    with pytest.raises(Corrupt):
        DialogTester(greet(), log=log[:-1])


def test_before_the_start_there_are_no_bytes():
    tester = DialogTester(greet())
    assert (tester.bytes, tester.log_size) == (None, 0)
