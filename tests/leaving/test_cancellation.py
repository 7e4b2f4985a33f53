"""What is cancelled from outside leaves its dialogs, and can be given again."""

import asyncio
import itertools

import pytest
import trio

from dialogs import (
    DialogStepDone,
    dialog,
    gather,
    run_async_gen_dialog,
    send_message,
)
from tests.written import STYLES, written


class Gate:
    """Something awaited that opens only when it is told to."""

    def __init__(self):
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def wait(self):
        self.reached.set()
        await self.open.wait()
        return "opened"


WAITS_AT_THE_GATE = {
    "a call": "«call(gate.wait)»",
    "a coroutine": "«gate.wait()»",
    "a gather": "«gather(call(gate.wait), call(int), gate.wait())»",
    "an await": "await gate.wait()",
}


@pytest.mark.parametrize("outer", STYLES)
@pytest.mark.parametrize(
    ("inner", "form"),
    [
        *itertools.product(STYLES, ["a call", "a gather"]),
        *itertools.product(["generator", "async generator", "plain"], ["a coroutine"]),
        *itertools.product(["coroutine", "async generator"], ["an await"]),
    ],
)
async def test_a_cancelled_run_is_cleaned_up_and_loses_nothing(kept, seen, outer, inner, form):
    gate = Gate()
    text = f"""
        def inner():
            try:
                {WAITS_AT_THE_GATE[form]}
                return 5
            finally:
                seen.append("inner left")
    """
    order = written(
        """
        def order():
            try:
                «send_message("Go?")»
                answer = «get_client_response()»
                return answer, «inner()»
            finally:
                seen.append("order left")
        """,
        outer,
        seen=seen,
        inner=written(text, inner, gate=gate, seen=seen),
    )
    await run_async_gen_dialog(order(), kept, "")
    before = kept.log

    task = asyncio.create_task(run_async_gen_dialog(order(), kept, "yes"))
    await gate.reached.wait()
    seen.clear()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    # A plain function was left already, since it cannot stay open while something is awaited.
    styles_and_names = [(inner, "inner left"), (outer, "order left")]
    assert seen == [name for style, name in styles_and_names if style != "plain"]
    assert kept.log == before
    gate.open.set()
    assert (await run_async_gen_dialog(order(), kept, "yes")).return_value == ("yes", 5)


@pytest.mark.parametrize("form", ["a call", "a gather", "an await"])
def test_a_run_cancelled_by_a_trio_scope_is_cleaned_up_too(kept, seen, form):
    class Sleeper:
        reached = trio.Event()
        asleep = True

        async def wait(self):
            if self.asleep:
                await trio.sleep_forever()

    gate = Sleeper()
    order = written(
        f"""
        def order():
            try:
                await call(int)
                {WAITS_AT_THE_GATE[form]}
                return await get_client_response()
            finally:
                seen.append("left")
        """,
        "coroutine",
        gate=gate,
        seen=seen,
    )

    async def main():
        with trio.CancelScope() as scope:
            scope.cancel()
            await run_async_gen_dialog(order(), kept, "")
        assert scope.cancelled_caught
        assert seen == ["left"]
        assert kept.log is None
        gate.asleep = False
        return await run_async_gen_dialog(order(), kept, "")

    assert not trio.run(main).is_done


async def test_a_coroutine_can_catch_the_cancellation_of_what_it_awaits_itself(kept):
    gate = Gate()

    @dialog
    async def order():
        try:
            await gate.wait()
        except asyncio.CancelledError:
            await send_message("Cancelled.")
            raise

    task = asyncio.create_task(run_async_gen_dialog(order(), kept, ""))
    await gate.reached.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert kept.log is None


async def test_time_limits_of_asyncio_work_around_steps_and_awaits(kept):
    gate = Gate()

    @dialog
    async def order():
        caught = []
        try:
            async with asyncio.timeout(0):
                await gate.wait()
        except TimeoutError:
            caught.append("await")
        return caught

    assert (await run_async_gen_dialog(order(), kept, "")) == DialogStepDone(["await"], [])


async def test_a_gather_that_is_cancelled_leaves_no_branch_behind(kept, seen):
    gate = Gate()

    @dialog
    async def branch(name):
        try:
            await gate.wait()
        finally:
            await asyncio.sleep(0)
            seen.append(name)

    task = asyncio.create_task(run_async_gen_dialog(gather(branch(1), branch(2)), kept, ""))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(seen) == [1, 2]
    assert asyncio.all_tasks() == {asyncio.current_task()}
