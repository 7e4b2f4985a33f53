"""Turns that fail: what is undone, kept and said."""

import logging

import pytest

from dialogs import (
    LogError,
    Message,
    Status,
    call,
    dialog,
    get_client_response,
    send_message,
    step_key,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.bots import Code, orchestrator
from tests.senders import Recorder, UnsteadyStore


async def test_a_dialog_that_raises_is_undone_and_the_next_message_tries_again():
    code = Code()
    bot = orchestrator(code.root())
    turn = await bot.start("c")
    code.broken = True
    with pytest.raises(ValueError, match="cannot greet Ada"):
        await bot.handle_message("c", "Ada")
    conversation = await bot.conversation("c")
    assert conversation.status is Status.ERROR
    assert conversation.error.startswith("Traceback")
    assert "ValueError: cannot greet Ada" in conversation.error
    assert conversation.prompt == turn.prompt

    code.broken = False
    turn = await bot.handle_message("c", "Bob")
    assert (turn.messages, turn.status) == (["Hello, Bob!"], Status.WAITING_FOR_RESPONSE)
    assert (await bot.conversation("c")).error == ""


async def test_an_opening_message_whose_turn_failed_can_be_given_again():
    keys, broken = [], [True]

    @dialog
    def root(opening):
        yield call(lambda: keys.append(step_key()))
        if broken[0]:
            raise ValueError("no")
        yield send_message(opening)
        return (yield get_client_response())

    bot = orchestrator(root)
    with pytest.raises(ValueError, match="no"):
        await bot.handle_message("c", "one")
    assert (await bot.conversation("c")).status is Status.ERROR
    broken[0] = False
    assert (await bot.handle_message("c", "two")).messages == ["two"]
    assert len(keys) == 2
    assert keys[0] == keys[1]


@pytest.mark.parametrize("ending", ["completed", "cancelled"])
@pytest.mark.parametrize("on_completed", ["restart", "ignore"])
async def test_a_run_that_fails_as_it_begins_can_be_begun_again_after_an_earlier_run(
    ending, on_completed
):
    broken = [False]

    @dialog
    def root():
        if broken[0]:
            raise ValueError("no")
        yield send_message("Name?")
        return (yield get_client_response())

    bot = orchestrator(root, on_completed=on_completed)
    await bot.start("c")
    await (bot.cancel("c") if ending == "cancelled" else bot.handle_message("c", "Ada"))
    broken[0] = True
    with pytest.raises(ValueError, match="no"):
        await bot.start("c")
    broken[0] = False
    turn = await bot.start("c")
    assert (turn.messages, turn.status) == (["Name?"], Status.WAITING_FOR_RESPONSE)
    assert (await bot.handle_message("c", "Bob")).result == "Bob"


async def test_a_message_that_fails_as_it_begins_the_next_run_is_not_swallowed_the_next_time():
    broken = [False]

    @dialog
    def root(opening):
        if broken[0]:
            raise ValueError("no")
        yield send_message(f"{opening}?")
        return (yield get_client_response())

    bot = orchestrator(root)
    await bot.handle_message("c", "one")
    await bot.handle_message("c", "yes")
    broken[0] = True
    with pytest.raises(ValueError, match="no"):
        await bot.handle_message("c", "two")
    broken[0] = False
    assert (await bot.handle_message("c", "two")).messages == ["two?"]


async def test_an_apology_is_sent_where_a_dialog_raised():
    code, sender = Code(), Recorder()
    bot = orchestrator(code.root(), sender=sender, on_error=Message("Sorry."))
    await bot.start("c")
    code.broken = True
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot greet"):
            await bot.handle_message("c", "Ada")
    code.broken = False
    await bot.handle_message("c", "Ada")
    assert sender.messages == ["Name?", Message("Sorry."), Message("Sorry."), "Hello, Ada!"]
    assert len(set(sender.ids)) == 4


async def test_an_apology_may_depend_on_whose_conversation_it_is_and_on_the_error():
    code, sender, errors = Code(), Recorder(), []

    def apologize(chat_id, error):
        errors.append(error)
        return f"Sorry, {chat_id}: {error}" if len(errors) == 1 else None

    bot = orchestrator(code.root(), sender=sender, on_error=apologize)
    await bot.start("c")
    code.broken = True
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot greet"):
            await bot.handle_message("c", "Ada")
    assert sender.messages == ["Name?", "Sorry, c: cannot greet Ada"]


@pytest.mark.parametrize("apology", [lambda *_: object(), lambda *_: 1 / 0])
async def test_an_apology_that_fails_does_not_hide_the_error(apology, caplog):
    code = Code()
    bot = orchestrator(code.root(), sender=Recorder(), on_error=apology)
    await bot.start("c")
    code.broken = True
    with caplog.at_level(logging.WARNING), pytest.raises(ValueError, match="cannot greet"):
        await bot.handle_message("c", "Ada")
    assert "cannot greet" in (await bot.conversation("c")).error
    assert caplog.records


async def test_an_error_that_cannot_be_kept_is_raised_all_the_same(caplog):
    code, store = Code(), UnsteadyStore()
    bot = orchestrator(code.root(), store=store)
    await bot.start("c")
    code.broken = True
    store.fail("commit", "before")
    with caplog.at_level(logging.WARNING), pytest.raises(ValueError, match="cannot greet"):
        await bot.handle_message("c", "Ada")
    assert "was not kept" in caplog.text
    code.broken = False
    assert (await bot.handle_message("c", "Ada")).messages == ["Hello, Ada!"]


async def test_a_conversation_that_cannot_be_read_is_refused_and_left_as_it_is():
    store = MemoryStore()
    bot = orchestrator(store=store)
    await bot.handle_message("c", "hi")
    claim = await store.claim("c", now=0.0, lease_s=1)
    await store.commit(claim, b"DLC nonsense", now=0.0, status="WAITING_FOR_RESPONSE")
    for ask in (bot.handle_message("c", "Ada"), bot.conversation("c"), bot.cancel("c")):
        with pytest.raises(LogError, match="'c'"):
            await ask
    assert (await store.load("c", now=0.0)).body == b"DLC nonsense"
    assert await bot.forget("c")


async def test_a_conversation_that_cannot_be_read_hides_none_of_the_others():
    store = MemoryStore()
    bot = orchestrator(store=store)
    for chat_id in "abcd":
        await bot.handle_message(chat_id, "hi")
    for chat_id in "bc":
        claim = await store.claim(chat_id, now=0.0, lease_s=1)
        await store.commit(claim, b"DLC nonsense", now=0.0, status="ERROR")
    seen = []

    async def see():
        async for chat_id, _ in bot.conversations():
            seen.append(chat_id)

    with pytest.raises(LogError, match=r"'[bc]'"):
        await see()
    assert sorted(seen) == ["a", "d"]


async def test_a_lease_is_given_back_before_an_error_is_raised():
    store, clock = UnsteadyStore(), FakeClock()
    bot = orchestrator(store=store, clock=clock)
    await bot.handle_message("c", "hi")
    claim = await store.claim("c", now=0.0, lease_s=1)
    await store.commit(claim, b"DLC nonsense", now=0.0, status="ERROR")
    with pytest.raises(LogError):
        await bot.handle_message("c", "Ada")
    assert await store.claim("c", now=clock().timestamp(), lease_s=1)


async def test_failures_in_a_row_are_counted():
    code = Code()
    bot = orchestrator(code.root())
    await bot.start("c")
    code.broken = True
    for count in (1, 2, 3):
        with pytest.raises(ValueError, match="cannot greet"):
            await bot.handle_message("c", "Ada")
        assert (await bot.conversation("c")).failures == count
    code.broken = False
    await bot.handle_message("c", "Ada")
    assert (await bot.conversation("c")).failures == 0


async def test_a_duplicate_is_answered_though_its_lease_cannot_be_given_back(caplog):
    store = UnsteadyStore()
    bot = orchestrator(store=store)
    first = await bot.handle_message("c", "hi", message_id="1")
    store.fail("release", "before")
    again = await bot.handle_message("c", "hi", message_id="1")
    assert (again.duplicate, again.messages) == (True, first.messages)
    assert "runs out" in caplog.text


async def test_a_history_of_both_sides_can_be_kept():
    sender = Recorder()
    bot = orchestrator(history=3, sender=sender)
    for message in ("hi", "Ada"):
        await bot.handle_message("c", message)
    history = (await bot.conversation("c")).history
    assert [(entry.by_client, entry.message) for entry in history] == [
        (False, "Name?"),
        (True, "Ada"),
        (False, "Age?"),
    ]
    assert [f"c/{entry.number}" for entry in history if not entry.by_client] == sender.ids
