"""What app code asks of conversations: messages, starts, cancels, looking."""

import asyncio
import logging
from collections import Counter

import pytest

from dialogs import (
    Conflict,
    Message,
    NotAStep,
    NotSerializable,
    Orchestrator,
    Status,
    Turn,
    UnknownDialog,
    UsageError,
    call,
    continue_as_new,
    dialog,
    get_client_response,
    now,
    send_message,
    sleep,
    step_key,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.senders import Recorder, Stop, UnsteadyStore
from tests.written import STYLES, written

# --- dialogs ----------------------------------------------------------------------------------

GREET = """
    def greet():
        «send_message("Name?")»
        name = «get_client_response()»
        «send_message("Age?")»
        age = «get_client_response()»
        return name, age
"""
REPEAT = """
    def repeat(opening):
        «send_message(("opened", opening))»
        return opening, «get_client_response()»
"""


@dialog
def greet():
    yield send_message("Name?")
    name = yield get_client_response()
    yield send_message("Age?")
    age = yield get_client_response()
    return name, age


@dialog
def collect():
    """Everything that was said, until "done"."""
    heard = []
    while (word := (yield get_client_response())) != "done":
        heard.append(word)
        yield send_message(len(heard))
    return heard


class Code:
    """A dialog whose code can be broken and repaired, as by deployments."""

    def __init__(self):
        self.broken = False
        self.runs = 0

    def root(self):
        @dialog(name="code")
        def code():
            yield send_message("Name?")
            name = yield get_client_response()
            self.runs += 1
            if self.broken:
                raise ValueError(f"cannot greet {name}")
            yield send_message(f"Hello, {name}!")
            return (yield get_client_response())

        return code


def orchestrator(root=greet, **options):
    options.setdefault("store", MemoryStore())
    options.setdefault("clock", FakeClock())
    return Orchestrator(root, **options)


# --- roots ------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
async def test_a_conversation_goes_from_its_first_message_to_its_end(style):
    bot = orchestrator(written(GREET, style))

    turn = await bot.handle_message("c", "hi")
    assert turn == Turn(
        "c", ["Name?"], Status.WAITING_FOR_RESPONSE, prompt=turn.prompt, wake_at=None
    )
    assert turn.prompt is not None
    turn = await bot.handle_message("c", "Ada")
    assert (turn.messages, turn.status) == (["Age?"], Status.WAITING_FOR_RESPONSE)
    turn = await bot.handle_message("c", 36)
    assert turn == Turn("c", [], Status.COMPLETED, ("Ada", 36))


@pytest.mark.parametrize("style", STYLES)
async def test_a_root_may_take_the_opening_message(style):
    bot = orchestrator(written(REPEAT, style))

    assert (await bot.handle_message("c", "hi")).messages == [("opened", "hi")]
    assert (await bot.handle_message("c", "there")).result == ("hi", "there")


@pytest.mark.parametrize("style", STYLES)
async def test_a_root_that_takes_the_opening_message_gets_none_from_start(style):
    bot = orchestrator(written(REPEAT, style))

    assert (await bot.start("c")).messages == [("opened", None)]
    assert (await bot.handle_message("c", "there")).result == (None, "there")


async def test_each_run_is_opened_by_its_own_message():
    bot = orchestrator(written(REPEAT))
    for opening in ("one", {"two": [2]}, ("three",)):
        await bot.handle_message("c", opening)
        assert (await bot.handle_message("c", "x")).result == (opening, "x")


async def test_a_root_that_changes_its_opening_message_changes_only_a_copy():
    @dialog
    def order(opening):
        item = opening.pop("item")
        opening["seen"] = True
        yield send_message(f"{item}?")
        yes = yield get_client_response()
        return item, yes, opening

    bot, opening = orchestrator(order), {"item": "tea"}
    await bot.handle_message("c", opening)
    assert opening == {"item": "tea"}
    assert (await bot.conversation("c")).opening == {"item": "tea"}
    turn = await bot.handle_message("c", "yes")
    assert turn.result == ("tea", "yes", {"seen": True})


async def test_a_call_can_be_the_root_and_then_the_opening_message_is_not_given():
    @dialog
    def greet_in(language, polite=False):
        yield send_message((language, polite))
        return (yield get_client_response())

    bot = orchestrator(greet_in("en", polite=True))
    assert (await bot.handle_message("c", "hi")).messages == [("en", True)]
    assert (await bot.handle_message("c", "Ada")).result == "Ada"


async def test_an_argument_with_a_default_is_the_opening_message_too():
    @dialog
    def root(opening="nothing", *, other=1):
        return opening, other
        yield

    bot = orchestrator(root)
    assert (await bot.handle_message("c", "hi")).result == ("hi", 1)
    assert (await bot.start("c")).result == (None, 1)


async def test_a_function_without_steps_is_a_dialog_of_one_turn():
    @dialog
    def double(opening):
        return opening * 2

    assert (await orchestrator(double).handle_message("c", 21)).result == 42


def test_what_is_no_dialog_cannot_be_the_root():
    def undecorated():
        yield send_message("hi")

    for root in (undecorated, "greet", None, send_message("hi"), undecorated()):
        with pytest.raises(NotAStep, match="is not a dialog"):
            orchestrator(root)


def test_a_root_that_needs_more_than_the_opening_message_is_refused():
    @dialog
    def two(a, b):
        yield

    @dialog
    def named(*, a):
        yield

    for root in (two, named):
        with pytest.raises(UsageError, match="opening message"):
            orchestrator(root)


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(UsageError, match="on_completed"):
        orchestrator(on_completed="again")
    for option in ("lease", "ttl", "patience", "poll"):
        with pytest.raises(UsageError, match=option):
            orchestrator(**{option: 0})


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


# --- roots by name ----------------------------------------------------------------------------


async def test_a_conversation_may_be_begun_with_another_root():
    @dialog
    def order(opening):
        yield send_message(f"Order {opening}?")
        return "ordered", (yield get_client_response())

    store, clock = MemoryStore(), FakeClock()
    one, other = (orchestrator(store=store, clock=clock) for _ in range(2))
    one.add_root("order", order)
    turn = await one.handle_message("c", "tea", root="order")
    assert turn.messages == ["Order tea?"]
    # Another process needs it too, and says so.
    with pytest.raises(UnknownDialog, match="add_root"):
        await other.handle_message("c", "yes")
    other.add_root("order", order)
    # An open conversation stays with its own.
    assert (await other.handle_message("c", "yes", root="")).result == ("ordered", "yes")
    assert (await other.handle_message("c", "hi")).messages == ["Name?"]
    assert (await other.start("d", root="order")).messages == ["Order None?"]


async def test_a_message_that_may_begin_nothing_is_stale_where_nothing_is_open():
    store = MemoryStore()
    bot = orchestrator(store=store)
    assert (await bot.handle_message("c", "Ada", root=None)).stale
    assert await store.load("c", now=0.0) is None
    await bot.start("c")
    assert (await bot.handle_message("c", "Ada", root=None)).messages == ["Age?"]


def test_a_root_has_a_name_of_its_own():
    bot = orchestrator()
    bot.add_root("greet", greet)
    for name in ("", "greet"):
        with pytest.raises(UsageError, match="cannot name another root"):
            bot.add_root(name, collect)
    with pytest.raises(NotAStep):
        bot.add_root("other", "collect")


# --- one at a time ----------------------------------------------------------------------------


async def test_messages_of_one_process_keep_their_order():
    store = UnsteadyStore()
    bot = orchestrator(collect, store=store)
    await bot.start("c")
    turns = await asyncio.gather(*[bot.handle_message("c", number) for number in range(50)])
    assert [turn.messages for turn in turns] == [[number + 1] for number in range(50)]
    assert (await bot.handle_message("c", "done")).result == [*range(50)]


async def test_messages_of_two_processes_keep_the_order_of_each():
    store, clock = UnsteadyStore(), FakeClock()
    bots = [orchestrator(collect, store=store, clock=clock) for _ in range(2)]
    await bots[0].start("c")
    turns = await asyncio.gather(
        *[bots[number % 2].handle_message("c", number) for number in range(50)]
    )
    heard = (await bots[1].handle_message("c", "done")).result
    assert sorted(heard) == [*range(50)]
    assert [n for n in heard if n % 2] == [*range(1, 50, 2)]
    assert [n for n in heard if n % 2 == 0] == [*range(0, 50, 2)]
    assert [turn.messages for turn in turns] == [[heard.index(n) + 1] for n in range(50)]


async def test_conversations_do_not_wait_for_each_other():
    store = UnsteadyStore()
    bot = orchestrator(store=store)
    stop = store.halt("commit", "before")
    held = asyncio.ensure_future(bot.handle_message("c", "hi"))
    await stop.reached.wait()
    assert (await bot.handle_message("d", "hi")).messages == ["Name?"]
    stop.opened.set()
    assert (await held).messages == ["Name?"]


async def test_a_turn_is_two_round_trips():
    store = UnsteadyStore()
    bot = orchestrator(store=store)
    await bot.handle_message("c", "hi")
    assert store.calls == ["claim", "commit"]


async def test_a_turn_that_a_sender_delivers_is_three_round_trips():
    store = UnsteadyStore()
    bot = orchestrator(store=store, sender=Recorder())
    await bot.handle_message("c", "hi")
    assert store.calls == ["claim", "commit", "commit"]


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


@pytest.mark.parametrize("chat_id", ["x" * 255, "a/b:c d", "ä€😀", "{c}", "*"])
async def test_any_other_text_is_a_chat_id(chat_id):
    bot = orchestrator()
    turn = await bot.handle_message(chat_id, "hi")
    assert (turn.chat_id, turn.messages) == (chat_id, ["Name?"])


@pytest.mark.parametrize("bad", ["", "x" * 256, "a\0b", "a\udfff", 5, b"1"])
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


# --- errors -----------------------------------------------------------------------------------


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


async def test_an_apology_may_depend_on_the_error():
    code, sender, errors = Code(), Recorder(), []

    def apologize(error):
        errors.append(error)
        return f"Sorry: {error}" if len(errors) == 1 else None

    bot = orchestrator(code.root(), sender=sender, on_error=apologize)
    await bot.start("c")
    code.broken = True
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot greet"):
            await bot.handle_message("c", "Ada")
    assert sender.messages == ["Name?", "Sorry: cannot greet Ada"]


@pytest.mark.parametrize("apology", [lambda error: object(), lambda error: 1 / 0])
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
    from dialogs import LogError

    for ask in (bot.handle_message("c", "Ada"), bot.conversation("c"), bot.cancel("c")):
        with pytest.raises(LogError, match="'c'"):
            await ask
    assert (await store.load("c", now=0.0)).body == b"DLC nonsense"
    assert await bot.forget("c")


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


# --- changed code -----------------------------------------------------------------------------


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

    from dialogs import ReplayError

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


# --- leases -----------------------------------------------------------------------------------


async def test_a_turn_that_takes_longer_than_its_lease_is_refused_and_its_step_keeps_its_key():
    store, clock, keys, slow = UnsteadyStore(), FakeClock(), [], Stop()

    async def charge():
        keys.append(step_key())
        if len(keys) == 1:
            await slow()
        return "receipt"

    @dialog
    def root():
        yield get_client_response()
        receipt = yield call(charge)
        yield send_message(receipt)
        return (yield get_client_response())

    one, other = (orchestrator(root, store=store, clock=clock, lease=30) for _ in range(2))
    await one.start("c")
    late = asyncio.ensure_future(one.handle_message("c", "pay", message_id="1"))
    await slow.reached.wait()
    clock.advance(30)
    turn = await other.handle_message("c", "pay", message_id="1")
    assert (turn.messages, turn.duplicate) == (["receipt"], False)
    slow.opened.set()
    with pytest.raises(Conflict, match="nothing was written"):
        await late
    assert len(keys) == 2
    assert keys[0] == keys[1]
    again = await one.handle_message("c", "pay", message_id="1")
    assert (again.messages, again.duplicate, again.prompt) == (["receipt"], True, turn.prompt)


async def test_step_keys_tell_conversations_and_their_runs_apart():
    keys = []

    @dialog
    def root():
        yield call(lambda: keys.append(step_key()))

    bot = orchestrator(root)
    for chat_id in ("c", "c", "d"):
        await bot.start(chat_id)
    assert len(set(keys)) == 3
    assert [key.split("/")[:2] for key in keys] == [["c", "1"], ["c", "2"], ["d", "1"]]


async def test_a_conversation_held_elsewhere_is_waited_for():
    store, clock = UnsteadyStore(), FakeClock()
    one, other = (orchestrator(store=store, clock=clock) for _ in range(2))
    stop = store.halt("commit", "before")
    first = asyncio.ensure_future(one.handle_message("c", "hi"))
    await stop.reached.wait()
    second = asyncio.ensure_future(other.handle_message("c", "Ada"))
    while store.calls.count("claim") < 4:  # noqa: ASYNC110 - it has come back to it
        await asyncio.sleep(0.001)
    stop.opened.set()
    assert (await first).messages == ["Name?"]
    assert (await second).messages == ["Age?"]


async def test_a_conversation_held_for_longer_than_one_s_patience_is_busy():
    from dialogs import Busy

    store, clock = UnsteadyStore(), FakeClock()
    one, other = (orchestrator(store=store, clock=clock, patience=0.01) for _ in range(2))
    stop = store.halt("commit", "before")
    first = asyncio.ensure_future(one.handle_message("c", "hi"))
    await stop.reached.wait()
    with pytest.raises(Busy) as caught:
        await other.handle_message("c", "hi")
    assert (caught.value.chat_id, caught.value.retry_after_s) == ("c", 30.0)
    stop.opened.set()
    assert (await first).messages == ["Name?"]


# --- cancellation and failures of the store ---------------------------------------------------


async def given_up(stop, work):
    """Cancel a task that has stopped at a call of the store, which then goes on."""
    await stop.reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    stop.opened.set()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["claim", "commit"])
async def test_a_cancelled_message_gives_its_lease_back_and_can_be_given_again(operation, when):
    store, clock = UnsteadyStore(), FakeClock()
    bot, other = (orchestrator(store=store, clock=clock, patience=1) for _ in range(2))
    first = await bot.handle_message("c", "hi", message_id="1")
    stop = store.halt(operation, when)
    await given_up(stop, asyncio.ensure_future(bot.handle_message("c", "Ada", message_id="2")))
    turn = await other.handle_message("c", "Ada", message_id="2")
    assert turn.messages == ["Age?"]
    assert turn.prompt != first.prompt
    assert turn.duplicate is (operation == "commit" and when == "after")
    assert (await bot.handle_message("c", 36)).result == ("Ada", 36)


async def test_a_message_cancelled_during_a_step_has_not_happened():
    slow, runs = Stop(), []

    async def ask_elsewhere():
        runs.append(1)
        if len(runs) == 1:
            await slow()
        return len(runs)

    @dialog
    def root():
        yield get_client_response()
        yield send_message((yield call(ask_elsewhere)))
        yield get_client_response()

    bot = orchestrator(root, store=UnsteadyStore())
    await bot.start("c")
    before = await bot.conversation("c")
    work = asyncio.ensure_future(bot.handle_message("c", "x", message_id="1"))
    await given_up(slow, work)
    assert await bot.conversation("c") == before
    turn = await bot.handle_message("c", "x", message_id="1")
    assert (turn.messages, turn.duplicate) == ([2], False)


async def test_a_message_cancelled_while_it_waits_for_another_has_not_happened():
    store = UnsteadyStore()
    bot = orchestrator(collect, store=store)
    await bot.start("c")
    stop = store.halt("commit", "before")
    first = asyncio.ensure_future(bot.handle_message("c", "a"))
    await stop.reached.wait()
    second = asyncio.ensure_future(bot.handle_message("c", "b"))
    third = asyncio.ensure_future(bot.handle_message("c", "c"))
    await asyncio.sleep(0)
    second.cancel()
    stop.opened.set()
    assert (await first).messages == [1]
    assert (await third).messages == [2]
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (await bot.handle_message("c", "done")).result == ["a", "c"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["claim", "commit"])
async def test_a_message_can_be_given_again_where_the_store_failed(operation, when):
    from dialogs import StoreUnavailable

    store, clock = UnsteadyStore(), FakeClock()
    bot = orchestrator(collect, store=store, clock=clock)
    await bot.start("c")
    store.fail(operation, when)
    with pytest.raises(StoreUnavailable, match="same message_id"):
        await bot.handle_message("c", "a", message_id="1")
    clock.advance(30)  # a claim that nobody got an answer to runs out
    turn = await bot.handle_message("c", "a", message_id="1")
    assert turn.messages == [1]
    assert turn.duplicate is (operation == "commit" and when == "after")
    assert (await bot.handle_message("c", "done")).result == ["a"]


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
    claim = await store.claim("c", now=bot._worker.now(), lease_s=1)
    assert claim.revision == 1
