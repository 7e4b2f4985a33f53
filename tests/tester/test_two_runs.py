"""Every turn is run twice, and may crash: what differs is found."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from dialogs import (
    call,
    choice,
    dialog,
    gather,
    get_client_response,
    now,
    randint,
    run,
    send_message,
    uuid4,
)
from dialogs.testing import DialogTester
from tests.tester.tested import acharge, charge, failure, greet, hasty, shop

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
