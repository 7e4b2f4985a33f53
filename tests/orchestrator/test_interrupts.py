"""Which messages interrupt, what cancels, and what comes of interrupts in changed code."""

import re

import pytest

from dialogs import (
    Interrupt,
    NotAStep,
    Status,
    UsageError,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from tests.orchestrator.interrupting import HELP, Interrupts, brief
from tests.written import written


@dialog
def goodbye():
    yield send_message("Bye.")


@dialog
def surely():
    yield send_message("Surely?")
    yield send_message(f"{(yield get_client_response())}, then.")


# --- which messages ---------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["/help", "/HELP", "  /Help\n"])
async def test_a_text_calls_apart_from_case_and_outer_spaces(message):
    bot = Interrupts(Interrupt("/help", brief))
    await bot.say("hi")
    assert (await bot.say(message)).messages == ["Ask Ada.", "What do you want?"]


@pytest.mark.parametrize("message", ["help", "/help me", "/helpp", "", ["/help"], 5, b"/help"])
async def test_another_message_does_not_call(message):
    bot = Interrupts(Interrupt("/help", brief))
    await bot.say("hi")
    assert (await bot.say(message)).messages == ["How many?"]


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ("/page 5", True),
        (" /page 17 ", True),
        ("see /page 5", False),
        ("/page 5x", False),
        (5, False),
    ],
)
def test_a_pattern_calls_where_it_is_the_whole_message(message, calls):
    assert Interrupt(re.compile(r"/page \d+"), brief).calls(message) is calls


async def test_a_function_tells_which_messages_call():
    bot = Interrupts(Interrupt(lambda message: message == {"command": "help"}, brief))
    await bot.say("hi")
    assert (await bot.say({"command": "help"})).messages == ["Ask Ada.", "What do you want?"]
    assert (await bot.say({"command": "tea"})).messages == ["How many?"]


async def test_the_first_interrupt_that_fits_is_taken():
    bot = Interrupts(Interrupt(re.compile("/.*"), brief), Interrupt("/bye", goodbye, cancel=True))
    await bot.say("hi")
    assert (await bot.say("/bye")).status is Status.WAITING_FOR_RESPONSE


async def test_its_dialog_may_take_the_message():
    @dialog
    def page(message):
        yield send_message(f"Opening {message}.")

    bot = Interrupts(Interrupt(re.compile(r"/page \d+"), page))
    await bot.say("hi")
    assert (await bot.say("/page 5")).messages == ["Opening /page 5.", "What do you want?"]


def test_an_interrupt_does_something_and_with_a_dialog():
    @dialog
    def two(a, b):
        yield

    with pytest.raises(UsageError, match="does nothing"):
        Interrupt("/help")
    with pytest.raises(NotAStep):
        Interrupt("/help", lambda: None)
    with pytest.raises(UsageError, match="2 arguments"):
        Interrupt("/help", two)


# --- cancelling -------------------------------------------------------------------------------


async def test_an_interrupt_may_cancel_and_say_nothing():
    bot = Interrupts(Interrupt("/cancel", cancel=True))
    await bot.say("hi")
    turn = await bot.say("/cancel")
    assert (turn.messages, turn.status, turn.prompt) == ([], Status.CANCELLED, None)
    assert (await bot.say("hi")).messages == ["What do you want?"]


async def test_an_interrupt_may_cancel_after_its_dialog():
    bot = Interrupts(Interrupt("/cancel", goodbye, cancel=True))
    await bot.say("hi")
    turn = await bot.say("/cancel")
    assert (turn.messages, turn.status) == (["Bye."], Status.CANCELLED)


async def test_an_interrupt_that_cancels_may_converse_before():
    bot = Interrupts(Interrupt("/cancel", surely, cancel=True))
    await bot.say("hi")
    turn = await bot.say("/cancel")
    assert (turn.messages, turn.status) == (["Surely?"], Status.WAITING_FOR_RESPONSE)
    turn = await bot.say("yes")
    assert (turn.messages, turn.status) == (["yes, then."], Status.CANCELLED)
    assert (await bot.conversation()).waiting == ""


async def test_cancelling_can_be_left_by_another_interrupt():
    bot = Interrupts(Interrupt("/cancel", surely, cancel=True), Interrupt("/who", brief))
    await bot.say("hi", "/cancel")
    turn = await bot.say("/who")
    assert turn.messages == ["Ask Ada.", "What do you want?"]
    assert turn.status is Status.WAITING_FOR_RESPONSE


async def test_cancelling_with_no_conversation_begins_none():
    bot = Interrupts(Interrupt("/cancel", goodbye, cancel=True))
    turn = await bot.say("/cancel")
    assert (turn.messages, turn.status) == (["Bye."], Status.INITIATED)


async def test_cancelling_after_the_end_leaves_the_end_as_it_is():
    bot = Interrupts(Interrupt("/cancel", goodbye, cancel=True))
    await bot.say("hi", "tea", "2")
    assert (await bot.say("/cancel")).status is Status.COMPLETED


async def test_cancelling_while_it_sleeps_drops_the_messages_that_were_kept():
    @dialog
    def root(opening):
        yield send_message(f"Begun by {opening}.")
        yield sleep(60)

    bot = Interrupts(Interrupt("/cancel", cancel=True), root=root)
    await bot.say("one", "two")
    turn = await bot.say("/cancel")
    assert (turn.messages, turn.status) == ([], Status.CANCELLED)
    assert (await bot.conversation()).inbox == []


async def test_a_conversation_cancelled_from_outside_ends_its_digression_too():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    await bot.say("hi", "/help")
    assert (await bot.bot.cancel("c")).status is Status.CANCELLED
    assert (await bot.conversation()).digression is None


# --- code that changes while a digression is open ---------------------------------------------


async def test_a_digression_whose_interrupt_is_gone_ends_with_the_next_message():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    await bot.say("hi", "/help")
    bot.deploy()
    assert (await bot.say("5")).messages == ["What do you want?"]
    assert (await bot.say("tea")).messages == ["How many?"]


async def test_a_cancelling_digression_whose_interrupt_is_gone_still_cancels():
    bot = Interrupts(Interrupt("/cancel", surely, cancel=True))
    await bot.say("hi", "/cancel")
    bot.deploy()
    assert (await bot.say("yes")).status is Status.CANCELLED


async def test_a_digression_of_another_version_starts_anew():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    await bot.say("hi", "/help")
    bot.deploy(Interrupt("/help", written(HELP, version="2")))
    assert (await bot.say("5")).messages == ["What do you need?"]
    assert (await bot.say("6")).messages == ["Look at page 6.", "What do you want?"]


async def test_a_trigger_that_raises_undoes_the_turn():
    def trigger(message):
        return message["command"] == "help"

    bot = Interrupts(Interrupt(trigger, brief))
    with pytest.raises(TypeError):
        await bot.say("hi")
    assert (await bot.conversation()).status is Status.ERROR
    bot.deploy()
    assert (await bot.say("hi")).messages == ["What do you want?"]
