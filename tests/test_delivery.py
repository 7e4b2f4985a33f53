"""Messages are committed before they are sent, and what was not sent is sent again."""

import asyncio
import logging
import threading

import pytest

from dialogs import (
    ChannelError,
    Orchestrator,
    Status,
    StoreUnavailable,
    UsageError,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from dialogs.testing import FakeClock
from tests.senders import Breaking, Halting, Recorder, UnsteadyStore


@dialog
def echo():
    """Says every word twice."""
    yield send_message("Go on.")
    heard = []
    while (word := (yield get_client_response())) != "done":
        heard.append(word)
        yield send_message(f"{word} 1")
        yield send_message(f"{word} 2")
    return heard


class Bots:
    """Workers of one store, each with a sender of its own kind, and a clock."""

    def __init__(self, root=echo):
        self.root, self.store, self.clock = root, UnsteadyStore(), FakeClock()

    def bot(self, sender, **options):
        return Orchestrator(self.root, store=self.store, clock=self.clock, sender=sender, **options)


async def test_messages_are_sent_in_order_each_under_an_id_of_its_own():
    sender = Recorder()
    bot = Bots().bot(sender)
    await bot.start("c")
    turn = await bot.handle_message("c", "a")
    assert turn.messages == ["a 1", "a 2"]
    assert sender.messages == ["Go on.", "a 1", "a 2"]
    numbers = [int(delivery_id.removeprefix("c/")) for delivery_id in sender.ids]
    assert numbers == sorted(set(numbers))
    assert (await bot.conversation("c")).outbox == []
    assert await bot.fire_due() == []


async def test_messages_are_sent_after_they_were_committed():
    bots, seen = Bots(), []

    class Looking(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            conversation = await bot.conversation(chat_id)
            seen.append([text for _, text in conversation.outbox])
            await super().send_message(chat_id, message, delivery_id=delivery_id)

    bot = bots.bot(Looking())
    await bot.start("c")
    await bot.handle_message("c", "a")
    assert seen == [["Go on."], ["a 1", "a 2"], ["a 1", "a 2"]]


async def test_without_a_sender_the_caller_has_the_messages_and_none_is_kept():
    bot = Bots().bot(None)
    assert (await bot.start("c")).messages == ["Go on."]
    assert (await bot.conversation("c")).outbox == []
    assert await bot.fire_due() == []


async def test_a_duplicate_says_nothing_again():
    sender = Recorder()
    bot = Bots().bot(sender)
    await bot.start("c")
    await bot.handle_message("c", "a", message_id="1")
    turn = await bot.handle_message("c", "a", message_id="1")
    assert turn.messages == ["a 1", "a 2"]
    assert sender.messages == ["Go on.", "a 1", "a 2"]


async def test_ids_of_a_forgotten_conversation_s_messages_do_not_come_again():
    sender, bots = Recorder(), Bots()
    bot = bots.bot(sender)
    await bot.start("c")
    await bot.forget("c")
    bots.clock.advance(1)
    await bot.start("c")
    assert sender.received == ["Go on.", "Go on."]


# --- a sender that fails ----------------------------------------------------------------------


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


class Watcher:
    def __init__(self):
        self.looked = []

    def look(self, chat_id):
        self.looked.append(chat_id)


async def test_who_watches_is_told_and_nothing_is_sent():
    bots, watcher = Bots(), Watcher()
    bot = bots.bot(Recorder(), history=10)
    bot.attach("web:", watcher)
    turn = await bot.start("web:c")
    assert turn.messages == ["Go on."]
    assert bots.store.calls == ["claim", "commit"]
    assert watcher.looked == ["web:c"]
    conversation = await bot.conversation("web:c")
    assert (conversation.outbox, conversation.history[-1].message) == ([], "Go on.")
    await bot.handle_message("web:c", "a", message_id="1")
    await bot.handle_message("web:c", "a", message_id="1")
    assert watcher.looked == ["web:c", "web:c"]


async def test_what_a_process_without_the_watcher_left_to_be_sent_is_dropped_by_one_that_has_it():
    bots, watcher, other = Bots(), Watcher(), Recorder()
    elsewhere = bots.bot(None)
    elsewhere.attach("sms:", other)
    await elsewhere.start("web:c")
    bot = bots.bot(None)
    bot.attach("web:", watcher)
    assert len((await bot.conversation("web:c")).outbox) == 1
    await bot.fire_due()
    assert (await bot.conversation("web:c")).outbox == []
    assert other.messages == []


async def test_a_sender_that_is_not_async_is_called_in_a_thread():
    sent, threads = [], set()

    class Plain:
        def send_message(self, chat_id, message, *, delivery_id):
            threads.add(threading.current_thread())
            sent.append((chat_id, message))

    bot = Bots().bot(Plain())
    await bot.start("c")
    await bot.handle_message("c", "a")
    assert sent == [("c", "Go on."), ("c", "a 1"), ("c", "a 2")]
    assert threading.current_thread() not in threads
    assert (await bot.conversation("c")).outbox == []


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


@pytest.mark.parametrize("sender", [object(), print, "sender"])
def test_what_cannot_send_is_no_sender(sender):
    with pytest.raises(UsageError, match="is no sender"):
        Bots().bot(sender)


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


async def test_a_sender_that_changes_its_message_changes_only_a_copy():
    @dialog
    def root():
        yield send_message({"text": "Name?"})
        return (yield get_client_response())

    class Changing(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            await super().send_message(chat_id, dict(message), delivery_id=delivery_id)
            message.clear()

    sender, bots = Changing(), Bots(root)
    bot = bots.bot(sender)
    await bot.start("c")
    assert (await bot.conversation("c")).pending.messages == [{"text": "Name?"}]


async def test_each_sender_has_the_conversations_with_its_prefix():
    own, web, slack = Recorder(), Recorder(), Recorder()
    bots = Bots()
    bot = bots.bot(own)
    bot.attach("web:", web)
    bot.attach("web:slack:", slack)
    for chat_id in ("web:1", "web:slack:1", "1"):
        await bot.start(chat_id)
    assert web.ids[0].startswith("web:1/")
    assert slack.ids[0].startswith("web:slack:1/")
    assert own.ids[0].startswith("1/")
    assert [len(sender.sent) for sender in (own, web, slack)] == [1, 1, 1]
    with pytest.raises(UsageError, match="have a sender already"):
        bot.attach("web:", slack)


async def test_messages_wait_for_a_process_that_has_their_sender():
    bots, slack = Bots(), Recorder()
    web = bots.bot(None)
    web.attach("web:", Recorder())
    assert (await web.start("slack:1")).messages == ["Go on."]
    for _ in range(3):
        bots.clock.advance(1)
        await web.fire_due()
    other = bots.bot(None)
    other.attach("slack:", slack)
    await other.fire_due()
    assert slack.messages == ["Go on."]
    assert (await other.conversation("slack:1")).outbox == []


# --- crashes ----------------------------------------------------------------------------------


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
