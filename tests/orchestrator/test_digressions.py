"""Digressions: an interrupt's dialog converses, and then the prompt is said again."""

import pytest

from dialogs import (
    Interrupt,
    Status,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
    step_key,
)
from tests.orchestrator.interrupting import HELP, ORDER, Interrupts, brief
from tests.senders import Recorder
from tests.written import STYLES, written


@pytest.mark.parametrize("main", STYLES)
@pytest.mark.parametrize("style", STYLES)
async def test_a_digression_may_converse_and_then_the_prompt_is_said_again(main, style):
    bot = Interrupts(Interrupt("/help", written(HELP, style)), root=written(ORDER, main))
    await bot.say("hi", "tea")
    assert (await bot.say("/help")).messages == ["What do you need?"]
    assert (await bot.say("5")).messages == ["Look at page 5.", "How many?"]
    assert (await bot.say("2")).result == ("tea", "2")


async def test_the_main_log_stays_the_same_to_the_byte_and_so_does_its_prompt():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    prompt = (await bot.say("hi", "tea")).prompt
    before = await bot.conversation()

    turn = await bot.say("/help")
    assert turn.prompt not in (None, prompt)
    assert "order" in (await bot.conversation()).waiting
    assert "helping" in (await bot.conversation()).waiting
    turn = await bot.say("5")
    assert turn.prompt == prompt
    after = await bot.conversation()
    assert after.log == before.log
    assert (after.pending.number, after.waiting) == (before.pending.number, before.waiting)
    assert after.digression is None


async def test_an_old_button_still_answers_its_question_after_a_digression():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    prompt = (await bot.say("hi", "tea")).prompt
    aside = (await bot.say("/help")).prompt
    # While the digression asks, the button is of another question.
    assert (await bot.bot.handle_message("c", "2", in_reply_to=prompt)).stale
    turn = await bot.bot.handle_message("c", "5", in_reply_to=aside)
    assert turn.messages == ["Look at page 5.", "How many?"]
    assert (await bot.bot.handle_message("c", "2", in_reply_to=prompt)).result == ("tea", "2")


async def test_all_that_was_said_since_the_last_answer_is_the_prompt():
    @dialog
    def root():
        yield send_message("Welcome.")
        yield send_message("Your name?")
        name = yield get_client_response()
        yield send_message(f"Hello, {name}!")
        yield send_message("Your age?")
        return (yield get_client_response())

    bot = Interrupts(Interrupt("/help", brief), root=root)
    await bot.say("hi", "Ada")
    assert (await bot.say("/help")).messages == ["Ask Ada.", "Hello, Ada!", "Your age?"]


async def test_what_is_said_again_is_sent_under_new_delivery_ids():
    sender = Recorder()
    bot = Interrupts(Interrupt("/help", brief), sender=sender)
    await bot.say("hi", "/help")
    assert sender.received == ["What do you want?", "Ask Ada.", "What do you want?"]


async def test_help_inside_help_begins_it_anew_in_its_place():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    await bot.say("hi", "/help")
    assert (await bot.say("/help")).messages == ["What do you need?"]
    assert (await bot.say("5")).messages == ["Look at page 5.", "What do you want?"]


async def test_another_interrupt_inside_help_takes_its_place():
    bot = Interrupts(Interrupt("/help", written(HELP)), Interrupt("/who", brief))
    await bot.say("hi", "/help")
    assert (await bot.say("/who")).messages == ["Ask Ada.", "What do you want?"]
    assert (await bot.say("tea")).messages == ["How many?"]


async def test_help_while_the_dialog_sleeps_says_no_prompt_again():
    @dialog
    def root():
        yield send_message("Good night.")
        yield sleep(60)
        yield send_message("Good morning.")

    bot = Interrupts(Interrupt("/help", written(HELP)), root=root)
    await bot.say("hi")
    turn = await bot.say("/help")
    assert (turn.messages, turn.status) == (["What do you need?"], Status.WAITING_FOR_RESPONSE)
    turn = await bot.say("5")
    assert (turn.messages, turn.status) == (["Look at page 5."], Status.PROCESSING)
    bot.clock.advance(60)
    assert [turn.messages for turn in await bot.bot.fire_due()] == [["Good morning."]]


async def test_help_with_no_conversation_begins_none():
    bot = Interrupts(Interrupt("/help", brief))
    turn = await bot.say("/help")
    assert (turn.messages, turn.status) == (["Ask Ada."], Status.INITIATED)
    assert (await bot.conversation()).run == 0
    assert (await bot.say("hi")).messages == ["What do you want?"]


async def test_help_with_no_conversation_may_converse():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    turn = await bot.say("/help")
    assert (turn.messages, turn.status) == (["What do you need?"], Status.INITIATED)
    assert turn.prompt is not None
    assert (await bot.say("5")).messages == ["Look at page 5."]
    assert (await bot.say("hi")).messages == ["What do you want?"]


@pytest.mark.parametrize("on_completed", ["restart", "ignore"])
async def test_help_after_the_end_leaves_the_end_as_it_is(on_completed):
    bot = Interrupts(Interrupt("/help", written(HELP)), on_completed=on_completed)
    await bot.say("hi", "tea", "2")
    turn = await bot.say("/help")
    assert (turn.messages, turn.status) == (["What do you need?"], Status.COMPLETED)
    turn = await bot.say("5")
    assert (turn.messages, turn.status) == (["Look at page 5."], Status.COMPLETED)
    assert (turn.result, (await bot.conversation()).run) == (("tea", "2"), 1)


async def test_help_outside_of_a_run_can_be_cancelled():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    await bot.say("/help")
    turn = await bot.bot.cancel("c")
    assert (turn.status, turn.prompt) == (Status.INITIATED, None)
    assert (await bot.say("hi")).messages == ["What do you want?"]


async def test_start_ends_help_outside_of_a_run():
    bot = Interrupts(Interrupt("/help", written(HELP)))
    await bot.say("/help")
    assert (await bot.bot.start("c")).messages == ["What do you want?"]
    assert (await bot.say("tea")).messages == ["How many?"]


async def test_an_interrupt_s_message_id_counts_once():
    bot = Interrupts(Interrupt("/help", brief))
    await bot.say("hi")
    for duplicate in (False, True):
        turn = await bot.bot.handle_message("c", "/help", message_id="1")
        assert (turn.messages, turn.duplicate) == (["Ask Ada.", "What do you want?"], duplicate)


async def test_a_digression_that_raises_undoes_its_turn_and_the_main_dialog_goes_on():
    @dialog
    def broken():
        yield send_message("One moment.")
        raise ValueError("no page")

    sender = Recorder()
    bot = Interrupts(Interrupt("/help", broken), sender=sender)
    await bot.say("hi")
    with pytest.raises(ValueError, match="no page"):
        await bot.say("/help")
    assert (await bot.conversation()).status is Status.ERROR
    assert sender.messages == ["What do you want?"]
    assert (await bot.say("tea")).messages == ["How many?"]
    assert (await bot.conversation()).status is Status.WAITING_FOR_RESPONSE


@pytest.mark.parametrize("on_completed", ["restart", "ignore"])
async def test_a_digression_that_raises_after_the_end_does_not_open_the_conversation(on_completed):
    broken = [True]

    @dialog
    def helping():
        yield send_message("One moment.")
        if broken[0]:
            raise ValueError("no page")

    bot = Interrupts(Interrupt("/help", helping), on_completed=on_completed)
    await bot.say("hi", "tea", "2")
    with pytest.raises(ValueError, match="no page"):
        await bot.say("/help")
    broken[0] = False
    turn = await bot.say("/help")
    assert (turn.messages, turn.status) == (["One moment."], Status.COMPLETED)
    turn = await bot.say("hi")
    assert turn.messages == (["What do you want?"] if on_completed == "restart" else [])


async def test_step_keys_of_digressions_are_their_own():
    keys = []

    @dialog
    def noting():
        yield call(lambda: keys.append(step_key()))

    @dialog
    def root():
        yield call(lambda: keys.append(step_key()))
        yield get_client_response()

    bot = Interrupts(Interrupt("/note", noting), root=root)
    await bot.say("hi", "/note", "/note", "bye", "hi", "/note")
    assert len(keys) == 5
    assert len(set(keys)) == 5


async def test_an_interrupt_that_changes_its_message_changes_only_a_copy():
    @dialog
    def taking(message):
        word = message.pop("word")
        yield send_message(f"{word}?")
        yield get_client_response()
        yield send_message(f"{word}!")

    bot = Interrupts(Interrupt(lambda message: "word" in message, taking))
    await bot.say("hi", {"word": "tea"})
    assert (await bot.say("yes")).messages == ["tea!", "What do you want?"]
