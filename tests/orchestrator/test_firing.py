"""Firing what is due: by whom, how often, and what does not hold it up."""

import asyncio
import itertools
import logging

import pytest

from dialogs import (
    ResponseTimeout,
    Status,
    StoreUnavailable,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
    step_key,
)
from tests.orchestrator.times import NAP, Times, nap_or_fail
from tests.senders import Recorder, Stop
from tests.written import written


async def test_any_worker_fires_what_is_due_and_each_timer_fires_once():
    times = Times(written(NAP))
    other = times.worker(written(NAP))
    for number in range(250):
        await times.bot.start(f"c{number}")
    times.clock.advance(60)
    turns = await asyncio.gather(times.bot.fire_due(), other.fire_due())
    woken = sorted(turn.chat_id for turn in itertools.chain(*turns) if turn.messages)
    assert woken == sorted(f"c{number}" for number in range(250))
    assert await times.bot.fire_due() == []


async def test_what_is_not_due_is_not_even_claimed():
    times = Times(written(NAP))
    await times.bot.start("c")
    times.store.calls.clear()
    assert await times.after(59) == []
    assert set(times.store.calls) == {"due"}


async def test_a_dialog_that_fails_when_its_time_has_passed_is_tried_again_later_and_later(caplog):
    broken, tries = [True], []

    @dialog
    def root():
        yield sleep(60)
        yield call(lambda: tries.append(step_key()))
        if broken[0]:
            raise ValueError("no")
        yield send_message("Good morning.")

    times = Times(root)
    await times.bot.start("c")
    with caplog.at_level(logging.ERROR):
        assert await times.after(60) == []
    assert "A timer of conversation 'c' failed." in caplog.text
    waits = []
    for _ in range(5):
        conversation = await times.bot.conversation("c")
        assert conversation.status is Status.ERROR
        waits.append(conversation.wake_at - times.clock().timestamp())
        for _ in range(3):  # it does not spin
            assert await times.bot.fire_due() == []
        assert await times.after(waits[-1]) == []
    assert waits == [5, 10, 20, 40, 80]
    assert len(tries) == 6
    assert len(set(tries)) == 1

    broken[0] = False
    [turn] = await times.after(160)
    assert (turn.messages, turn.status) == (["Good morning."], Status.COMPLETED)


async def test_messages_that_fail_do_not_put_a_deadline_off():
    @dialog
    def root():
        yield send_message("Your name?")
        try:
            if (yield get_client_response(timeout=60)) == "bad":
                raise ValueError("no name")
        except ResponseTimeout:
            yield send_message("Too late.")

    times = Times(root)
    await times.bot.start("c")
    for _ in range(12):
        with pytest.raises(ValueError, match="no name"):
            await times.bot.handle_message("c", "bad")
    assert await times.after(59) == []
    [turn] = await times.after(1)
    assert turn.messages == ["Too late."]


async def test_a_timer_that_goes_on_failing_apologizes_once():
    sender = Recorder()

    @dialog
    def root():
        yield sleep(60)
        raise ValueError("no")

    times = Times(root, sender=sender, on_error="Sorry.")
    await times.bot.start("c")
    for _ in range(10):
        await times.after(3600)
    assert sender.messages == ["Sorry."]
    with pytest.raises(ValueError, match="no"):
        await times.bot.handle_message("c", "hello?")
    assert sender.messages == ["Sorry.", "Sorry."]


async def test_an_error_of_one_conversation_does_not_hold_up_the_others():
    times = Times(nap_or_fail)
    for chat_id in ("a", "b", "bad", "c"):
        await times.bot.handle_message(chat_id, chat_id)
    assert sorted(turn.chat_id for turn in await times.after(60)) == ["a", "b", "c"]


async def test_conversations_that_cannot_be_read_do_not_hold_up_the_others(caplog):
    times = Times(written(NAP))
    for number in range(150):
        chat_id = f"bad{number}"
        await times.bot.start(chat_id)
        claim = await times.store.claim(chat_id, now=0.0, lease_s=1)
        await times.store.commit(claim, b"DLC?", now=0.0, status="PROCESSING", wake_at=1.0)
    await times.bot.start("c")
    assert [turn.messages for turn in await times.after(60)] == [["Good morning."]]
    # They are not tried at every pass.
    times.store.calls.clear()
    for _ in range(100):
        await times.after(1)
    assert 0 < times.store.calls.count("claim") < 150 * 10


async def test_a_conversation_that_hangs_does_not_hold_up_the_others():
    hang = Stop()

    @dialog
    def root(opening):
        if opening == "hang":
            yield get_client_response(timeout=60)
            yield call(hang)
        yield sleep(60)
        yield send_message("Good morning.")

    times = Times(root)
    for chat_id in ("c", "hang"):
        await times.bot.handle_message(chat_id, chat_id)
    hanging = asyncio.ensure_future(times.bot.handle_message("hang", "x"))
    await hang.reached.wait()
    turns = await asyncio.wait_for(times.after(100), timeout=60)
    assert [turn.messages for turn in turns if turn.messages] == [["Good morning."]]
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["claim", "commit"])
async def test_a_timer_whose_store_failed_fires_later(operation, when):
    sender = Recorder()
    times = Times(written(NAP), sender=sender)
    await times.bot.start("c")
    times.store.fail(operation, when)
    await times.after(60)
    for _ in range(3):
        await times.after(30)
    assert sender.received == ["Good night.", "Good morning."]
    assert (await times.bot.handle_message("c", "one")).status is Status.WAITING_FOR_RESPONSE


async def test_what_is_due_cannot_be_read_is_an_error_of_the_store():
    times = Times(written(NAP))
    times.store.fail("due", "before")
    with pytest.raises(StoreUnavailable):
        await times.bot.fire_due()


async def test_a_timer_that_is_cancelled_has_not_fired():
    slow = Stop()

    @dialog
    def root():
        yield sleep(60)
        yield call(slow)
        yield send_message("Good morning.")

    times = Times(root)
    await times.bot.start("c")
    times.clock.advance(60)
    firing = asyncio.ensure_future(times.bot.fire_due())
    await slow.reached.wait()
    firing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await firing
    slow.opened.set()
    await times.bot._leases.settle()
    assert [turn.messages for turn in await times.bot.fire_due()] == [["Good morning."]]
