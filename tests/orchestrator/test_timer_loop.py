"""The loop that fires what is due: what it outlives, and what it sends."""

import asyncio
import logging

import pytest

from dialogs import (
    Orchestrator,
    Status,
    StoreUnavailable,
    call,
    conversation_id,
    dialog,
    send_message,
    sleep,
)
from tests.orchestrator.times import NAP, Times, nap_or_fail
from tests.senders import Breaking, Recorder, Stop, UnsteadyStore
from tests.waiting import until
from tests.written import written


async def running(bot):
    """The loop of a worker as a task."""
    return asyncio.ensure_future(bot.run_timers())


async def stopped(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_loop_fires_what_is_due_until_it_is_cancelled():
    sender = Recorder()
    times = Times(written(NAP), sender=sender, poll=0.001)
    task = await running(times.bot)
    await times.bot.start("c")
    times.clock.advance(60)
    await until(lambda: "Good morning." in sender.messages)
    await stopped(task)
    assert (await times.bot.conversation("c")).status is Status.WAITING_FOR_RESPONSE


async def test_the_loop_outlives_errors_of_the_store_and_of_conversations(caplog):
    sender = Recorder()
    times = Times(nap_or_fail, sender=sender, poll=0.001)
    for chat_id in ("bad", "good"):
        await times.bot.handle_message(chat_id, chat_id)
    times.store.fail("due", "before")
    times.clock.advance(60)
    with caplog.at_level(logging.WARNING):
        task = await running(times.bot)
        await until(lambda: sender.messages == ["Good morning."])
        await until(lambda: "'bad' failed" in caplog.text)
    assert "could not be read" in caplog.text
    await stopped(task)


async def test_the_loop_fires_what_this_process_made_due_sooner_than_it_looks_again():
    @dialog
    def napping():
        for number in range(5):
            yield send_message(number)
            yield sleep(0.02)
        return "rested"

    sender = Recorder()
    bot = Orchestrator(napping, store=UnsteadyStore(), sender=sender, poll=3600)
    task = await running(bot)
    await until(lambda: bot.store.calls == ["due"])
    await bot.start("c")
    await until(lambda: sender.messages == [0, 1, 2, 3, 4])
    await stopped(task)
    await bot.start("c2")  # nobody fires any more
    await bot._leases.settle()
    assert sender.messages == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize(
    ("where", "said"), [("in a step", "failed"), ("in the sender", "was not sent")]
)
async def test_the_loop_outlives_a_cancellation_that_is_not_its_own(where, said, caplog):
    sender, lost = Recorder(), asyncio.get_running_loop().create_future()
    lost.cancel()

    class Cancelled(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            if where == "in the sender" and chat_id == "bad":
                await lost
            await sender.send_message(chat_id, message, delivery_id=delivery_id)

    async def work():
        if where == "in a step" and conversation_id() == "bad":
            await lost

    @dialog
    async def root():
        await sleep(60)
        await call(work)
        await send_message("Awake.")
        await sleep(60)
        await send_message("Still awake.")

    times = Times(root, sender=Cancelled(), poll=0.001)
    for chat_id in ("bad", "good"):
        await times.bot.start(chat_id)
    times.clock.advance(60)
    task = await running(times.bot)
    await until(lambda: sender.messages == ["Awake."])
    times.clock.advance(60)
    await until(lambda: sender.messages == ["Awake.", "Still awake."])
    assert f"conversation 'bad' {said}" in caplog.text
    await stopped(task)


async def test_the_loop_outlives_what_no_store_should_raise(caplog):
    sender = Recorder()
    times = Times(written(NAP), sender=sender, poll=0.001)
    await times.bot.start("c")
    due, errors = times.store.due, [KeyError("a store's own"), ZeroDivisionError()]

    async def unsteady(**options):
        if errors:
            raise errors.pop()
        return await due(**options)

    times.store.due = unsteady
    times.clock.advance(60)
    task = await running(times.bot)
    await until(lambda: "Good morning." in sender.messages)
    assert "a store's own" in caplog.text
    await stopped(task)


async def test_the_loop_goes_on_while_one_conversation_hangs():
    hanging, sender = asyncio.Event(), Recorder()

    async def hang():
        if conversation_id() == "hangs":
            await hanging.wait()

    @dialog
    async def root():
        await sleep(60)
        await call(hang)
        await send_message("Good morning.")
        await sleep(60)

    times = Times(root, sender=sender, poll=0.001)
    for chat_id in ("hangs", "goes on"):
        await times.bot.start(chat_id)
    times.clock.advance(60)
    task = await running(times.bot)
    await until(lambda: sender.messages == ["Good morning."])
    times.clock.advance(60)
    await times.bot.start("begins later")
    times.clock.advance(60)
    await until(lambda: sender.messages == ["Good morning."] * 2)
    await stopped(task)
    assert (await times.bot.conversation("hangs")).status is Status.PROCESSING
    hanging.set()
    await times.after(60)  # its turn was undone with the loop, and comes now
    assert sender.messages == ["Good morning."] * 3


async def test_two_passes_at_once_do_no_harm_to_each_other():
    stop = Stop()

    class Away(UnsteadyStore):
        async def claim(self, chat_id, **options):
            if times.clock() > began:
                await stop()
                raise StoreUnavailable("the store", "claim", "away")
            return await super().claim(chat_id, **options)

    times = Times(written(NAP))
    times.store = Away()
    times.bot, began = times.worker(written(NAP)), times.clock()
    await times.bot.start("c")
    times.clock.advance(60)
    first = asyncio.ensure_future(times.bot.fire_due())
    await stop.reached.wait()
    await times.store.delete("c")
    assert await times.bot.fire_due() == []
    stop.opened.set()
    assert await first == []


async def test_the_loop_says_that_nobody_sends_what_its_timers_say(caplog):
    times = Times(written(NAP), poll=0.001)
    await times.bot.start("c")
    times.clock.advance(60)
    with caplog.at_level(logging.WARNING):
        task = await running(times.bot)
        await until(lambda: "no sender" in caplog.text)
    await stopped(task)


async def test_the_loop_sends_what_was_not_sent():
    sender = Breaking("Good night.")
    times = Times(written(NAP), sender=sender, poll=0.001)
    await times.bot.start("c")
    sender.refuses.clear()
    task = await running(times.bot)
    times.clock.advance(5)
    await until(lambda: sender.messages == ["Good night."])
    await stopped(task)
