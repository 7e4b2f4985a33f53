"""What the host says to the client beside the dialog."""

import pytest

from dialogs import (
    Button,
    Interrupt,
    Message,
    NotSerializable,
    UsageError,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.bots import orchestrator
from tests.senders import Recorder

NEWS = "The driver is at the door."


@dialog
def order():
    yield send_message("Which pizza?")
    pizza = yield get_client_response()
    yield send_message("For when?")
    return pizza, (yield get_client_response())


@dialog
def nap():
    yield sleep(60)
    yield send_message("Good morning!")
    yield get_client_response()


@dialog
def complain():
    yield send_message("What should be better?")
    yield get_client_response()
    yield send_message("Noted.")


@pytest.fixture
def sender():
    return Recorder()


@pytest.fixture
def bot(sender):
    interrupts = [Interrupt("/complain", complain)]
    return orchestrator(order, sender=sender, interrupts=interrupts, history=100)


async def test_it_is_said_and_the_open_question_waits_on(bot, sender):
    turn = await bot.start("c")
    told = await bot.say("c", NEWS)
    assert (told.messages, told.status, told.prompt) == ([NEWS], turn.status, turn.prompt)
    answered = await bot.handle_message("c", "Funghi", in_reply_to=turn.prompt)
    assert not answered.stale
    assert (await bot.handle_message("c", "now")).result == ("Funghi", "now")
    assert sender.messages == ["Which pizza?", NEWS, "For when?"]
    assert len(set(sender.ids)) == 3


async def test_the_transcript_has_it_as_the_hosts(bot):
    await bot.start("c")
    await bot.say("c", NEWS)
    history = (await bot.conversation("c")).history
    assert [(entry.by_client, entry.message) for entry in history] == [
        (False, "Which pizza?"),
        (False, NEWS),
    ]


async def test_an_open_digression_stays_open(bot, sender):
    await bot.start("c")
    await bot.handle_message("c", "/complain")
    await bot.say("c", NEWS)
    await bot.handle_message("c", "The hours.")
    assert sender.messages[2:] == [NEWS, "Noted.", "Which pizza?"]


async def test_without_a_sender_the_caller_has_it():
    bot = orchestrator(order)
    assert (await bot.say("c", NEWS)).messages == [NEWS]
    assert (await bot.conversation("c")).outbox == []


async def test_it_is_said_once_under_one_id(bot, sender):
    await bot.handle_message("c", "Hi", message_id="1")
    first = await bot.say("c", NEWS, message_id="1")
    again = await bot.say("c", NEWS, message_id="1")
    assert (first.duplicate, again.duplicate, again.messages) == (False, True, [NEWS])
    assert sender.messages == ["Which pizza?", NEWS]


async def test_it_may_be_said_before_the_first_message_and_begins_nothing(bot, sender):
    assert (await bot.say("c", NEWS)).status == "INITIATED"
    assert (await bot.handle_message("c", "Hi")).messages == ["Which pizza?"]
    assert sender.messages == [NEWS, "Which pizza?"]


async def test_it_may_be_said_after_the_end_and_the_end_stands(bot, sender):
    for word in ("Hi", "Funghi", "now"):
        await bot.handle_message("c", word)
    turn = await bot.say("c", NEWS)
    assert (turn.status, turn.result) == ("COMPLETED", ("Funghi", "now"))
    assert sender.messages[-1] == NEWS


async def test_a_dialog_that_sleeps_sleeps_on():
    clock = FakeClock()
    bot = orchestrator(nap, clock=clock)
    turn = await bot.start("c")
    clock.advance(50)
    assert (await bot.say("c", NEWS)).wake_at == turn.wake_at
    clock.advance(10)
    assert [turn.messages for turn in await bot.fire_due()] == [["Good morning!"]]


async def test_a_deadline_that_has_passed_is_the_timers_to_fire():
    clock = FakeClock()
    bot = orchestrator(nap, clock=clock)
    await bot.start("c")
    clock.advance(60)
    assert (await bot.say("c", NEWS)).messages == [NEWS]
    assert [turn.messages for turn in await bot.fire_due()] == [["Good morning!"]]


async def test_a_dialog_that_failed_has_failed_still_and_is_tried_again_when_it_was_to_be():
    @dialog
    def fragile():
        yield sleep(60)
        raise ConnectionError("no oven")

    clock, store = FakeClock(), MemoryStore()
    bot = orchestrator(fragile, store=store, clock=clock)
    await bot.start("c")
    clock.advance(60)
    await bot.fire_due()
    before = await bot.conversation("c")
    clock.advance(1)
    assert (await bot.say("c", NEWS)).status == "ERROR"
    after = await bot.conversation("c")
    assert "no oven" in after.error
    assert (after.failures, after.retry_at) == (before.failures, before.retry_at)


async def test_its_buttons_answer_nothing(bot):
    turn = await bot.start("c")
    await bot.say("c", Message("Have you seen our gifts?", buttons=(Button("Show me"),)))
    number = (await bot.conversation("c")).history[-1].number
    assert (await bot.handle_message("c", "Show me", in_reply_to=f"c/{number}")).stale
    assert (await bot.conversation("c")).prompt == turn.prompt


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("c", object()), NotSerializable), (("", NEWS), UsageError)],
)
async def test_what_cannot_be_said_is_refused_and_says_nothing(bot, sender, arguments, error):
    with pytest.raises(error):
        await bot.say(*arguments)
    with pytest.raises(UsageError):
        await bot.say("c", NEWS, message_id="")
    assert sender.messages == []
    assert await bot.conversation("c") is None
