"""Signals, sleeps and timeouts, given by the test."""

from datetime import timedelta

import pytest

from dialogs import (
    ResponseTimeout,
    UsageError,
    call,
    dialog,
    get_client_response,
    now,
    send_message,
    sleep,
    wait_for_signal,
)
from dialogs.testing import DialogTester
from tests.tester.tested import failure


@dialog
def delivery():
    yield send_message("Please pay.")
    try:
        paid = yield wait_for_signal("paid", timeout=60)
    except ResponseTimeout:
        yield send_message("Pay now!")
        paid = yield wait_for_signal("paid")
    yield send_message(f"Thank you for {paid}.")
    yield sleep(timedelta(days=1))
    yield send_message("Did it arrive?")
    return (yield get_client_response())


def test_a_signal_is_given_and_a_sleep_ends():
    tester = DialogTester(delivery()).start().expect("Please pay.")
    tester.expect_waiting("wait_for_signal paid")
    tester.signal("paid", 5).expect("Thank you for 5.").expect_nothing().expect_waiting("sleep")
    tester.wake().expect("Did it arrive?").expect_waiting()
    tester.say("Yes").expect_done("Yes")


def test_the_first_turn_may_be_a_signal_or_a_wait_that_ends():
    DialogTester(delivery()).signal("paid", 5).expect("Thank you for 5.")
    DialogTester(delivery()).time_out().expect("Pay now!")


def test_time_passes_on_the_clock_of_the_test():
    @dialog
    def root():
        begun = yield now()
        yield sleep(90)
        return (yield now()) - begun

    DialogTester(root()).wake().expect_done(timedelta(seconds=90))


def test_what_comes_while_it_waits_for_something_else_is_kept_for_the_next_wait_that_it_fits():
    tester = DialogTester(delivery()).say("Yes").say("Late").expect_nothing()
    tester.expect_waiting("wait_for_signal paid")
    tester.signal("other").expect_nothing().signal("paid", 5).expect("Thank you for 5.")
    tester.wake().expect("Did it arrive?").expect_done("Yes")


def test_a_kept_message_whose_turn_fails_undoes_the_turn_before_it():
    @dialog
    def root():
        yield sleep(60)
        yield send_message("Number?")
        return int((yield get_client_response()))

    tester = DialogTester(root()).say("x")
    before = tester.bytes
    with pytest.raises(ValueError, match="invalid literal"):
        tester.wake()
    assert (tester.bytes, tester.said) == (before, [])
    tester.expect_nothing().expect_waiting("sleep")
    assert tester.transcript == "you: x\n(woke up)\n(failed with ValueError)"


def test_a_timeout_that_is_not_caught_is_raised_and_nothing_is_saved():
    @dialog
    def root():
        yield send_message("Your name?")
        return (yield get_client_response(timeout=60))

    tester = DialogTester(root()).start()
    before = tester.bytes
    with pytest.raises(ResponseTimeout, match="60 seconds"):
        tester.time_out()
    assert tester.bytes == before
    tester.expect_waiting().say("Ada").expect_done("Ada")


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (lambda tester: tester.wake(), "the dialog sleeps\nbut       it waits in wait_for_signal"),
        (lambda tester: tester.expect_waiting(), "for the client\nbut       it waits in wait_for"),
        (
            lambda tester: tester.expect_waiting("wait_for_signal shipped"),
            "in wait_for_signal(shipped)\nbut       it waits in wait_for_signal(paid)",
        ),
        (
            lambda tester: tester.signal("paid").time_out(),
            "a wait with a timeout\nbut       it waits in sleep()",
        ),
        (lambda tester: tester.signal("paid").expect_done(), "done\nbut       it waits in sleep()"),
        (
            lambda tester: tester.time_out().time_out(),
            "a wait with a timeout\nbut       it waits in",
        ),
        (
            lambda tester: tester.say("Yes").signal("paid").wake().signal("paid"),
            "a wait for the signal 'paid'\nbut       it is done",
        ),
    ],
)
def test_what_does_not_fit_the_wait_fails(check, text):
    tester = DialogTester(delivery()).start()
    assert text in failure(lambda: check(tester))


def test_a_conversation_that_was_given_as_bytes_waits_where_it_did():
    log = DialogTester(delivery()).start().bytes
    tester = DialogTester(delivery(), log=log).expect_waiting("wait_for_signal paid")
    tester.say("Yes").signal("paid", 5).wake().expect_done("Yes")
    tester = DialogTester(delivery(), log=log).time_out().expect("Pay now!")
    assert "it waits in wait_for_signal(paid)" in failure(tester.wake)


def test_a_signal_has_a_name():
    with pytest.raises(UsageError, match="name of a signal"):
        DialogTester(delivery()).start().signal("")


@pytest.mark.parametrize("crash_at", range(3))
def test_a_signal_and_a_sleep_may_crash(crash_at):
    performed = []

    @dialog
    def root():
        paid = yield wait_for_signal("paid")
        yield call(performed.append, paid)
        yield sleep(1)
        yield call(performed.append, "slept")

    tester = DialogTester(root()).signal("paid", 5, crash_at=crash_at).wake(crash_at=crash_at)
    tester.expect_done()
    assert performed == [*[5] * (1 + (crash_at > 0)), *["slept"] * (1 + (crash_at > 0))]


def test_signals_and_time_are_in_the_transcript_which_is_a_script():
    tester = DialogTester(delivery()).time_out().signal("other").signal("paid", ("5", {"a": 1}))
    tester.wake().say("Yes")
    assert tester.transcript == (
        "bot: Please pay.\n"
        "(timed out)\n"
        "bot: Pay now!\n"
        "(signal other)\n"
        "(signal paid: ('5', {'a': 1}))\n"
        "bot: Thank you for ('5', {'a': 1}).\n"
        "(woke up)\n"
        "bot: Did it arrive?\n"
        "you: Yes\n"
        "(done: 'Yes')"
    )
    DialogTester(delivery()).play(tester.transcript)


def test_a_script_cannot_read_every_payload():
    with pytest.raises(UsageError, match=r"tester\.signal\('paid', \.\.\.\)"):
        DialogTester(delivery()).play("bot: Please pay.\n(signal paid: Receipt(5))")


async def test_signals_and_time_on_the_test_s_own_loop():
    tester = await DialogTester(delivery()).asignal("paid", 5)
    await (await tester.awake()).asay("Yes")
    tester.expect_done("Yes")
