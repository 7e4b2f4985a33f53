"""Deployments under open conversations, and dialogs that go on for ever."""

import pytest

from dialogs import (
    ReplayError,
    Status,
    continue_as_new,
    dialog,
    get_client_response,
    now,
    send_message,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.bots import orchestrator


def version(number):
    @dialog(name="shop", version=number)
    def shop(opening):
        yield send_message(f"{number}: {opening}?")
        return number, (yield get_client_response())

    return shop


async def test_a_new_version_starts_anew_and_keeps_the_opening_message():
    store, clock = MemoryStore(), FakeClock()
    before = orchestrator(version("1"), store=store, clock=clock)
    after = orchestrator(version("2"), store=store, clock=clock)
    turn = await before.handle_message("c", "tea")
    assert turn.messages == ["1: tea?"]
    turn = await after.handle_message("c", "yes")
    assert (turn.messages, turn.status) == (["2: tea?"], Status.WAITING_FOR_RESPONSE)
    assert (await after.handle_message("c", "yes")).result == ("2", "yes")


async def test_a_fallback_may_converse_before_the_new_version_starts():
    @dialog
    def sorry():
        yield send_message("We changed. Go on?")
        yield get_client_response()

    store, clock = MemoryStore(), FakeClock()
    before = orchestrator(version("1"), store=store, clock=clock)
    after = orchestrator(version("2"), store=store, clock=clock, fallback=sorry())
    await before.handle_message("c", "tea")
    assert (await after.handle_message("c", "yes")).messages == ["We changed. Go on?"]
    assert (await after.handle_message("c", "ok")).messages == ["2: tea?"]
    assert (await after.handle_message("c", "yes")).result == ("2", "yes")


async def test_an_undeclared_change_is_an_error_that_an_older_deployment_undoes():
    @dialog(name="shop", version="1")
    def edited(opening):
        yield get_client_response()
        yield get_client_response()

    store, clock = MemoryStore(), FakeClock()
    before = orchestrator(version("1"), store=store, clock=clock)
    after = orchestrator(edited, store=store, clock=clock)
    await before.handle_message("c", "tea")
    with pytest.raises(ReplayError, match="conversation 'c/1'"):
        await after.handle_message("c", "yes")
    assert (await after.conversation("c")).status is Status.ERROR
    assert (await before.handle_message("c", "yes")).result == ("1", "yes")


async def test_a_dialog_may_continue_as_new_for_ever():
    @dialog
    def count(total=0):
        total += yield get_client_response()
        yield send_message(total)
        yield continue_as_new(count(total))

    bot, sizes = orchestrator(count(0)), []
    await bot.start("c")
    for number in range(1, 6):
        assert (await bot.handle_message("c", 1)).messages == [number]
        sizes.append(len((await bot.conversation("c")).log))
    assert len(set(sizes)) == 1


async def test_steps_tell_the_orchestrator_s_time():
    @dialog
    def root():
        first = yield now()
        yield get_client_response()
        return first, (yield now())

    clock = FakeClock()
    bot, begun = orchestrator(root, clock=clock), clock()
    await bot.start("c")
    clock.advance(5)
    assert (await bot.handle_message("c", "x")).result == (begun, clock())
