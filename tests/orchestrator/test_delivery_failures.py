"""Senders that fail: what was not sent is sent again, later and later, or given up."""

import asyncio
import logging

import pytest

from dialogs import ChannelError, Status, dialog, send_message, sleep
from tests.orchestrator.bots import Bots
from tests.senders import Breaking, Recorder


@pytest.mark.parametrize("late", [False, True])
async def test_the_turn_has_happened_where_its_message_could_not_be_sent(late, caplog):
    sender, bots = Breaking("a 1", late=late), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    with caplog.at_level(logging.WARNING):
        turn = await bot.handle_message("c", "a")
    assert (turn.messages, turn.status) == (["a 1", "a 2"], Status.WAITING_FOR_RESPONSE)
    assert "no line for 'a 1'" in caplog.text
    # What follows does not overtake it.
    assert "a 2" not in sender.messages
    sender.refuses.clear()
    bots.clock.advance(5)
    await bot.fire_due()
    assert sender.received == ["Go on.", "a 1", "a 2"]
    assert (await bot.conversation("c")).outbox == []
    assert (await bot.handle_message("c", "done")).result == ["a"]


async def test_what_was_sent_before_the_failure_is_not_sent_again():
    sender, bots = Breaking("a 2"), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    await bot.handle_message("c", "a")
    assert [text for _, text in (await bot.conversation("c")).outbox] == ["a 2"]
    sender.refuses.clear()
    bots.clock.advance(5)
    await bot.fire_due()
    assert sender.messages == ["Go on.", "a 1", "a 2"]


async def test_sending_again_waits_longer_each_time_and_an_hour_at_most():
    sender, bots = Breaking("Go on."), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    waits = []
    for _ in range(14):
        conversation, before = await bot.conversation("c"), bots.clock().timestamp()
        waits.append(conversation.wake_at - before)
        bots.clock.advance(waits[-1] - 1)
        assert await bot.fire_due() == []
        bots.clock.advance(1)
        assert len(await bot.fire_due()) == 1
    assert waits[:4] == [5, 10, 20, 40]
    assert waits == sorted(waits)
    assert waits[-1] == 3600
    sender.refuses.clear()
    bots.clock.advance(3600)
    await bot.fire_due()
    assert sender.messages == ["Go on."]
    assert (await bot.conversation("c")).wake_at is None


async def test_the_next_turn_sends_what_is_left_before_its_own_messages():
    sender, bots = Breaking("a 1"), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    await bot.handle_message("c", "a")
    sender.refuses.clear()
    assert (await bot.handle_message("c", "b")).messages == ["b 1", "b 2"]
    assert sender.messages == ["Go on.", "a 1", "a 2", "b 1", "b 2"]


async def test_a_duplicate_sends_what_is_left():
    sender, bots = Breaking("a 1"), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    await bot.handle_message("c", "a", message_id="1")
    sender.refuses.clear()
    assert (await bot.handle_message("c", "a", message_id="1")).duplicate
    assert sender.messages == ["Go on.", "a 1", "a 2"]


async def test_turns_that_come_while_nothing_can_be_sent_put_it_off_no_further():
    sender, bots = Breaking("a 1"), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    for _ in range(12):
        await bot.handle_message("c", "a")
    conversation = await bot.conversation("c")
    assert (conversation.resends, conversation.wake_at) == (1, bots.clock().timestamp() + 5)
    bots.clock.advance(5)
    await bot.handle_message("c", "a")
    assert (await bot.conversation("c")).wake_at == bots.clock().timestamp() + 10


async def test_a_sender_may_say_when_it_is_tried_again():
    bots, errors = Bots(), [None, 90, 2]

    class Limited(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            if errors:
                error = ChannelError("Too many messages.", retry_after_s=errors.pop(0))
                raise error
            await super().send_message(chat_id, message, delivery_id=delivery_id)

    sender = Limited()
    bot = bots.bot(sender)
    await bot.start("c")
    for wait_s in (5, 90, 2):
        assert (await bot.conversation("c")).wake_at == bots.clock().timestamp() + wait_s
        bots.clock.advance(wait_s)
        await bot.fire_due()
    assert sender.messages == ["Go on."]


async def test_what_is_left_is_sent_after_the_end_of_the_conversation_too():
    @dialog
    def brief():
        yield send_message("Bye.")

    sender, bots = Breaking("Bye."), Bots(brief)
    bot = bots.bot(sender)
    assert (await bot.start("c")).status is Status.COMPLETED
    sender.refuses.clear()
    bots.clock.advance(5)
    await bot.fire_due()
    assert sender.messages == ["Bye."]
    assert (await bot.conversation("c")).status is Status.COMPLETED


async def test_a_deadline_is_kept_while_messages_wait_to_be_sent():
    @dialog
    def root():
        yield send_message("Wait.")
        yield sleep(2)
        yield send_message("Now.")

    sender, bots = Breaking("Wait."), Bots(root)
    bot = bots.bot(sender)
    await bot.start("c")
    bots.clock.advance(2)
    sender.refuses.clear()
    assert [turn.messages for turn in await bot.fire_due()] == [["Now."]]
    assert sender.messages == ["Wait.", "Now."]


async def test_a_message_that_can_never_be_sent_is_given_up_and_those_after_it_are_sent(caplog):
    class Blocked(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            if message == "a 1":
                raise ChannelError("Too long.", permanent=True)
            await super().send_message(chat_id, message, delivery_id=delivery_id)

    sender, bots = Blocked(), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    with caplog.at_level(logging.ERROR):
        await bot.handle_message("c", "a")
    assert "given up" in caplog.text
    assert sender.messages == ["Go on.", "a 2"]
    assert (await bot.conversation("c")).wake_at is None


async def test_a_channel_error_that_may_pass_is_tried_again():
    sender, bots = Recorder(), Bots()
    sender.error = ChannelError("Too many requests.")
    bot = bots.bot(sender)
    await bot.start("c")
    sender.error = None
    bots.clock.advance(5)
    await bot.fire_due()
    assert sender.messages == ["Go on."]


async def test_a_sender_that_hangs_for_a_lease_has_not_sent(caplog):
    class Hanging(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            if message == "a 1":
                await asyncio.Event().wait()
            await super().send_message(chat_id, message, delivery_id=delivery_id)

    sender = Hanging()
    bot = Bots().bot(sender, lease=0.01)
    await bot.start("c")
    await bot.handle_message("c", "a")
    assert sender.messages == ["Go on."]
    assert "TimeoutError" in caplog.text


async def test_a_sender_may_be_told_that_a_message_may_have_been_sent_before():
    again = []

    class Careful(Breaking):
        async def resend_message(self, chat_id, message, *, delivery_id):
            again.append(message)
            await self.send_message(chat_id, message, delivery_id=delivery_id)

    sender, bots = Careful("a 1"), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    await bot.handle_message("c", "a")
    sender.refuses.clear()
    await bot.handle_message("c", "b")
    assert again == ["a 1", "a 2"]
    assert sender.messages == ["Go on.", "a 1", "a 2", "b 1", "b 2"]
