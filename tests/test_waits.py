"""The steps that wait, and what the bare runners do with them."""

from datetime import timedelta

import pytest

from dialogs import (
    InMemoryPersistence,
    Orchestrator,
    UsageError,
    dialog,
    get_client_response,
    run_async_gen_dialog,
    run_gen_dialog,
    sleep,
    wait_for_signal,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.written import STYLES, written

NO_LENGTHS = [0, -1, 0.0, timedelta(0), timedelta(seconds=-1), float("nan"), float("inf"), "soon"]
WAITS = [
    lambda span: get_client_response(timeout=span),
    lambda span: wait_for_signal("paid", timeout=span),
    sleep,
]


@pytest.mark.parametrize("span", NO_LENGTHS, ids=repr)
@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_takes_a_time_above_zero(wait, span):
    with pytest.raises(UsageError, match="above zero"):
        wait(span)


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_is_shorter_than_a_century(wait):
    wait(timedelta(days=36_000))
    with pytest.raises(UsageError, match="century"):
        wait(timedelta(days=37_000))


def test_sleep_must_have_an_end():
    with pytest.raises(UsageError):
        sleep(None)


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("span", [90, 90.0, timedelta(minutes=1.5)])
async def test_seconds_and_timedeltas_are_the_same_time(wait, span):
    @dialog
    def waits():
        yield wait(span)

    clock = FakeClock()
    turn = await Orchestrator(waits(), store=MemoryStore(), clock=clock).start("c")
    assert turn.wake_at == clock().timestamp() + 90


@pytest.mark.parametrize("name", ["", None, 5, b"paid"])
def test_a_signal_is_waited_for_by_its_name(name):
    with pytest.raises(UsageError, match="name"):
        wait_for_signal(name)


WAITING = """
    def waits():
        «send_message("One moment.")»
        return «{wait}»
"""


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("wait", ["sleep(5)", 'wait_for_signal("paid")'])
async def test_the_bare_runners_refuse_a_wait_that_needs_a_clock_or_signals_and_save_nothing(
    style, wait
):
    root = written(WAITING.replace("{wait}", wait), style)
    kept = InMemoryPersistence()
    with pytest.raises(UsageError, match="Orchestrator"):
        await run_async_gen_dialog(root(), kept, "")
    assert kept.log is None
    if style in ("generator", "plain"):
        with pytest.raises(UsageError, match="Orchestrator"):
            run_gen_dialog(root(), kept, "")
        assert kept.log is None


async def test_the_bare_runners_let_a_client_take_any_time():
    @dialog
    def waits():
        return (yield get_client_response(timeout=0.001))

    kept = InMemoryPersistence()
    run_gen_dialog(waits(), kept, "")
    assert run_gen_dialog(waits(), kept, "Ada").return_value == "Ada"
