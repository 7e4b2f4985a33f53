"""The tester of dialogs: what it does, and what it finds."""

import asyncio
import itertools
import random
import re
import warnings
from datetime import UTC, datetime, timedelta

import pytest
import trio
import trio.lowlevel

from dialogs import (
    AsyncInSyncRun,
    Attachment,
    Button,
    Corrupt,
    Message,
    ReplayError,
    ResponseTimeout,
    UnrecordedAwait,
    UsageError,
    call,
    choice,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    now,
    randint,
    run,
    send_message,
    sleep,
    step_key,
    uuid4,
    wait_for_signal,
)
from dialogs.testing import DialogTester, FakeClock


@dialog
def greet():
    yield send_message("Who is there?")
    name = yield get_client_response()
    yield send_message(f"Hello, {name}!")
    yield send_message(Message("Go on?", buttons=(Button("Yes", True), Button("No", False))))
    return (yield get_client_response(timeout=60))


def failure(action):
    with pytest.raises(AssertionError) as caught:
        action()
    return str(caught.value)


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


@dialog
def hasty():
    before = yield now()
    try:
        answer = yield get_client_response(timeout=timedelta(minutes=2))
    except ResponseTimeout as error:
        answer = error.timeout_s
    return answer, (yield now()) - before


def test_a_wait_times_out():
    DialogTester(hasty()).time_out().expect_done((120.0, timedelta(minutes=2)))


def test_a_wait_that_is_answered_does_not_time_out():
    DialogTester(hasty()).say("in time").expect_done(("in time", timedelta(0)))


def test_a_wait_times_out_in_a_conversation_that_was_given_as_bytes():
    log = DialogTester(hasty()).start().bytes
    clock = FakeClock(datetime(2024, 1, 1, 12, 1, tzinfo=UTC))
    tester = DialogTester(hasty(), log=log, clock=clock).time_out()
    tester.expect_done((120.0, timedelta(minutes=3)))


# --- signals and time -------------------------------------------------------------------------


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


# --- scripts ----------------------------------------------------------------------------------


def test_a_script_is_played():
    DialogTester(greet()).play(
        """
        bot: Who is there?
        you: Ada
        bot: Hello, ...!
        bot: Go on? [Yes] [No]

        you: [No]
        (done: False)
        """
    )


def test_a_transcript_is_a_script():
    tester = DialogTester(greet()).say("Ada\nLovelace").press("Yes")
    assert tester.transcript == (
        "bot: Who is there?\n"
        "you: Ada\n"
        "     Lovelace\n"
        "bot: Hello, Ada\n"
        "     Lovelace!\n"
        "bot: Go on? [Yes] [No]\n"
        "you: [Yes]\n"
        "(done: True)"
    )
    DialogTester(greet()).play(tester.transcript)


def test_a_script_goes_on_where_the_conversation_stands():
    DialogTester(greet()).say("Ada").play("bot: Hello, Ada!\nbot: Go on?").press("Yes").play(
        "(done)"
    )


def test_a_script_lets_time_pass():
    tester = DialogTester(hasty())
    tester.play("(timed out)\n(done: (120.0, datetime.timedelta(seconds=120)))")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("bot: Who?", "- Who?"),
        ("bot: Who ...!", "expected  'Who ...!'"),
        ("you: Ada", "expected  nothing more\nbut said  'Who is there?'"),
        (
            "bot: Who is there?\nyou: Ada\nbot: Hello, Ada!",
            "nothing more\nbut said  Message('Go on?') [Yes]",
        ),
        ("bot: ...\nbot: And?", "nothing more was said"),
        ("bot: ...\n(done)", "that the dialog is done"),
        (
            "bot: ...\nyou: a\nbot: ...\nbot: ...\nyou: b\n(done: 'c')",
            "(done: 'c')\nbut it is (done: 'b')",
        ),
    ],
)
def test_a_script_that_is_not_followed_fails(script, text):
    assert text in failure(lambda: DialogTester(greet()).play(script))


def test_a_script_begins_with_a_speaker():
    with pytest.raises(UsageError, match="human: Hi"):
        DialogTester(greet()).play("human: Hi")


def test_other_messages_are_shown_as_they_are():
    files = Message("Look", attachments=(Attachment("cat.png"),))
    tester = DialogTester(gather(send_message(files), send_message({"a": 1}))).start()
    assert tester.transcript == "bot: Look <cat.png>\nbot: {'a': 1}\n(done: [None, None])"


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


def charge(amount, currency="EUR"):
    raise AssertionError("a test would have charged somebody")


async def acharge(amount, currency="EUR"):
    raise AssertionError("a test would have charged somebody")


@dialog
def shop(charge=charge):
    try:
        first = yield call(charge, 5)
    except ConnectionError as error:
        first = str(error)
    second = yield call(charge, 7, currency="USD")
    yield send_message("Thanks!")
    yield get_client_response()
    return first, second


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


# --- failing turns and crashes ----------------------------------------------------------------


def test_a_turn_that_fails_leaves_everything_as_it_was():
    tester = DialogTester(shop()).stub(charge, ValueError("no card"), "paid")
    with pytest.raises(ValueError, match="no card"):
        tester.start()
    assert (tester.bytes, tester.messages, tester.said) == (None, [], [])
    tester.start().expect("Thanks!")
    assert tester.transcript == "(failed with ValueError)\nbot: Thanks!"


@dialog
def lottery():
    numbers = [(yield randint(1, 1000)), (yield choice(range(1000)))]
    ticket = yield call(charge, 2)
    yield send_message(f"{numbers} {ticket}")
    yield get_client_response()
    return (yield gather(uuid4(), call(charge, 3)))


@pytest.mark.parametrize("crash_at", [0, 1, 2, 3, 4, [1, 3], (0, 99, 1)])
def test_a_crash_changes_nothing_but_what_was_performed_again(crash_at):
    calm = DialogTester(lottery()).stub(charge, "a", "b", "c").start().say("")
    tester = DialogTester(lottery()).stub(charge, "a", "b", "c")
    tester.start(crash_at=crash_at).say("", crash_at=crash_at)
    assert tester.bytes == calm.bytes
    assert tester.said == calm.said
    assert tester.transcript.count("(crashed)") == 2 * len(
        [crash_at] if isinstance(crash_at, int) else crash_at
    )


def test_a_crash_comes_after_so_many_effects():
    def performed(crash_at):
        return len(DialogTester(lottery()).stub(charge, "a").start(crash_at=crash_at).performed)

    assert [performed(crash_at) for crash_at in (None, 0, 1, 2, 3, 9)] == [3, 3, 4, 5, 6, 6]


def test_a_crash_comes_after_an_effect_that_failed_too():
    tester = DialogTester(shop()).stub(charge, ConnectionError("no line"), "paid")
    tester.start(crash_at=[1, 2]).expect("Thanks!").say("").expect_done(("no line", "paid"))
    assert tester.performed == ["call(charge)"] * 5


@dialog
def plain_lottery():
    number = run(randint(1, 1000))
    paid = run(call(acharge, 2))
    run(send_message(f"{number} {paid}"))
    return run(get_client_response())


@pytest.mark.parametrize("crash_at", [0, 1, 2])
def test_a_plain_function_crashes_too(crash_at):
    calm = DialogTester(plain_lottery()).stub(acharge, "paid").start()
    tester = DialogTester(plain_lottery()).stub(acharge, "paid").start(crash_at=crash_at)
    assert tester.bytes == calm.bytes
    assert tester.say("", crash_at=crash_at).result == ""


@pytest.mark.parametrize("crash_at", [0, 1, 2])
def test_every_turn_can_crash(crash_at):
    tester = DialogTester(greet()).say("Ada", crash_at=crash_at).press("Yes", crash_at=crash_at)
    tester.expect_done(True)
    DialogTester(hasty()).start(crash_at=crash_at).time_out(crash_at=crash_at).expect_done(
        (120.0, timedelta(minutes=2))
    )


# --- two runs of a turn -----------------------------------------------------------------------


def test_effects_are_performed_once():
    calls = itertools.count(1)

    @dialog
    def counts():
        yield get_client_response()
        return (yield call(calls.__next__)), (yield gather(call(calls.__next__)))

    DialogTester(counts()).start().say("").expect_done((1, [2]))


def test_a_dialog_that_changes_between_two_runs_is_found():
    runs = itertools.count(1)

    @dialog
    def counts():
        yield send_message(f"run {next(runs)}")
        yield get_client_response()

    text = failure(DialogTester(counts()).start)
    assert "said: ['run 1'], in the sync run" in text
    assert "said: ['run 2'], in the async run" in text
    assert "reads something that changes between runs" in text


@pytest.mark.parametrize("steps", [[], [now()], [now(), randint(1, 6)], [call(max, 1, 2)]])
def test_a_dialog_that_performs_something_else_in_its_second_run_is_found(steps):
    runs = itertools.count()

    @dialog
    def differs():
        yield from steps if next(runs) else [randint(1, 6)]
        yield get_client_response()

    assert "The same turn went differently" in failure(DialogTester(differs()).start)


@pytest.mark.parametrize("steps", [[], [now()], [now(), randint(1, 6)], [call(max, 1, 2)]])
async def test_what_a_second_run_performs_is_compared_on_an_event_loop_too(steps):
    runs = itertools.count()

    @dialog
    async def differs():
        for step in steps if next(runs) else [randint(1, 6)]:
            await step
        await get_client_response()

    with pytest.raises(AssertionError, match="The same turn went differently"):
        await DialogTester(differs()).astart()


def test_a_dialog_that_awaits_in_its_second_run_only_is_awaited():
    runs = itertools.count()

    @dialog
    async def differs():
        if next(runs):
            await asyncio.sleep(0)
        return await call(max, 1, 2)

    DialogTester(differs()).start().expect_done(2)


def test_an_error_in_one_run_only_is_found():
    runs = itertools.count()

    @dialog
    def fails():
        if next(runs):
            raise ValueError("the second time")
        yield get_client_response()

    text = failure(DialogTester(fails()).start)
    assert "raised: nothing, in the sync run" in text
    assert "raised: ValueError: the second time, in the async run" in text


async def test_a_dialog_that_changes_between_two_runs_is_found_on_an_event_loop():
    runs = itertools.count(1)

    @dialog
    async def counts():
        await send_message(f"run {next(runs)}")
        await get_client_response()

    with pytest.raises(AssertionError, match=r"run 2.*in the sync run"):
        await DialogTester(counts()).astart()


def test_messages_that_do_not_equal_themselves_are_equal_in_both_runs():
    nan = float("nan")
    DialogTester(gather(send_message(nan), call(abs, nan))).start()


def test_one_run_may_be_enough():
    runs = itertools.count(1)

    @dialog
    def counts():
        yield send_message(f"run {next(runs)}")

    DialogTester(counts(), run="sync").start().expect("run 1")
    DialogTester(counts(), run="async").start().expect("run 2")


# --- turns that must be awaited ---------------------------------------------------------------


async def fetch(page):
    await asyncio.sleep(0)
    return f"<{page}>"


@dialog
async def reads():
    one = await call(fetch, "one")
    name = await get_client_response()
    two = await gather(call(fetch, name), randint(1, 6), call(fetch, "three"))
    return one, two


@dialog
def reads_as_generator():
    one = yield call(max, 1, 2)
    yield call(fetch, one)
    return (yield fetch("coroutine"))


@dialog
def reads_as_plain_function():
    return run(call(max, 1, 2)), run(call(lambda: fetch("sync function"))), run(fetch("coroutine"))


@dialog
async def reads_as_async_generator():
    await asyncio.sleep(0)
    yield dialog_result((yield call(fetch, "page")))


READERS = [reads, reads_as_generator, reads_as_plain_function, reads_as_async_generator]


@pytest.mark.parametrize("reader", READERS)
def test_a_turn_that_must_be_awaited_is_awaited(reader):
    tester = DialogTester(reader()).start()
    if not tester.is_done:
        tester.say("two")
    assert tester.is_done


@pytest.mark.parametrize("reader", READERS)
async def test_a_turn_is_awaited_inside_a_running_event_loop(reader):
    tester = DialogTester(reader()).start()
    if not tester.is_done:
        tester.say("two")
    assert tester.is_done


@pytest.mark.parametrize("reader", READERS)
async def test_a_turn_is_awaited_on_the_loop_of_the_test(reader):
    tester = await DialogTester(reader()).astart()
    if not tester.is_done:
        await tester.asay("two")
    assert tester.is_done


def test_what_was_performed_before_the_first_await_is_performed_once():
    tester = DialogTester(reads_as_generator()).start()
    assert tester.performed == ["call(max)", "call(fetch)", "the coroutine 'fetch'"]


async def test_steps_may_use_what_belongs_to_the_loop_of_the_test():
    answers = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(answers.set_result, 42)

    @dialog
    async def waits():
        return await call(asyncio.wait_for, answers, 10)

    (await DialogTester(waits()).astart()).expect_done(42)


async def test_every_turn_can_be_taken_on_the_loop_of_the_test():
    tester = await DialogTester(greet()).asay("Ada")
    (await tester.expect("Hello, Ada!", "Go on?").apress("No", crash_at=0)).expect_done(False)
    tester = await DialogTester(hasty()).astart()
    assert (await tester.atime_out()).result[0] == 120.0
    with pytest.raises(UsageError):
        await tester.astart()


async def test_a_sync_only_tester_runs_on_an_event_loop_too():
    (await DialogTester(greet(), run="sync").astart()).expect("Who is there?")
    with pytest.raises(AsyncInSyncRun):
        await DialogTester(reads(), run="sync").astart()


def test_a_sync_only_tester_cannot_await():
    with pytest.raises(AsyncInSyncRun):
        DialogTester(reads(), run="sync").start()


@pytest.mark.parametrize("crash_at", [0, 1, 2, 3, 9])
async def test_crashes_between_awaits(crash_at):
    calm = await (await DialogTester(reads()).astart()).asay("two")
    tester = await DialogTester(reads()).astart(crash_at=crash_at)
    assert (await tester.asay("two", crash_at=crash_at)).bytes == calm.bytes
    tester = DialogTester(reads()).start(crash_at=crash_at).say("two", crash_at=crash_at)
    assert tester.bytes == calm.bytes


def test_a_sync_function_that_needs_a_loop_is_called_on_one():
    def make_task():
        return asyncio.get_running_loop().create_task(fetch("task"))

    DialogTester(call(make_task)).start().expect_done("<task>")


def test_a_sync_function_of_a_library_that_needs_a_loop_is_called_on_one():
    class NoEventLoopError(RuntimeError):
        """What anyio raises."""

    def sniff():
        try:
            asyncio.get_running_loop()
        except RuntimeError as error:
            raise NoEventLoopError("Not currently running on any event loop") from error
        return "asyncio"

    DialogTester(call(sniff)).start().expect_done("asyncio")


@pytest.mark.parametrize("crash_at", [None, 0, 1, 9])
def test_turns_are_taken_on_trio(crash_at):
    async def nap(text):
        await trio.lowlevel.checkpoint()
        return text

    @dialog
    async def naps():
        await call(trio.sleep, 0)
        one = await get_client_response()
        return [one, *await gather(call(nap, "a"), call(nap, "b"))]

    async def converse():
        await trio.lowlevel.checkpoint()
        tester = await DialogTester(naps()).astart(crash_at=crash_at)
        (await tester.asay("one", crash_at=crash_at)).expect_done(["one", "a", "b"])
        # And inside trio's loop, without awaiting, what is no business of trio.
        DialogTester(greet()).start().expect("Who is there?")
        DialogTester(call(fetch, "page")).start().expect_done("<page>")

    trio.run(converse)


def test_a_coroutine_that_awaits_trio_between_steps_needs_trio():
    @dialog
    async def naps():
        await trio.lowlevel.checkpoint()
        return "rested"

    async def converse():
        (await DialogTester(naps()).astart()).expect_done("rested")

    trio.run(converse)


# --- warnings ---------------------------------------------------------------------------------


@dialog
async def forgetful():
    await asyncio.sleep(0)
    return await get_client_response()


async def test_a_warning_is_given_once():
    tester = await DialogTester(forgetful()).astart()
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        await tester.asay("a")
    assert [warning.category for warning in given] == [UnrecordedAwait]


async def test_a_warning_that_is_an_error_is_raised():
    tester = DialogTester(forgetful()).start()
    with pytest.raises(UnrecordedAwait):
        tester.say("a")
    with pytest.raises(UnrecordedAwait):
        await tester.asay("a")
