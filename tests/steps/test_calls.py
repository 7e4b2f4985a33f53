"""call, and coroutines: what is called once, with which answers."""

import asyncio
import functools

import pytest

from dialogs import (
    AsyncInSyncRun,
    DialogStepDone,
    InMemoryPersistence,
    NotAStep,
    NotSerializable,
    ReplayError,
    UsageError,
    call,
    dialog,
    get_client_response,
    run_async_gen_dialog,
    run_gen_dialog,
)
from tests.steps.answers import answer_of, greet
from tests.written import STYLES, written

# --- call -------------------------------------------------------------------------------------


def test_a_function_is_called_once_with_its_arguments(kept):
    calls = []

    def book(*args, **kwargs):
        calls.append((args, kwargs))
        return len(calls)

    @dialog
    def trip():
        number = yield call(book, "Rome", 2, seat="window", fn="a name of call's own", self=1)
        yield get_client_response()
        yield get_client_response()
        return number

    for response in ["", "a", "b"]:
        result = run_gen_dialog(trip(), kept, response)

    assert result == DialogStepDone(1, [])
    assert calls == [(("Rome", 2), {"seat": "window", "fn": "a name of call's own", "self": 1})]


class Till:
    def __init__(self):
        self.total = 0

    def add(self, amount):
        self.total += amount
        return self.total

    def __call__(self, amount):
        return self.add(amount)


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: Till().add, "call(add)"),
        (Till, "call(Till)"),
        (lambda: functools.partial(Till().add), "call(add)"),
        (lambda: functools.partial(Till()), "call(Till)"),
        (lambda: lambda amount: amount, "call(<lambda>)"),
        (lambda: abs, "call(abs)"),
    ],
)
def test_whatever_can_be_called_can_be_a_step(kept, make, shown):
    step = call(make(), 3)

    assert repr(step) == shown
    assert run_gen_dialog(step, kept, "").return_value == 3


@pytest.mark.parametrize("style", STYLES)
def test_calling_what_cannot_be_called_says_where(kept, style):
    order = written(
        """
        def order():
            «call(5, 6)»
        """,
        style,
    )

    with pytest.raises(NotAStep, match=r"'order'.* asked for call\(5\) at shop\.py:2\.") as caught:
        run_gen_dialog(order(), kept, "")

    assert caught.value.value_type == "int"


def test_an_answer_is_the_decoded_copy_on_the_first_run_as_on_every_replay():
    shared = {"items": [1, (2, 3)]}

    first, replayed = answer_of(call(lambda: shared))

    assert first == replayed == shared
    assert first is not shared
    assert first["items"] is not shared["items"]
    assert type(first["items"][1]) is type(replayed["items"][1]) is tuple


def test_an_answer_is_encoded_the_moment_its_step_is_performed():
    shared = [1]

    @dialog
    def ask():
        answer = yield call(lambda: shared)
        shared.append(2)
        yield get_client_response()
        return answer

    kept = InMemoryPersistence()
    run_gen_dialog(ask(), kept, "")

    assert run_gen_dialog(ask(), kept, "go on").return_value == [1]


@pytest.mark.parametrize("style", STYLES)
def test_an_answer_that_the_log_cannot_keep_is_no_exception_of_the_dialog(kept, style):
    def make():
        return {"to": [object()]}

    performed = []
    order = written(
        """
        def order():
            try:
                «call(make)»
            except Exception:
                «call(performed.append, "went on")»
        """,
        style,
        make=make,
        performed=performed,
    )

    with pytest.raises(NotSerializable) as caught:
        run_gen_dialog(order(), kept, "")

    assert caught.value.path == "value['to'][0]"
    assert caught.value.step == "call(make)"
    assert "@serializable" in str(caught.value)
    assert performed == []
    assert kept.log is None


def test_a_function_that_returns_a_step_is_told_so_in_both_kinds_of_runs(kept):
    step = call(greet)

    with pytest.raises(UsageError) as sync_run:
        run_gen_dialog(step, kept, "")
    with pytest.raises(UsageError) as async_run:
        asyncio.run(run_async_gen_dialog(step, kept, ""))

    assert not isinstance(sync_run.value, AsyncInSyncRun)
    assert type(sync_run.value) is type(async_run.value)
    assert kept.log is None


# --- coroutines -------------------------------------------------------------------------------


async def test_a_yielded_coroutine_is_awaited_once(kept):
    fetched = []

    async def fetch(number):
        await asyncio.sleep(0)
        fetched.append(number)
        return number * 2

    @dialog
    def ask():
        answer = yield fetch(4)
        yield get_client_response()
        return answer

    await run_async_gen_dialog(ask(), kept, "")

    assert await run_async_gen_dialog(ask(), kept, "go on") == DialogStepDone(8, [])
    assert fetched == [4]


async def test_a_yielded_coroutine_is_known_by_its_qualified_name(kept):
    class Bank:
        async def fetch(self):
            return 1

    async def fetch():
        return 2

    def ask(coroutine):
        @dialog
        def ask():
            answer = yield coroutine()
            yield get_client_response()
            return answer

        return ask()

    await run_async_gen_dialog(ask(Bank().fetch), kept, "")

    with pytest.raises(ReplayError, match=r"the coroutine '.*Bank\.fetch' but .*<locals>\.fetch'"):
        await run_async_gen_dialog(ask(fetch), kept, "go on")
    assert (await run_async_gen_dialog(ask(Bank().fetch), kept, "go on")).return_value == 1
