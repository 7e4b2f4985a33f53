"""Workers that are killed, cancelled or slow while they send: nothing is lost."""

import asyncio
import logging

import pytest

from dialogs import StoreUnavailable, dialog, get_client_response, send_message
from tests.orchestrator.bots import Bots
from tests.senders import Halting, Recorder


@pytest.mark.parametrize(
    ("halted", "sent_before"),
    [(("Go on.", "before"), []), (("Go on.", "after"), ["Go on."])],
)
async def test_what_a_killed_worker_did_not_acknowledge_is_sent_once_its_lease_has_run_out(
    halted, sent_before
):
    bots, dying, sender = Bots(), Halting(*halted), Recorder()
    work = asyncio.ensure_future(bots.bot(dying, lease=30).start("c"))
    await dying.stop.reached.wait()  # and here its process is killed

    bot = bots.bot(sender)
    bots.clock.advance(29)
    assert await bot.fire_due() == []
    bots.clock.advance(1)
    await bot.fire_due()
    assert dying.messages == sent_before
    assert sender.messages == ["Go on."]
    if sent_before:
        assert dying.ids == sender.ids
    # It was not killed after all, and comes back late.
    dying.stop.opened.set()
    await work
    assert dying.ids == sender.ids
    assert (await bot.conversation("c")).outbox == []
    assert (await bot.handle_message("c", "a")).messages == ["a 1", "a 2"]


async def test_a_message_after_the_lease_of_a_killed_worker_sends_what_is_left_first():
    bots, sender = Bots(), Recorder()
    await bots.bot(sender).start("c")
    dying = Halting("a 2", "before")
    work = asyncio.ensure_future(bots.bot(dying).handle_message("c", "a"))
    await dying.stop.reached.wait()

    bots.clock.advance(30)
    await bots.bot(sender).handle_message("c", "b")
    assert dying.messages == ["a 1"]
    assert sender.messages == ["Go on.", "a 1", "a 2", "b 1", "b 2"]
    dying.stop.opened.set()
    await work
    together = Recorder()
    together.sent = sender.sent[:1] + dying.sent[:1] + sender.sent[1:] + dying.sent[1:]
    assert together.received == ["Go on.", "a 1", "a 2", "b 1", "b 2"]


@pytest.mark.parametrize("message", ["a 1", "a 2"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_turn_cancelled_while_it_sends_has_happened(message, when):
    bots, dying, sender = Bots(), Halting(message, when), Recorder()
    await bots.bot(dying).start("c")
    bot = bots.bot(dying)
    work = asyncio.ensure_future(bot.handle_message("c", "a", message_id="1"))
    await dying.stop.reached.wait()
    sent = dying.messages[1:]
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await bot._leases.settle()

    # What was surely sent is acknowledged; the one it stopped at may come again.
    left = [text for _, text in (await bot.conversation("c")).outbox]
    assert left == ["a 1", "a 2"][len(sent) - (when == "after") :]
    other = bots.bot(sender)
    assert (await other.handle_message("c", "a", message_id="1")).duplicate
    assert sender.messages == left
    together = Recorder()
    together.sent = dying.sent + sender.sent
    assert together.received == ["Go on.", "a 1", "a 2"]


async def test_a_turn_cancelled_while_it_acknowledges_is_acknowledged_all_the_same():
    bots, sender = Bots(), Recorder()
    bot = bots.bot(sender)
    await bot.start("c")
    stop = None

    class Arming(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            nonlocal stop
            await super().send_message(chat_id, message, delivery_id=delivery_id)
            if message == "a 2":
                stop = bots.store.halt("commit", "before")
                armed.set()

    armed = asyncio.Event()
    bot = bots.bot(Arming())
    work = asyncio.ensure_future(bot.handle_message("c", "a"))
    await armed.wait()
    await stop.reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    stop.opened.set()
    await bot._leases.settle()
    assert (await bot.conversation("c")).outbox == []
    assert (await bot.handle_message("c", "done")).result == ["a"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_acknowledgement_that_failed_sends_again_under_the_same_id(when, caplog):
    bots, sender = Bots(), Recorder()
    bot = bots.bot(sender)
    await bot.start("c")

    class Arming(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            await sender.send_message(chat_id, message, delivery_id=delivery_id)
            if message == "a 2":
                bots.store.fail("commit", when)

    with caplog.at_level(logging.WARNING):
        turn = await bots.bot(Arming()).handle_message("c", "a")
    assert turn.messages == ["a 1", "a 2"]
    assert "was not kept" in caplog.text
    bots.clock.advance(30)
    await bot.fire_due()
    assert sender.received == ["Go on.", "a 1", "a 2"]
    assert (await bot.conversation("c")).outbox == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_turn_whose_commit_failed_says_its_messages_when_it_is_given_again(when):
    bots, sender = Bots(), Recorder()
    bot = bots.bot(sender)
    await bot.start("c")
    bots.store.fail("commit", when)
    with pytest.raises(StoreUnavailable):
        await bot.handle_message("c", "a", message_id="1")
    assert sender.messages == ["Go on."]
    turn = await bot.handle_message("c", "a", message_id="1")
    assert turn.duplicate is (when == "after")
    assert turn.messages == ["a 1", "a 2"]
    assert sender.messages == ["Go on.", "a 1", "a 2"]


async def test_a_turn_whose_commit_took_effect_and_is_not_given_again_says_its_messages():
    bots, sender = Bots(), Recorder()
    bot = bots.bot(sender)
    await bot.start("c")
    bots.store.fail("commit", "after")
    with pytest.raises(StoreUnavailable):
        await bot.handle_message("c", "a", message_id="1")
    bots.clock.advance(30)
    await bot.fire_due()
    assert sender.messages == ["Go on.", "a 1", "a 2"]


async def test_what_takes_longer_to_send_than_a_lease_is_sent_by_one_worker():
    @dialog
    def lengthy():
        for number in range(20):
            yield send_message(number)
        yield get_client_response()

    bots, others = Bots(lengthy), Recorder()

    class Slow(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            bots.clock.advance(10)
            assert await bots.bot(others).fire_due() == []
            await super().send_message(chat_id, message, delivery_id=delivery_id)

    slow = Slow()
    bot = bots.bot(slow, lease=30)
    await bot.start("c")
    assert (slow.messages, others.messages) == (list(range(20)), [])
    assert (await bot.conversation("c")).outbox == []


async def test_a_worker_that_cannot_keep_its_lease_stops_sending_and_the_rest_is_sent_later():
    bots = Bots()

    class Slow(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            bots.clock.advance(20)
            await super().send_message(chat_id, message, delivery_id=delivery_id)
            bots.store.fail("commit", "before")

    slow, after = Slow(), Recorder()
    await bots.bot(after).start("c")
    await bots.bot(slow, lease=30).handle_message("c", "a")
    assert slow.messages == ["a 1"]
    bots.clock.advance(30)
    await bots.bot(after).fire_due()
    assert after.messages == ["Go on.", "a 2"]


async def test_two_workers_that_send_the_same_outbox_say_it_once_in_order_after_deduplication():
    # The first is slow at "a 1"; its lease runs out, and the second one does it all.
    bots, log = Bots(), Recorder()
    await bots.bot(log).start("c")

    class Slow(Halting):
        async def send_message(self, chat_id, message, *, delivery_id):
            await super().send_message(chat_id, message, delivery_id=delivery_id)
            log.sent.append((delivery_id, message))

    slow = Slow("a 1", "before")
    work = asyncio.ensure_future(bots.bot(slow).handle_message("c", "a"))
    await slow.stop.reached.wait()
    bots.clock.advance(30)
    await bots.bot(log).handle_message("c", "b")
    slow.stop.opened.set()
    await work
    assert log.received == ["Go on.", "a 1", "a 2", "b 1", "b 2"]
    assert log.messages.count("a 2") == 1  # the slow one stops where it finds its lease gone
