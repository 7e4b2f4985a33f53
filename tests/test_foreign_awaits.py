import asyncio
import gc
import inspect
import warnings

import pytest
import trio

from dialogs import (
    InMemoryPersistence,
    ReplayError,
    UnrecordedAwait,
    call,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
)


@pytest.fixture
def kept():
    return InMemoryPersistence()


# --- rule 9: awaits that are no steps ---------------------------------------------------------


async def pause():
    await asyncio.sleep(0)


@dialog
async def coroutine_that_sleeps():
    await send_message("one")
    await asyncio.sleep(0)
    first = await get_client_response()
    await asyncio.sleep(0)
    return first, await get_client_response()


@dialog
async def async_generator_that_sleeps():
    yield send_message("one")
    await asyncio.sleep(0)
    first = yield get_client_response()
    await asyncio.sleep(0)
    second = yield get_client_response()
    yield dialog_result((first, second))


def line_of(dialog, text):
    """The line of this file where a dialog has this text first."""
    lines, first = inspect.getsourcelines(dialog.__wrapped__)
    return first + next(at for at, line in enumerate(lines) if text in line)


async def turn(dialog, kept, response):
    """A turn of an async run, and the places of its warnings about awaits."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = await run_async_gen_dialog(dialog, kept, response)
    assert all(warning.category is UnrecordedAwait for warning in caught)
    return result, [(warning.filename, warning.lineno) for warning in caught]


@pytest.mark.parametrize("sleeper", [coroutine_that_sleeps, async_generator_that_sleeps])
async def test_an_await_that_runs_again_is_reported_with_file_and_line(kept, sleeper):
    sleeps = line_of(sleeper, "asyncio.sleep")

    assert (await turn(sleeper(), kept, ""))[1] == []
    assert (await turn(sleeper(), kept, "a"))[1] == [(__file__, sleeps)]
    result, places = await turn(sleeper(), kept, "b")

    assert result.return_value == ("a", "b")
    assert places == [(__file__, sleeps), (__file__, sleeps + 2)]


def test_an_await_that_runs_again_is_reported_under_trio_too(kept):
    @dialog
    async def sleeper():
        await trio.lowlevel.checkpoint()
        return await get_client_response()

    async def turns():
        assert (await turn(sleeper(), kept, ""))[1] == []
        return await turn(sleeper(), kept, "a")

    result, places = trio.run(turns)

    assert result.return_value == "a"
    assert set(places) == {(__file__, line_of(sleeper, "trio.lowlevel"))}


async def test_an_await_of_many_parts_is_reported_once(kept):
    @dialog
    async def sleeper():
        for _ in range(2):
            await call(int)
        await asyncio.wait_for(several(), timeout=60)
        return await get_client_response()

    async def several():
        for _ in range(5):
            await asyncio.sleep(0)

    await turn(sleeper(), kept, "")

    assert (await turn(sleeper(), kept, "a"))[1] == [(__file__, line_of(sleeper, "wait_for"))]


async def test_the_report_says_whose_await_it_is_and_how_to_record_it(kept):
    await run_async_gen_dialog(coroutine_that_sleeps(), kept, "", conversation_id="web:42")

    with pytest.warns(UnrecordedAwait) as caught:
        await run_async_gen_dialog(coroutine_that_sleeps(), kept, "a", conversation_id="web:42")

    text = str(caught[0].message)
    assert "'coroutine_that_sleeps' of conversation 'web:42'" in text
    assert "await call(fn" in text


async def test_a_report_made_an_error_leaves_the_log_as_it_was(kept):
    await run_async_gen_dialog(coroutine_that_sleeps(), kept, "")
    before = kept.log

    with pytest.raises(UnrecordedAwait):
        await run_async_gen_dialog(coroutine_that_sleeps(), kept, "a")
    assert kept.log == before


async def test_a_foreign_await_in_a_subdialog_names_the_subdialogs_line(kept):
    @dialog
    async def inner():
        await asyncio.sleep(0)
        return await get_client_response()

    @dialog
    def outer():
        return run(inner())

    await turn(outer(), kept, "")

    result, places = await turn(outer(), kept, "a")
    assert result.return_value == "a"
    assert places == [(__file__, line_of(inner, "sleep"))]


async def test_awaits_that_are_steps_are_not_reported(kept):
    @dialog
    async def recorded():
        await call(pause)
        await gather(call(pause), pause())
        return await get_client_response()

    await run_async_gen_dialog(recorded(), kept, "")

    assert (await run_async_gen_dialog(recorded(), kept, "x")).return_value == "x"


# --- coroutines that were answered from the log -----------------------------------------------


async def test_coroutines_answered_from_the_log_are_closed_quietly(kept):
    awaited = []

    async def fetch(number):
        awaited.append(number)
        return number

    @dialog
    def order():
        one = yield fetch(1)
        several = yield gather(fetch(2), call(fetch, 3), gather(fetch(4)))
        return one, several, (yield get_client_response())

    await run_async_gen_dialog(order(), kept, "")
    gc.collect()
    result = await run_async_gen_dialog(order(), kept, "x")
    gc.collect()

    assert result.return_value == (1, [2, 3, [4]], "x")
    assert sorted(awaited) == [1, 2, 3, 4]


def test_a_sync_run_may_replay_coroutines_that_an_async_run_awaited(kept):
    async def fetch():
        return 5

    @dialog
    def order():
        return (yield fetch()), (yield gather(fetch())), (yield get_client_response())

    asyncio.run(run_async_gen_dialog(order(), kept, ""))
    result = run_gen_dialog(order(), kept, "x")
    gc.collect()

    assert result.return_value == (5, [5], "x")


async def test_coroutines_of_a_refused_run_are_closed_quietly(kept):
    async def fetch():
        return 5

    @dialog
    def order(edited):
        yield send_message("!") if edited else fetch()
        yield gather(fetch(), fetch())
        yield get_client_response()

    @dialog
    def wrong():
        yield gather(fetch(), 5, fetch())

    await run_async_gen_dialog(order(False), kept, "")
    with pytest.raises(ReplayError):
        await run_async_gen_dialog(order(True), kept, "x")
    with pytest.raises(Exception, match="5 is not a step"):
        await run_async_gen_dialog(wrong(), InMemoryPersistence(), "")
    gc.collect()
