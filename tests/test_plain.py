import asyncio
import concurrent.futures

import pytest

from dialogs import (
    DialogStepDone,
    InMemoryPersistence,
    UsageError,
    call,
    dialog,
    gather,
    get_client_response,
    randint,
    run,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
    send_message,
)
from tests.written import STYLES, written


@pytest.fixture
def kept():
    return InMemoryPersistence()


def turn(runner, dialog, kept, response):
    """One turn with the runner of that name."""
    if runner == "run_async_gen_dialog":
        return asyncio.run(run_async_gen_dialog(dialog, kept, response))
    return {"run_gen_dialog": run_gen_dialog, "run_dialog": run_dialog}[runner](
        dialog, kept, response
    )


# --- plain functions in async runs ------------------------------------------------------------


async def fetch(value=5):
    await asyncio.sleep(0)
    return value


async def test_a_mutated_answer_is_fed_as_it_was_recorded(kept):
    @dialog
    def order():
        basket = run(call(list, ["tea"]))
        basket.append(run(call(fetch, "milk")))
        basket.append(run(get_client_response()))
        basket.append(run(fetch("honey")))
        return basket

    await run_async_gen_dialog(order(), kept, "")
    result = await run_async_gen_dialog(order(), kept, "salt")

    assert result.return_value == ["tea", "milk", "salt", "honey"]


async def test_a_step_in_a_finally_after_an_await_is_no_error(kept):
    @dialog
    def order():
        try:
            return run(call(fetch))
        finally:
            run(send_message("bye"))
            run(fetch())

    assert await run_async_gen_dialog(order(), kept, "") == DialogStepDone(5, ["bye"])


async def test_messages_are_said_once_however_often_a_plain_function_is_called(kept):
    calls = []

    @dialog
    def order():
        calls.append(1)
        for number in range(3):
            run(send_message(f"message {number}"))
            run(fetch(number))
        return run(randint(5, 5))

    result = await run_async_gen_dialog(order(), kept, "")

    assert result == DialogStepDone(5, ["message 0", "message 1", "message 2"])
    assert len(calls) == 4


async def test_errors_of_what_was_awaited_reach_a_plain_function(kept):
    async def fail(value):
        await asyncio.sleep(0)
        raise ValueError(value)

    @dialog
    def order():
        seen = []
        for step in [lambda: call(fail, 1), lambda: fail(2), lambda: gather(call(int), fail(3))]:
            try:
                run(step())
            except ValueError as error:
                seen.append(error.args)
            seen.append(run(fetch()))
        return seen, run(get_client_response())

    await run_async_gen_dialog(order(), kept, "")
    result = await run_async_gen_dialog(order(), kept, "x")

    assert result.return_value == ([(1,), 5, (2,), 5, (3,), 5], "x")


# --- where run() may be called ----------------------------------------------------------------


def test_run_outside_of_any_dialog_is_refused():
    with pytest.raises(UsageError, match=r"run\(send_message\('hi'\)\) was called where no plain"):
        run(send_message("hi"))


@pytest.mark.parametrize("style", ["generator", "coroutine", "async generator"])
@pytest.mark.parametrize("outer", [None, *STYLES])
@pytest.mark.parametrize("runner", ["run_gen_dialog", "run_async_gen_dialog"])
def test_run_in_a_dialog_of_another_style_is_refused(kept, runner, style, outer):
    """Also inside a plain function, whose log its step would go to."""
    order = written(
        """
        def order():
            run(send_message("hi"))
            «send_message("never said")»
        """,
        style,
    )
    if outer is not None:
        order = written("def outer():\n    return «order()»", outer, order=order)

    with pytest.raises(UsageError, match="was called where no plain function runs as a dialog"):
        turn(runner, order(), kept, "")
    assert kept.log is None


def test_run_in_a_function_that_is_called_as_a_step_is_refused(kept):
    @dialog
    def order():
        run(call(lambda: run(send_message("hi"))))

    with pytest.raises(UsageError, match="was called where no plain function"):
        run_dialog(order(), kept, "")


def test_run_after_a_dialog_has_ended_is_refused(kept):
    @dialog
    def order():
        run(send_message("hi"))

    run_dialog(order(), kept, "")

    with pytest.raises(UsageError):
        run(send_message("hi"))


def test_run_works_in_functions_that_a_plain_dialog_calls(kept):
    def ask(question):
        run(send_message(question))
        return run(get_client_response())

    @dialog
    def signup():
        return [ask(question) for question in ["Name?", "Mail?"]]

    for response in ["", "Ada", "a@b"]:
        result = run_dialog(signup(), kept, response)
    assert result.return_value == ["Ada", "a@b"]


def test_a_conversation_inside_a_step_of_another_is_its_own(kept):
    inside = InMemoryPersistence()

    @dialog
    def other():
        run(send_message("inside"))
        return run(get_client_response())

    @dialog
    def order():
        first = run(call(lambda: run_dialog(other(), inside, "").messages))
        run(send_message("outside"))
        second = run(call(lambda: run_dialog(other(), inside, "x").return_value))
        return first, second

    assert run_dialog(order(), kept, "") == DialogStepDone((["inside"], "x"), ["outside"])


async def test_run_in_another_thread_of_a_plain_dialog_is_refused(kept):
    @dialog
    def order():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return type(pool.submit(run, send_message("hi")).exception()).__name__

    assert run_dialog(order(), kept, "").return_value == "UsageError"
