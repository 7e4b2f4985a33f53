import asyncio
import functools
import gc
import inspect

import pytest

from dialogs import (
    AsyncInSyncRun,
    InMemoryPersistence,
    call,
    dialog,
    gather,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


async def awaited(runner, *args, **kwargs):
    """What a runner gives, awaited or not."""
    result = runner(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


@pytest.fixture
def kept():
    return InMemoryPersistence()


class Service:
    """Things that must be awaited, which note when something of them was performed."""

    def __init__(self):
        self.performed = []

    async def fetch(self):
        self.performed.append("fetch")

    async def __call__(self):
        self.performed.append("call")

    def fetch_later(self):
        return self.fetch()

    def sync(self):
        self.performed.append("sync")


MUST_AWAIT = {
    "an async function": (lambda s: call(s.fetch), "call(fetch)"),
    "a partial": (lambda s: call(functools.partial(s.fetch)), "call(fetch)"),
    "a partial of a partial": (
        lambda s: call(functools.partial(functools.partial(s.fetch))),
        "call(fetch)",
    ),
    "an async callable object": (call, "call(Service)"),
    "a partial of one": (lambda s: call(functools.partial(s)), "call(Service)"),
    "a function that gives a coroutine": (lambda s: call(s.fetch_later), "call(fetch_later)"),
    "a coroutine": (lambda s: s.fetch(), "the coroutine 'Service.fetch'"),
    "a gather": (lambda s: gather(call(s.sync), call(s.fetch)), "call(fetch)"),
    "a gather of coroutines": (lambda s: gather(call(s.sync), s.fetch()), "Service.fetch"),
    "nested gathers": (lambda s: gather(call(s.sync), gather(s.fetch())), "Service.fetch"),
}


@pytest.mark.parametrize("runner", [run_gen_dialog, run_dialog], ids=lambda fn: fn.__name__)
@each_style
@pytest.mark.parametrize("form", MUST_AWAIT)
def test_an_async_step_is_refused_in_a_sync_run_before_it_is_performed(kept, runner, style, form):
    service = Service()
    make, shown = MUST_AWAIT[form]
    if style == "coroutine" and form == "a coroutine":
        return  # There `await` gets the coroutine, and it is no step.
    order = written(
        """
        def order():
            try:
                «make()»
            except Exception:
                pass
        """,
        style,
        make=lambda: make(service),
    )

    with pytest.raises(AsyncInSyncRun, match=r"'order'.* at shop\.py:3\..*run_async_gen") as caught:
        runner(order(), kept, "")

    assert shown in caught.value.step
    assert shown in str(caught.value)
    assert service.performed == []
    assert kept.log is None


def test_refused_coroutines_are_closed_quietly(kept):
    for make, _ in MUST_AWAIT.values():

        @dialog
        def order(make=make):
            yield make(Service())

        with pytest.raises(AsyncInSyncRun):
            run_gen_dialog(order(), kept, "")
        with pytest.raises(AsyncInSyncRun):
            run_dialog(dialog(lambda make=make: run(make(Service())))(), kept, "")
    gc.collect()


async def test_a_sync_run_in_an_event_loop_cannot_await_either(kept):
    future = asyncio.get_running_loop().create_future()

    @dialog
    async def order():
        await future

    for refused in [order(), call(lambda: future), call(asyncio.sleep, 0)]:
        with pytest.raises(AsyncInSyncRun):
            run_gen_dialog(refused, kept, "")


def test_an_async_run_goes_on_where_a_sync_run_was_refused(kept):
    service = Service()

    @dialog
    def order():
        answer = yield get_client_response()
        yield call(service.fetch)
        return answer

    run_gen_dialog(order(), kept, "")
    with pytest.raises(AsyncInSyncRun):
        run_gen_dialog(order(), kept, "x")

    assert asyncio.run(run_async_gen_dialog(order(), kept, "x")).return_value == "x"
    assert service.performed == ["fetch"]
