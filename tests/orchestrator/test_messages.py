"""Messages and replies: what counts, what is stale, which ids and values are taken."""

import asyncio
from collections import Counter

import pytest

from dialogs import (
    NotSerializable,
    Status,
    Turn,
    UsageError,
    call,
    dialog,
    get_client_response,
    send_message,
    wait_for_signal,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.bots import Code, collect, orchestrator
from tests.senders import Recorder, UnsteadyStore

# --- a message counts once --------------------------------------------------------------------


async def test_a_message_id_seen_before_gets_the_same_answer_and_runs_nothing():
    bot = orchestrator(collect)
    await bot.start("c")
    first = await bot.handle_message("c", "a", message_id="1")
    await bot.handle_message("c", "b", message_id="2")

    again = await bot.handle_message("c", "a", message_id="1")
    assert again.duplicate
    assert (again.messages, again.prompt) == ([1], first.prompt)
    assert (await bot.handle_message("c", "done")).result == ["a", "b"]


async def test_the_answer_that_ended_a_run_is_repeated_too():
    bot = orchestrator()
    await bot.handle_message("c", "hi", message_id="1")
    await bot.handle_message("c", "Ada", message_id="2")
    end = await bot.handle_message("c", 36, message_id="3")
    again = await bot.handle_message("c", 36, message_id="3")
    assert again.duplicate
    assert (again.status, again.result) == (end.status, end.result) == ("COMPLETED", ("Ada", 36))
    assert (await bot.handle_message("c", "hi", message_id="1")).messages == ["Name?"]
    assert (await bot.conversation("c")).run == 1


async def test_a_duplicate_writes_nothing():
    store = UnsteadyStore()
    bot = orchestrator(store=store)
    await bot.handle_message("c", "hi", message_id="1")
    before = (await store.load("c", now=0.0)).revision
    await bot.handle_message("c", "hi", message_id="1")
    assert (await store.load("c", now=0.0)).revision == before


async def test_the_last_32_message_ids_are_known():
    bot = orchestrator(collect)
    await bot.start("c")
    for number in range(33):
        await bot.handle_message("c", number, message_id=f"m{number}")

    for number in range(1, 33):
        assert (await bot.handle_message("c", number, message_id=f"m{number}")).duplicate
    assert not (await bot.handle_message("c", "again", message_id="m0")).duplicate
    assert (await bot.handle_message("c", "done")).result == [*range(33), "again"]


async def test_messages_without_an_id_all_count():
    bot = orchestrator(collect)
    await bot.start("c")
    for _ in range(3):
        await bot.handle_message("c", "a")
    assert (await bot.handle_message("c", "done")).result == ["a", "a", "a"]


async def test_a_message_whose_turn_failed_has_not_been_seen():
    code = Code()
    bot = orchestrator(code.root())
    await bot.start("c")
    code.broken = True
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot greet Ada"):
            await bot.handle_message("c", "Ada", message_id="1")
    code.broken = False
    turn = await bot.handle_message("c", "Ada", message_id="1")
    assert (turn.messages, turn.duplicate) == (["Hello, Ada!"], False)
    assert (await bot.handle_message("c", "Ada", message_id="1")).duplicate


async def test_one_conversation_s_message_ids_mean_nothing_to_another():
    bot = orchestrator()
    await bot.handle_message("c", "hi", message_id="1")
    assert not (await bot.handle_message("d", "hi", message_id="1")).duplicate


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_same_message_20_times_at_once_runs_once(workers):
    store, clock, runs = UnsteadyStore(), FakeClock(), []

    @dialog
    def root():
        yield get_client_response()
        yield call(runs.append, 1)
        yield send_message("Thanks.")
        yield get_client_response()

    bots = [orchestrator(root, store=store, clock=clock) for _ in range(workers)]
    await bots[0].start("c")
    turns = await asyncio.gather(
        *[bots[n % workers].handle_message("c", "a", message_id="1") for n in range(20)]
    )
    assert Counter(turn.duplicate for turn in turns) == {True: 19, False: 1}
    assert {tuple(turn.messages) for turn in turns} == {("Thanks.",)}
    assert len({turn.prompt for turn in turns}) == 1
    assert runs == [1]


# --- a reply answers its question -------------------------------------------------------------


async def test_a_reply_to_the_pending_prompt_is_taken():
    bot = orchestrator()
    turn = await bot.handle_message("c", "hi")
    turn = await bot.handle_message("c", "Ada", in_reply_to=turn.prompt)
    assert (turn.messages, turn.stale) == (["Age?"], False)


async def test_a_reply_to_another_prompt_is_stale_and_leaves_no_trace():
    store = MemoryStore()
    bot = orchestrator(store=store)
    first = await bot.handle_message("c", "hi")
    second = await bot.handle_message("c", "Ada")
    assert first.prompt != second.prompt
    before = await store.load("c", now=0.0)

    turn = await bot.handle_message("c", "Bob", message_id="1", in_reply_to=first.prompt)
    assert turn == Turn(
        "c", [], Status.WAITING_FOR_RESPONSE, prompt=second.prompt, duplicate=False, stale=True
    )
    assert await store.load("c", now=0.0) == before
    assert (await bot.handle_message("c", 36)).result == ("Ada", 36)


async def test_a_reply_to_a_conversation_that_has_none_open_is_stale():
    store = MemoryStore()
    bot = orchestrator(store=store)
    assert (await bot.handle_message("c", "Ada", in_reply_to="1")).stale
    assert await store.load("c", now=0.0) is None

    turn = await bot.handle_message("c", "hi")
    await bot.handle_message("c", "Ada")
    await bot.handle_message("c", 36)
    assert (await bot.handle_message("c", "again", in_reply_to=turn.prompt)).stale
    assert (await bot.conversation("c")).status is Status.COMPLETED


async def test_prompts_of_a_forgotten_conversation_do_not_come_again():
    clock = FakeClock()
    bot = orchestrator(clock=clock)
    old = await bot.handle_message("c", "hi")
    clock.advance(1)
    assert await bot.forget("c")
    new = await bot.handle_message("c", "hi")
    assert new.prompt != old.prompt
    assert (await bot.handle_message("c", "Ada", in_reply_to=old.prompt)).stale


async def test_a_reply_may_name_a_message_of_its_prompt():
    sender = Recorder()
    bot = orchestrator(sender=sender)
    await bot.handle_message("c", "hi")
    old = sender.ids[-1]
    assert (await bot.handle_message("c", "Ada", in_reply_to=old)).messages == ["Age?"]
    assert (await bot.handle_message("c", 36, in_reply_to=old)).stale
    assert (await bot.handle_message("c", 36, in_reply_to=sender.ids[-1])).result == ("Ada", 36)


# --- ids and values ---------------------------------------------------------------------------


@pytest.mark.parametrize("chat_id", ["", "x" * 256, "a\0b", "a\ud800", 5, None, b"c"])
async def test_a_chat_id_is_a_text_that_every_store_can_keep(chat_id):
    bot = orchestrator()
    for ask in (
        lambda: bot.handle_message(chat_id, "hi"),
        lambda: bot.start(chat_id),
        lambda: bot.signal(chat_id, "paid"),
        lambda: bot.cancel(chat_id),
        lambda: bot.forget(chat_id),
        lambda: bot.conversation(chat_id),
    ):
        with pytest.raises(UsageError, match="chat id"):
            await ask()


@pytest.mark.parametrize("on_early", ["keep", "refuse"])
async def test_what_is_said_while_nothing_waits_for_it_is_kept_or_refused(on_early):
    @dialog
    def shop():
        yield send_message("Pay, please.")
        yield wait_for_signal("paid")
        yield send_message("Subscribe for 20 euros a month?")
        return (yield get_client_response())

    bot = orchestrator(shop, on_early=on_early)
    await bot.start("c")
    early = await bot.handle_message("c", "ok", message_id="1")
    assert (early.kept, early.stale) == (on_early == "keep", on_early == "refuse")
    paid = await bot.signal("c", "paid")
    assert (paid.kept, paid.result) == (False, "ok" if on_early == "keep" else None)
    again = await bot.handle_message("c", "ok", message_id="1")
    assert (again.duplicate, again.kept, again.stale) == (True, early.kept, early.stale)
    if on_early == "refuse":
        assert (await bot.handle_message("c", "no", message_id="2")).result == "no"


async def test_a_turn_tells_that_its_signal_is_kept():
    bot = orchestrator()
    assert (await bot.signal("c", "unknown", 1)).kept
    assert not (await bot.start("c")).kept
    assert (await bot.signal("c", "unknown", 2)).kept
    assert not (await bot.handle_message("c", "Ada")).kept


@pytest.mark.parametrize(
    "options",
    [{"on_early": "drop"}, {"on_completed": "stop"}, {"history": -1}, {"interrupts": ["/help"]}],
)
def test_options_that_will_not_do_are_refused_each_by_its_name(options):
    with pytest.raises(UsageError, match=next(iter(options)).removesuffix("s")):
        orchestrator(**options)


async def test_a_delivery_id_of_the_longest_chat_id_is_a_reply():
    sender, chat_id = Recorder(), "x" * 255
    bot = orchestrator(sender=sender)
    await bot.start(chat_id)
    assert (await bot.handle_message(chat_id, "Ada", in_reply_to=sender.ids[-1])).messages


@pytest.mark.parametrize("chat_id", ["x" * 255, "a/b:c d", "ä€😀", "{c}", "*"])
async def test_any_other_text_is_a_chat_id(chat_id):
    bot = orchestrator()
    turn = await bot.handle_message(chat_id, "hi")
    assert (turn.chat_id, turn.messages) == (chat_id, ["Name?"])


@pytest.mark.parametrize("bad", ["", "x" * 288, "a\0b", "a\udfff", 5, b"1"])
@pytest.mark.parametrize("name", ["message_id", "in_reply_to"])
async def test_ids_of_messages_and_prompts_are_texts_too(name, bad):
    with pytest.raises(UsageError, match=name):
        await orchestrator().handle_message("c", "hi", **{name: bad})


async def test_a_message_that_the_log_cannot_keep_leaves_no_trace():
    store = UnsteadyStore()
    bot = orchestrator(store=store)
    with pytest.raises(NotSerializable, match="the client's message"):
        await bot.handle_message("c", object())
    with pytest.raises(NotSerializable, match="'paid'"):
        await bot.signal("c", "paid", {"by": object()})
    assert store.calls == []


async def test_a_message_is_copied_when_it_is_handed_over():
    bot, words = orchestrator(collect), ["a"]
    await bot.start("c")
    await bot.handle_message("c", words)
    words.append("b")
    assert (await bot.handle_message("c", "done")).result == [["a"]]
