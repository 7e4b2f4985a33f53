"""The life of a conversation: start, end, cancel, forget; and looking at it."""

import asyncio

import pytest

from dialogs import (
    Conflict,
    Status,
    Turn,
    UsageError,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.bots import given_up, orchestrator
from tests.senders import UnsteadyStore
from tests.written import written

# --- after the end ----------------------------------------------------------------------------


async def test_a_message_after_the_end_begins_the_next_run():
    bot = orchestrator()
    for name in ("Ada", "Bob"):
        assert (await bot.handle_message("c", "hi")).messages == ["Name?"]
        await bot.handle_message("c", name)
        assert (await bot.handle_message("c", 36)).result == (name, 36)
    assert (await bot.conversation("c")).run == 2


async def test_a_message_after_the_end_can_be_ignored():
    bot = orchestrator(on_completed="ignore")
    await bot.handle_message("c", "hi")
    await bot.handle_message("c", "Ada")
    end = await bot.handle_message("c", 36)
    turn = await bot.handle_message("c", "again", message_id="9")
    assert turn == end
    assert (await bot.handle_message("c", "again", message_id="9")).duplicate
    assert (await bot.conversation("c")).run == 1


async def test_a_result_of_an_earlier_run_is_not_the_result_of_an_open_one():
    bot = orchestrator()
    for message in ("hi", "Ada", 36):
        await bot.handle_message("c", message)
    assert (await bot.handle_message("c", "hi")).result is None


# --- start, cancel, forget --------------------------------------------------------------------


async def test_a_conversation_can_be_started_unasked_and_starting_twice_does_nothing():
    store = MemoryStore()
    bot = orchestrator(store=store)
    turn = await bot.start("c")
    assert (turn.messages, turn.status) == (["Name?"], Status.WAITING_FOR_RESPONSE)
    before = await store.load("c", now=0.0)
    again = await bot.start("c")
    assert (again.messages, again.status) == ([], Status.WAITING_FOR_RESPONSE)
    assert again.prompt == turn.prompt
    assert await store.load("c", now=0.0) == before
    assert (await bot.handle_message("c", "Ada")).messages == ["Age?"]


@pytest.mark.parametrize("on_completed", ["restart", "ignore"])
async def test_a_conversation_can_be_started_after_its_end(on_completed):
    bot = orchestrator(on_completed=on_completed)
    for message in ("hi", "Ada", 36):
        await bot.handle_message("c", message)
    assert (await bot.start("c")).messages == ["Name?"]


async def test_a_cancelled_conversation_is_over_and_its_dialog_does_not_hear_of_it():
    bot = orchestrator()
    await bot.handle_message("c", "hi")
    turn = await bot.cancel("c")
    assert turn == Turn("c", [], Status.CANCELLED)
    assert (await bot.conversation("c")).waiting == ""
    assert (await bot.cancel("c")).status is Status.CANCELLED
    assert (await bot.handle_message("c", "hi")).messages == ["Name?"]


async def test_cancelling_what_is_not_there_leaves_no_trace():
    store = MemoryStore()
    bot = orchestrator(store=store)
    assert (await bot.cancel("c")).status is Status.INITIATED
    assert await store.load("c", now=0.0) is None


async def test_cancelling_what_is_completed_leaves_it_completed():
    bot = orchestrator()
    for message in ("hi", "Ada", 36):
        await bot.handle_message("c", message)
    assert (await bot.cancel("c")).status is Status.COMPLETED


async def test_what_was_kept_for_a_cancelled_run_is_cancelled_with_it():
    @dialog
    def root():
        yield sleep(10)
        return (yield get_client_response())

    bot = orchestrator(root)
    await bot.start("c")
    await bot.handle_message("c", "are you there?")
    assert (await bot.cancel("c")).status is Status.CANCELLED
    assert (await bot.conversation("c")).run == 1


async def test_a_forgotten_conversation_is_gone():
    store = MemoryStore()
    bot = orchestrator(store=store)
    await bot.handle_message("c", "hi", message_id="1")
    assert await bot.forget("c") is True
    assert await bot.forget("c") is False
    assert await bot.conversation("c") is None
    turn = await bot.handle_message("c", "hi", message_id="1")
    assert (turn.messages, turn.duplicate) == (["Name?"], False)


async def test_a_turn_under_way_in_a_forgotten_conversation_is_lost():
    store = UnsteadyStore()
    bot = orchestrator(store=store)
    await bot.handle_message("c", "hi")
    stop = store.halt("commit", "before")
    turn = asyncio.ensure_future(bot.handle_message("c", "Ada"))
    await stop.reached.wait()
    await bot.forget("c")
    stop.opened.set()
    with pytest.raises(Conflict, match="deleted"):
        await turn
    assert await bot.conversation("c") is None


async def test_idle_conversations_are_forgotten_after_their_time():
    clock = FakeClock()
    bot = orchestrator(clock=clock, ttl=60)
    await bot.handle_message("c", "hi")
    clock.advance(59)
    await bot.handle_message("c", "Ada")
    clock.advance(59)
    assert await bot.conversation("c") is not None
    clock.advance(1)
    assert await bot.conversation("c") is None
    assert (await bot.handle_message("c", "hi")).messages == ["Name?"]


async def test_a_conversation_that_waits_for_a_time_is_not_forgotten_before_it():
    @dialog
    def root():
        yield sleep(3600)
        yield send_message("Good morning!")
        yield get_client_response()

    clock = FakeClock()
    bot = orchestrator(root, clock=clock, ttl=60)
    await bot.start("c")
    clock.advance(3600)
    assert [turn.messages for turn in await bot.fire_due()] == [["Good morning!"]]
    clock.advance(60)
    assert await bot.conversation("c") is None


# --- looking ----------------------------------------------------------------------------------


async def test_conversations_can_be_listed_by_status():
    bot = orchestrator()
    for chat_id in ("open", "done", "cancelled"):
        await bot.start(chat_id)
    await bot.handle_message("done", "Ada")
    await bot.handle_message("done", 36)
    await bot.cancel("cancelled")
    await bot.signal("early", "paid")

    async def listed(status=None):
        return {chat_id: c.status.value async for chat_id, c in bot.conversations(status)}

    everything = {
        "open": "WAITING_FOR_RESPONSE",
        "done": "COMPLETED",
        "cancelled": "CANCELLED",
        "early": "INITIATED",
    }
    assert await listed() == everything
    for chat_id, status in everything.items():
        assert await listed(status) == await listed(Status(status)) == {chat_id: status}
    assert await listed("ERROR") == {}
    with pytest.raises(UsageError, match="no status"):
        await listed("GONE")


async def test_a_conversation_says_where_it_waits():
    root = written(
        """
        def payment():
            return «get_client_response()»

        def order():
            «send_message("Pay?")»
            return «payment()»
        """
    )
    bot = orchestrator(root)
    await bot.start("c")
    conversation = await bot.conversation("c")
    assert conversation.waiting == "get_client_response in order (shop.py:6) > payment (shop.py:2)"
    assert await bot.conversation("d") is None


async def test_the_store_is_set_up_on_entering_and_closed_on_leaving():
    class Noting(MemoryStore):
        notes: list[str] = []  # noqa: RUF012 - of this test alone

        async def setup(self):
            self.notes.append("setup")

        async def close(self):
            self.notes.append("close")

    async with orchestrator(store=Noting()) as bot:
        assert Noting.notes == ["setup"]
        await bot.handle_message("c", "hi")
    assert Noting.notes == ["setup", "close"]


async def test_leaving_waits_for_what_is_under_way():
    store = UnsteadyStore()
    bot = orchestrator(store=store)
    async with bot:
        await bot.handle_message("c", "hi")
        stop = store.halt("commit", "before")
        await given_up(stop, asyncio.ensure_future(bot.handle_message("c", "Ada")))
    assert store.calls[-1] == "release"
    claim = await store.claim("c", now=bot._leases.now(), lease_s=1)
    assert claim.revision == 1
