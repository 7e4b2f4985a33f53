"""What a dialog meets in a test: a clock, dice, stubs, changed code."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from dialogs import (
    ReplayError,
    UsageError,
    call,
    choice,
    dialog,
    get_client_response,
    now,
    randint,
    send_message,
    step_key,
    uuid4,
)
from dialogs.testing import DialogTester, FakeClock
from tests.tester.tested import acharge, charge, greet, shop

# --- the world outside ------------------------------------------------------------------------


@dialog
def chance():
    return (yield now()), (yield randint(1, 100)), (yield choice("abc")), (yield uuid4())


def test_the_clock_stands_until_it_is_advanced():
    @dialog
    def times():
        one = yield now()
        yield get_client_response()
        return one, (yield now())

    start = datetime(2030, 5, 1, tzinfo=UTC)
    tester = DialogTester(times(), clock=FakeClock(start)).start()
    tester.clock.advance(90)
    tester.clock.advance(timedelta(days=1))
    tester.say("").expect_done((start, start + timedelta(days=1, seconds=90)))


def test_the_dice_are_seeded():
    one, other = DialogTester(chance()).start(), DialogTester(chance()).start()
    assert one.result == other.result
    assert DialogTester(chance(), seed=7).start().result[1] == random.Random(7).randint(1, 100)


def test_steps_are_stubbed_by_name():
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    tester = DialogTester(chance()).stub("now", moment).stub("randint", 42).stub("choice", "z")
    assert tester.start().result[:3] == (moment, 42, "z")


@pytest.mark.parametrize("step", [charge, "charge", "call charge", "call"])
def test_functions_are_stubbed(step):
    DialogTester(shop()).stub(step, "paid").say("").expect_done(("paid", "paid"))


def test_a_stub_gives_one_answer_after_another_and_raises_exceptions():
    tester = DialogTester(shop()).stub(charge, ConnectionError("no line"), "paid")
    tester.say("").expect_done(("no line", "paid"))
    assert tester.performed == ["call(charge)", "call(charge)"]


def test_the_last_stub_of_a_step_counts():
    tester = DialogTester(shop()).stub("charge", "one").stub(charge, "two")
    tester.say("").expect_done(("two", "two"))


@pytest.mark.parametrize("function", [charge, acharge])
def test_a_function_is_replaced_by_another(function):
    async def later(amount, currency="EUR"):
        await asyncio.sleep(0)
        return f"{amount} {currency}"

    def at_once(amount, currency="EUR"):
        return f"{amount} {currency}"

    for fake in (later, at_once):
        tester = DialogTester(shop(function)).replace(function, fake)
        tester.say("").expect_done(("5 EUR", "7 USD"))


def test_the_arguments_of_dice_are_given_to_what_replaces_them():
    tester = DialogTester(chance()).replace("randint", max).replace("choice", min)
    assert tester.replace("uuid4", lambda: None).start().result[1:] == (100, "a", None)


def test_a_coroutine_is_stubbed_by_its_name():
    async def fetch():
        raise AssertionError

    @dialog
    def fetches():
        return (yield fetch())

    name = fetch.__qualname__
    DialogTester(fetches()).stub(name, "page").start().expect_done("page")


def test_a_dialog_cannot_be_stubbed():
    with pytest.raises(UsageError, match="'greet' cannot be stubbed"):
        DialogTester(shop()).stub(greet, "hello")


def test_a_stub_needs_an_answer():
    with pytest.raises(UsageError, match="has no answer"):
        DialogTester(shop()).stub(charge)


def test_a_conversation_has_an_id_for_step_keys():
    def key():
        return step_key()

    DialogTester(call(key)).start()
    tester = DialogTester(call(key), conversation_id="web:42").start()
    assert tester.result.startswith("web:42/")


# --- changed code -----------------------------------------------------------------------------


def greeting(text, version="1.0"):
    @dialog(name="greet", version=version)
    def greet():
        yield send_message(text)
        return (yield get_client_response())

    return greet()


def test_changed_code_is_met_as_after_a_deployment():
    tester = DialogTester(greeting("Who is there?")).start()
    kept = tester.bytes
    tester.upgrade(greeting("Your name?"))
    with pytest.raises(ReplayError):
        tester.say("Ada")
    assert tester.bytes == kept
    tester.upgrade(greeting("Your name?", "2.0")).say("Ada").expect("Your name?").expect_waiting()
    assert "(the code was changed)" in tester.transcript


def test_changed_code_may_have_a_fallback():
    tester = DialogTester(greeting("Who is there?")).start()
    tester.upgrade(greeting("Your name?"), fallback=send_message("Sorry, once more."))
    tester.say("Ada").expect("Sorry, once more.", "Your name?").say("Ada").expect_done("Ada")
    tester = DialogTester(
        greeting("A"), fallback=send_message("B"), log=DialogTester(greet()).start().bytes
    )
    tester.say("Ada").expect("B", "A")
