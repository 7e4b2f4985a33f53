"""What comes from elsewhere: a payment, an approval, another conversation."""

import asyncio
from datetime import timedelta

import pytest

from dialogs import (
    InboxFull,
    Interrupt,
    ResponseTimeout,
    Status,
    UsageError,
    dialog,
    get_client_response,
    send_message,
    sleep,
    turn as turn_module,
    wait_for_signal,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.bots import orchestrator
from tests.senders import UnsteadyStore
from tests.written import STYLES, written

PAY = """
    def pay():
        «send_message("Please pay.")»
        paid = «wait_for_signal("paid")»
        «send_message(f"Thank you for {paid}.")»
        return paid, «get_client_response()»
"""


@pytest.mark.parametrize("style", STYLES)
async def test_a_signal_resumes_the_dialog_that_waits_for_it(style):
    bot = orchestrator(written(PAY, style))
    turn = await bot.start("c")
    assert (turn.messages, turn.status, turn.prompt) == (["Please pay."], Status.PROCESSING, None)
    conversation = await bot.conversation("c")
    assert conversation.waiting.startswith("wait_for_signal paid in pay (shop.py:")

    turn = await bot.signal("c", "paid", 5)
    assert (turn.messages, turn.status) == (["Thank you for 5."], Status.WAITING_FOR_RESPONSE)
    assert (await bot.handle_message("c", "bye")).result == (5, "bye")


@pytest.mark.parametrize("payload", [None, {"sum": 5, "by": ("Ada",)}, [timedelta(1)], b"\0"])
async def test_a_signal_carries_any_value_that_the_log_can_keep(payload):
    bot = orchestrator(written(PAY))
    await bot.start("c")
    await bot.signal("c", "paid", payload)
    result, _ = (await bot.handle_message("c", "bye")).result
    assert result == payload
    assert type(result) is type(payload)


async def test_a_payload_is_copied_when_it_is_handed_over():
    bot, payload = orchestrator(written(PAY)), [5]
    await bot.signal("c", "paid", payload)
    payload.append(6)
    assert (await bot.start("c")).messages == ["Please pay.", "Thank you for [5]."]


async def test_a_signal_that_nobody_waits_for_yet_is_kept():
    @dialog
    def root():
        yield send_message("Your name?")
        name = yield get_client_response()
        return name, (yield wait_for_signal("paid"))

    bot = orchestrator(root)
    await bot.start("c")
    turn = await bot.signal("c", "paid", 5)
    assert (turn.messages, turn.status, turn.stale) == ([], Status.WAITING_FOR_RESPONSE, False)
    assert (await bot.handle_message("c", "Ada")).result == ("Ada", 5)


async def test_a_signal_that_comes_before_the_conversation_is_kept_for_it():
    bot = orchestrator(written(PAY))
    turn = await bot.signal("c", "paid", 5)
    assert (turn.messages, turn.status, turn.stale) == ([], Status.INITIATED, False)
    turn = await bot.handle_message("c", "hi")
    assert turn.messages == ["Please pay.", "Thank you for 5."]


async def test_signals_of_one_name_are_given_in_order_and_others_wait_for_their_own():
    @dialog
    def root():
        yield sleep(60)
        return [
            (yield wait_for_signal("a")),
            (yield wait_for_signal("b")),
            (yield wait_for_signal("a")),
            (yield wait_for_signal("b")),
        ]

    clock = FakeClock()
    bot = orchestrator(root, clock=clock)
    await bot.start("c")
    for name, payload in [("b", 1), ("a", 2), ("c", 3), ("a", 4), ("b", 5)]:
        await bot.signal("c", name, payload)
    clock.advance(60)
    assert [turn.result for turn in await bot.fire_due()] == [[2, 1, 4, 5]]


async def test_a_signal_is_not_taken_for_another_whose_name_begins_alike():
    bot = orchestrator(written(PAY))
    await bot.start("c")
    for name in ("pai", "paid ", "Paid", "paid paid"):
        assert (await bot.signal("c", name)).status is Status.PROCESSING
    assert (await bot.signal("c", "paid", 5)).messages == ["Thank you for 5."]


async def test_a_signal_after_the_end_of_a_run_is_stale_and_leaves_no_trace():
    store = MemoryStore()
    bot = orchestrator(written(PAY), store=store)
    await bot.start("c")
    await bot.signal("c", "paid", 5)
    await bot.handle_message("c", "bye")
    before = await store.load("c", now=0.0)
    turn = await bot.signal("c", "paid", 6)
    assert (turn.stale, turn.status, turn.messages) == (True, Status.COMPLETED, [])
    assert await store.load("c", now=0.0) == before
    # The next run waits for a signal of its own.
    assert (await bot.start("c")).messages == ["Please pay."]


@pytest.mark.parametrize("ending", ["cancelled", "timed out"])
async def test_signals_kept_for_a_run_end_with_it(ending):
    @dialog
    def root():
        yield sleep(60)
        yield get_client_response(timeout=60)
        return (yield wait_for_signal("paid"))

    clock = FakeClock()
    bot = orchestrator(root, clock=clock)
    await bot.start("c")
    await bot.signal("c", "paid", 5)
    if ending == "cancelled":
        await bot.cancel("c")
    else:
        for _ in range(2):
            clock.advance(60)
            await bot.fire_due()
    assert (await bot.conversation("c")).status in (Status.CANCELLED, Status.TIMED_OUT)
    assert (await bot.conversation("c")).signals == []


async def test_a_signal_id_seen_before_counts_once():
    bot = orchestrator(written(PAY))
    await bot.start("c")
    turn = await bot.signal("c", "paid", 5, message_id="evt-1")
    again = await bot.signal("c", "paid", 5, message_id="evt-1")
    assert (again.duplicate, again.messages, again.prompt) == (True, turn.messages, turn.prompt)
    assert (await bot.conversation("c")).signals == []


async def test_a_signal_kept_has_been_seen():
    bot = orchestrator(written(PAY))
    for _ in range(2):
        await bot.signal("c", "paid", 5, message_id="evt-1")
    assert (await bot.conversation("c")).signals == [["paid", 5]]


async def test_ids_of_signals_and_ids_of_messages_are_apart():
    @dialog
    def root():
        word = yield get_client_response()
        return word, (yield wait_for_signal("a")), (yield wait_for_signal("b"))

    bot = orchestrator(root)
    await bot.start("c")
    await bot.handle_message("c", "hi", message_id="1")
    assert not (await bot.signal("c", "a", "A", message_id="1")).duplicate
    assert (await bot.signal("c", "b", "B", message_id="1")).result == ("hi", "A", "B")


@pytest.mark.parametrize("name", ["", None, 5, b"paid"])
async def test_a_signal_has_a_name(name):
    store = UnsteadyStore()
    with pytest.raises(UsageError, match="name"):
        await orchestrator(written(PAY), store=store).signal("c", name)
    assert store.calls == []


async def test_a_message_while_it_waits_for_a_signal_is_kept():
    bot = orchestrator(written(PAY))
    await bot.start("c")
    turn = await bot.handle_message("c", "bye")
    assert (turn.messages, turn.status) == ([], Status.PROCESSING)
    turn = await bot.signal("c", "paid", 5)
    assert (turn.messages, turn.result) == (["Thank you for 5."], (5, "bye"))


async def test_what_is_kept_has_a_limit_and_what_is_refused_can_be_given_again(monkeypatch):
    assert turn_module.KEPT == 1000
    monkeypatch.setattr(turn_module, "KEPT", 3)

    @dialog
    def root():
        yield sleep(60)
        heard = []
        while (word := (yield get_client_response())) != "end":
            heard.append(word)
        return len(heard)

    clock = FakeClock()
    bot = orchestrator(root, clock=clock)
    await bot.start("c")
    for number in range(3):
        await bot.handle_message("c", number)
        await bot.signal("c", "a", number)
    before = await bot.conversation("c")
    with pytest.raises(InboxFull, match="messages") as full:
        await bot.handle_message("c", "end", message_id="1")
    assert (full.value.kept, full.value.count) == ("messages", 3)
    with pytest.raises(InboxFull, match="signals"):
        await bot.signal("c", "a", message_id="1")
    assert await bot.conversation("c") == before
    clock.advance(60)
    await bot.fire_due()
    assert (await bot.handle_message("c", "end", message_id="1")).result == 3


async def test_a_signal_in_time_ends_the_wait_and_a_timeout_can_be_caught():
    @dialog
    def root():
        for _ in range(2):
            try:
                return (yield wait_for_signal("paid", timeout=timedelta(days=3)))
            except ResponseTimeout:
                yield send_message("Please pay.")
        return None

    clock = FakeClock()
    bot = orchestrator(root, clock=clock)
    await bot.start("c")
    clock.advance(timedelta(days=3))
    assert [turn.messages for turn in await bot.fire_due()] == [["Please pay."]]
    clock.advance(timedelta(days=2))
    assert (await bot.signal("c", "paid", 5)).result == 5
    clock.advance(timedelta(days=2))
    assert await bot.fire_due() == []


async def test_the_same_signal_20_times_at_once_counts_once():
    store, clock = UnsteadyStore(), FakeClock()
    bots = [orchestrator(written(PAY), store=store, clock=clock) for _ in range(2)]
    await bots[0].start("c")
    turns = await asyncio.gather(
        *[bots[n % 2].signal("c", "paid", 5, message_id="evt-1") for n in range(20)]
    )
    assert sum(turn.duplicate for turn in turns) == 19
    assert {tuple(turn.messages) for turn in turns} == {("Thank you for 5.",)}


async def test_a_signal_moves_the_dialog_on_under_a_digression_which_ends():
    @dialog
    def helping():
        yield send_message("What do you need?")
        yield get_client_response()

    bot = orchestrator(written(PAY), interrupts=[Interrupt("/help", helping)])
    await bot.start("c")
    await bot.handle_message("c", "/help")
    turn = await bot.signal("c", "paid", 5)
    assert turn.messages == ["Thank you for 5."]
    assert (await bot.handle_message("c", "bye")).result == (5, "bye")


async def test_a_digression_may_wait_for_a_signal_and_messages_are_kept_meanwhile():
    @dialog
    def helping():
        yield send_message("Somebody will come.")
        who = yield wait_for_signal("staff")
        yield send_message(f"{who} is here.")

    @dialog
    def root():
        yield send_message("Your name?")
        return (yield get_client_response())

    bot = orchestrator(root, interrupts=[Interrupt("/help", helping)])
    await bot.start("c")
    turn = await bot.handle_message("c", "/help")
    assert (turn.messages, turn.status, turn.prompt) == (
        ["Somebody will come."],
        Status.PROCESSING,
        None,
    )
    assert (await bot.handle_message("c", "Ada")).messages == []
    turn = await bot.signal("c", "staff", "Bob")
    assert turn.messages == ["Bob is here.", "Your name?"]
    assert turn.result == "Ada"


async def test_a_message_kept_for_the_dialog_answers_no_digression():
    @dialog
    def helping():
        yield send_message("What do you need?")
        yield send_message(f"See page {(yield get_client_response())}.")

    bot = orchestrator(written(PAY), interrupts=[Interrupt("/help", helping)])
    await bot.start("c")
    await bot.handle_message("c", "bye")
    assert (await bot.handle_message("c", "/help")).messages == ["What do you need?"]
    assert (await bot.handle_message("c", "5")).messages == ["See page 5."]
    assert (await bot.signal("c", "paid", 5)).result == (5, "bye")


async def test_a_dialog_that_fails_on_a_signal_can_be_given_it_again():
    broken = [True]

    @dialog
    def root():
        paid = yield wait_for_signal("paid")
        if broken[0]:
            raise ValueError("no")
        return paid

    bot = orchestrator(root)
    await bot.start("c")
    with pytest.raises(ValueError, match="no"):
        await bot.signal("c", "paid", 5, message_id="evt-1")
    assert (await bot.conversation("c")).status is Status.ERROR
    broken[0] = False
    turn = await bot.signal("c", "paid", 5, message_id="evt-1")
    assert (turn.result, turn.duplicate) == (5, False)
