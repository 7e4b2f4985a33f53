"""Messages are committed before they are sent: in order, and by their sender."""

import threading

import pytest

from dialogs import UsageError, dialog, get_client_response, send_message
from tests.orchestrator.bots import Bots
from tests.senders import Recorder


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


@pytest.mark.parametrize("sender", [object(), print, "sender"])
def test_what_cannot_send_is_no_sender(sender):
    with pytest.raises(UsageError, match="is no sender"):
        Bots().bot(sender)


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
