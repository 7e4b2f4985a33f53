"""Turns that must be awaited, on asyncio and on trio."""

import asyncio
import warnings

import pytest
import trio
import trio.lowlevel

from dialogs import (
    AsyncInSyncRun,
    UnrecordedAwait,
    UsageError,
    call,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    randint,
    run,
)
from dialogs.testing import DialogTester
from tests.tester.tested import greet, hasty

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
