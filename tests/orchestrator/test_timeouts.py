"""Timeouts: what comes of a wait whose time has passed, under interrupts too."""

import logging
from datetime import timedelta

import pytest

from dialogs import (
    Interrupt,
    Message,
    ResponseTimeout,
    Status,
    dialog,
    get_client_response,
    send_message,
    wait_for_signal,
)
from tests.orchestrator.times import NAP, PATIENT, STRICT, Times
from tests.senders import Recorder
from tests.written import STYLES, written

# --- timeouts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
async def test_a_timeout_is_thrown_into_the_dialog_where_its_time_has_passed(style):
    times = Times(written(PATIENT, style))
    turn = await times.bot.start("c")
    assert turn.wake_at == times.clock().timestamp() + 60
    assert await times.after(59.9) == []
    [turn] = await times.after(0.1)
    assert (turn.chat_id, turn.messages) == ("c", ["60 s are over."])
    assert (turn.status, turn.wake_at) == (Status.WAITING_FOR_RESPONSE, None)
    assert await times.after(1000) == []
    assert (await times.bot.handle_message("c", "Ada")).result == "Ada"


@pytest.mark.parametrize("style", STYLES)
async def test_a_timeout_that_is_not_caught_ends_the_conversation(style):
    times = Times(written(STRICT, style))
    await times.bot.start("c")
    [turn] = await times.after(60)
    assert (turn.messages, turn.status, turn.prompt) == ([], Status.TIMED_OUT, None)
    conversation = await times.bot.conversation("c")
    assert (conversation.status, conversation.waiting) == (Status.TIMED_OUT, "")
    assert await times.after(1000) == []
    assert (await times.bot.handle_message("c", "hi")).messages == ["Your name?"]


async def test_an_answer_in_time_ends_the_wait():
    times = Times(written(STRICT))
    await times.bot.start("c")
    times.clock.advance(59)
    assert (await times.bot.handle_message("c", "Ada")).result == "Ada"
    assert await times.after(100) == []


async def test_every_wait_has_its_own_time():
    @dialog
    def root():
        for _ in range(3):
            yield get_client_response(timeout=timedelta(minutes=1))

    times = Times(root)
    await times.bot.start("c")
    for _ in range(2):
        times.clock.advance(50)
        turn = await times.bot.handle_message("c", "x")
        assert turn.wake_at == times.clock().timestamp() + 60
    assert [turn.status for turn in await times.after(60)] == [Status.TIMED_OUT]


@pytest.mark.parametrize("goodbye", [Message("Too late."), lambda chat_id: Message("Too late.")])
async def test_something_can_be_said_where_a_conversation_times_out(goodbye):
    sender = Recorder()
    times = Times(written(STRICT), on_timeout=goodbye, sender=sender)
    await times.bot.start("c")
    [turn] = await times.after(60)
    assert turn.messages == [Message("Too late.")]
    assert sender.messages == ["Your name?", Message("Too late.")]


async def test_what_is_said_at_a_timeout_may_depend_on_the_conversation():
    times = Times(
        written(STRICT), on_timeout=lambda chat_id: None if chat_id == "c" else f"Bye, {chat_id}."
    )
    await times.bot.start("c")
    await times.bot.start("d")
    turns = {turn.chat_id: turn.messages for turn in await times.after(60)}
    assert turns == {"c": [], "d": ["Bye, d."]}


async def test_nothing_more_is_said_where_the_dialog_catches_its_timeout():
    times = Times(written(PATIENT), on_timeout="Bye.")
    await times.bot.start("c")
    assert [turn.messages for turn in await times.after(60)] == [["60 s are over."]]


@pytest.mark.parametrize("sender", [None, Recorder()])
async def test_something_that_cannot_be_said_at_a_timeout_is_an_error_that_backs_off(
    sender, caplog
):
    times = Times(written(STRICT), on_timeout=lambda chat_id: object(), sender=sender)
    await times.bot.start("c")
    with caplog.at_level(logging.ERROR):
        assert await times.after(60) == []
    conversation = await times.bot.conversation("c")
    assert conversation.status is Status.ERROR
    assert "NotSerializable" in conversation.error
    assert conversation.wake_at > times.clock().timestamp()


async def test_a_message_after_the_time_finds_that_it_has_passed():
    times = Times(written(PATIENT))
    await times.bot.start("c")
    times.clock.advance(60)
    turn = await times.bot.handle_message("c", "Ada")
    # The timeout first, and the message answers the wait that came of it.
    assert (turn.messages, turn.result) == (["60 s are over."], "Ada")


async def test_a_message_after_the_time_of_a_timeout_that_is_not_caught_begins_the_next_run():
    times = Times(written(STRICT), on_timeout="Too late.")
    await times.bot.start("c")
    times.clock.advance(60)
    turn = await times.bot.handle_message("c", "Ada")
    assert turn.messages == ["Too late.", "Your name?"]
    assert (turn.status, (await times.bot.conversation("c")).run) == ("WAITING_FOR_RESPONSE", 2)


async def test_a_reply_after_the_time_is_stale_and_what_the_timeout_led_to_holds():
    times = Times(written(PATIENT))
    prompt = (await times.bot.start("c")).prompt
    times.clock.advance(60)
    turn = await times.bot.handle_message("c", "Ada", in_reply_to=prompt)
    assert (turn.stale, turn.messages) == (True, ["60 s are over."])
    assert turn.prompt not in (None, prompt)
    turn = await times.bot.handle_message("c", "Ada", in_reply_to=turn.prompt)
    assert turn.result == "Ada"


async def test_a_signal_after_the_time_finds_that_it_has_passed():
    @dialog
    def root():
        try:
            yield wait_for_signal("paid", timeout=60)
        except ResponseTimeout:
            yield send_message("Still not paid.")
        return (yield wait_for_signal("paid"))

    times = Times(root)
    await times.bot.start("c")
    times.clock.advance(60)
    turn = await times.bot.signal("c", "paid", 5)
    assert (turn.messages, turn.result) == (["Still not paid."], 5)


async def test_the_time_of_a_wait_for_a_signal_passes_too():
    @dialog
    def root():
        return (yield wait_for_signal("paid", timeout=60))

    times = Times(root)
    turn = await times.bot.start("c")
    assert turn.status is Status.PROCESSING
    assert [turn.status for turn in await times.after(60)] == [Status.TIMED_OUT]


async def test_a_timeout_inside_a_subdialog_can_be_caught_outside_of_it():
    @dialog
    def ask_name():
        yield send_message("Your name?")
        return (yield get_client_response(timeout=60))

    @dialog
    def root():
        try:
            name = yield ask_name()
        except ResponseTimeout:
            name = "nobody"
        return name

    times = Times(root)
    await times.bot.start("c")
    assert [turn.result for turn in await times.after(60)] == ["nobody"]


async def test_a_timeout_that_is_caught_is_replayed_as_it_was():
    log = []

    @dialog
    def root():
        try:
            yield get_client_response(timeout=60)
        except ResponseTimeout as late:
            log.append(late.timeout_s)
        for _ in range(2):
            yield get_client_response()
        return len(log)

    times = Times(root)
    await times.bot.start("c")
    await times.after(60)
    await times.bot.handle_message("c", "x")
    assert (await times.bot.handle_message("c", "y")).result == 3
    assert log == [60.0, 60.0, 60.0]


async def test_a_cancel_ends_what_waits_for_a_time():
    times = Times(written(NAP))
    await times.bot.start("c")
    await times.bot.cancel("c")
    assert await times.after(60) == []


async def test_a_new_version_of_the_code_starts_anew_when_its_time_has_passed():
    def version(number):
        @dialog(name="strict", version=number)
        def strict():
            yield send_message(f"{number}: your name?")
            return (yield get_client_response(timeout=60))

        return strict

    times = Times(version("1"))
    await times.bot.start("c")
    times.bot = times.worker(version("2"))
    [turn] = await times.after(60)
    assert (turn.messages, turn.wake_at) == (
        ["2: your name?"],
        times.clock().timestamp() + 60,
    )


# --- interrupts and time ----------------------------------------------------------------------


@dialog
def helping():
    yield send_message("What do you need?")
    yield get_client_response(timeout=30)
    yield send_message("I see.")


async def test_the_time_of_a_digression_passes_and_it_ends():
    times = Times(written(STRICT), interrupts=[Interrupt("/help", helping)])
    await times.bot.start("c")
    turn = await times.bot.handle_message("c", "/help")
    assert turn.wake_at == times.clock().timestamp() + 30
    [turn] = await times.after(30)
    # It did not catch it: back to the question.
    assert (turn.messages, turn.status) == (["Your name?"], Status.WAITING_FOR_RESPONSE)
    assert turn.wake_at == times.clock().timestamp() + 30
    assert (await times.bot.handle_message("c", "Ada")).result == "Ada"


async def test_where_the_dialog_moves_on_by_its_own_time_a_digression_ends():
    times = Times(written(PATIENT), interrupts=[Interrupt("/help", helping)])
    await times.bot.start("c")
    times.clock.advance(45)
    await times.bot.handle_message("c", "/help")
    [turn] = await times.after(15)
    assert turn.messages == ["60 s are over."]
    assert (await times.bot.handle_message("c", "Ada")).result == "Ada"


async def test_an_interrupt_after_the_time_is_taken_first_and_the_timeout_fires_next():
    times = Times(
        written(PATIENT),
        interrupts=[Interrupt("/cancel", cancel=True), Interrupt("/help", send_helper())],
    )
    await times.bot.start("c")
    await times.bot.start("d")
    times.clock.advance(60)
    assert (await times.bot.handle_message("d", "/cancel")).status is Status.CANCELLED
    turn = await times.bot.handle_message("c", "/help")
    assert turn.messages == ["Write your name.", "Your name?"]
    assert [turn.messages for turn in await times.bot.fire_due()] == [["60 s are over."]]


def send_helper():
    @dialog
    def brief_help():
        yield send_message("Write your name.")

    return brief_help


async def test_what_always_fails_when_its_time_has_passed_can_be_cancelled_by_the_client():
    @dialog
    def root():
        try:
            yield get_client_response(timeout=60)
        except ResponseTimeout:
            raise ValueError("no") from None

    times = Times(root, interrupts=[Interrupt("/cancel", cancel=True)])
    await times.bot.start("c")
    await times.after(60)
    with pytest.raises(ValueError, match="no"):
        await times.bot.handle_message("c", "x")
    assert (await times.bot.handle_message("c", "/cancel")).status is Status.CANCELLED
    assert await times.after(1000) == []
