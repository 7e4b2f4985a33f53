"""Cleanup that awaits, in a finally and in an exit method."""

import asyncio
import gc

import pytest

from dialogs import (
    AsyncInSyncRun,
    YieldInFinally,
    dialog,
    dialog_result,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
)
from tests.written import STYLES, written


class Connection:
    """Something opened and closed by awaiting."""

    def __init__(self, seen):
        self.seen = seen

    async def __aenter__(self):
        await asyncio.sleep(0)
        self.seen.append("opened")

    async def __aexit__(self, *error):
        await asyncio.sleep(0)
        self.seen.append("closed")


def with_connection(style, seen):
    @dialog
    async def coroutine():
        async with Connection(seen):
            await send_message("Open.")
            return await get_client_response()

    @dialog
    async def async_generator():
        async with Connection(seen):
            yield send_message("Open.")
            answer = yield get_client_response()
            yield dialog_result(answer)

    return {"coroutine": coroutine, "async generator": async_generator}[style]()


@pytest.mark.filterwarnings("ignore::dialogs.UnrecordedAwait")
@pytest.mark.parametrize("outer", [None, *STYLES])
@pytest.mark.parametrize("style", ["coroutine", "async generator"])
async def test_cleanup_may_await_in_an_async_run(kept, style, outer, seen):
    order = with_connection(style, seen)
    if outer is not None:
        text = "def outer():\n    return «order»"
        order = written(text, outer, order=order)()

    assert (await run_async_gen_dialog(order, kept, "")).messages == ["Open."]
    assert seen == ["opened", "closed"]
    assert (await run_async_gen_dialog(order, kept, "x")).return_value == "x"
    assert seen == ["opened", "closed"] * 2


@pytest.mark.parametrize("style", ["coroutine", "async generator"])
def test_cleanup_that_awaits_is_refused_in_a_sync_run(kept, style):
    closed = []

    async def close():
        await asyncio.sleep(0)
        closed.append(True)

    order = written(
        """
        def order():
            try:
                «get_client_response()»
            finally:
                await close()
        """,
        style,
        close=close,
    )

    with pytest.raises(AsyncInSyncRun, match=r"shop\.py:5"):
        run_gen_dialog(order(), kept, "")
    gc.collect()

    assert kept.log is None
    assert closed == []


@pytest.mark.parametrize("style", ["coroutine", "plain"])
async def test_a_step_in_an_exit_method_is_a_step_in_a_finally(kept, style):
    class Farewell:
        def __exit__(self, *error):
            run(send_message("bye"))

        def __enter__(self):
            pass

        async def __aexit__(self, *error):
            await send_message("bye")

        async def __aenter__(self):
            pass

    order = written(
        f"""
        def order():
            {"with" if style == "plain" else "async with"} Farewell():
                «get_client_response()»
        """,
        style,
        Farewell=Farewell,
    )

    with pytest.raises(YieldInFinally):
        await run_async_gen_dialog(order(), kept, "")
    assert kept.log is None
