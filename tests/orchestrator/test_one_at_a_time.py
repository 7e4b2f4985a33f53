"""One writer: order, leases, messages that are given up, stores that fail."""

import asyncio

import pytest

from dialogs import (
    Busy,
    Conflict,
    StepFailed,
    StoreUnavailable,
    UsageError,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
    step_key,
    wait_for_signal,
)
from dialogs.drivers import World
from dialogs.testing import FakeClock
from tests.orchestrator.bots import collect, given_up, orchestrator
from tests.senders import Recorder, Stop, UnsteadyStore

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


async def test_a_turn_that_would_wait_for_itself_is_refused_at_once():
    async def tell(chat_id, name):
        await bot.signal(chat_id, name)

    @dialog
    async def asks():
        await call(tell, "other", "question")
        return await wait_for_signal("answer")

    @dialog
    async def answers():
        await wait_for_signal("question")
        await call(tell, "c", "answer")

    bot = orchestrator(asks)
    bot.add_root("other", answers)
    await bot.start("other", root="other")
    with pytest.raises(UsageError, match="would wait for itself"):
        await bot.start("c")
    # From another task than the turn's it is no such thing.
    assert (await bot.signal("other", "question")).status == "COMPLETED"


async def test_a_step_may_have_something_asked_of_its_conversation_after_the_turn():
    tasks = []

    @dialog
    async def root():
        await call(lambda: tasks.append(asyncio.ensure_future(bot.signal("c", "later", 42))))
        return await wait_for_signal("later")

    bot = orchestrator(root)
    await bot.start("c")
    assert (await tasks[0]).result == 42


async def test_a_turn_that_hangs_keeps_nobody_out_once_its_lease_is_over(caplog):
    hangs = [asyncio.Event()]

    async def hang():
        if hangs:
            await hangs.pop().wait()

    @dialog
    async def root():
        await call(hang)
        return await get_client_response()

    bot, event = orchestrator(root, lease=0.02, patience=60, clock=World().clock), hangs[0]
    hanging = asyncio.ensure_future(bot.start("c"))
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(bot.handle_message("c", word)) for word in ("one", "two")]
    turns = await asyncio.gather(*others)
    assert [turn.result for turn in turns] == [None, "two"]  # "one" opened it
    assert "A turn of conversation 'c' has run for 0.02 s, its whole lease" in caplog.text
    event.set()
    with pytest.raises(Conflict):
        await hanging
    assert (await bot.handle_message("c", "hi")).status == "WAITING_FOR_RESPONSE"


@pytest.mark.parametrize("timer", [False, True])
async def test_what_a_step_awaits_may_be_cancelled_and_that_is_an_error(timer):
    @dialog
    async def root():
        if timer:
            await sleep(60)
        async with asyncio.timeout(0):
            await call(asyncio.Event().wait)

    clock = FakeClock()
    bot = orchestrator(root, clock=clock)
    if timer:
        await bot.start("c")
        clock.advance(60)
        assert await bot.fire_due() == []
    else:
        with pytest.raises(StepFailed, match="CancelledError"):
            await bot.start("c")
    conversation = await bot.conversation("c")
    assert (conversation.status, conversation.failures) == ("ERROR", 1)
    assert "CancelledError" in conversation.error


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
