"""Dialogs that sleep, and what is said to them meanwhile."""

from contextlib import suppress

import pytest

from dialogs import (
    ResponseTimeout,
    Status,
    dialog,
    get_client_response,
    send_message,
    sleep,
    wait_for_signal,
)
from tests.orchestrator.times import NAP, Times
from tests.written import STYLES, written


@pytest.mark.parametrize("style", STYLES)
async def test_a_dialog_sleeps_until_its_time(style):
    times = Times(written(NAP, style))
    turn = await times.bot.start("c")
    assert (turn.messages, turn.status, turn.prompt) == (["Good night."], Status.PROCESSING, None)
    assert await times.after(59) == []
    [turn] = await times.after(1)
    assert (turn.messages, turn.status) == (["Good morning."], Status.WAITING_FOR_RESPONSE)


async def test_messages_that_come_while_it_sleeps_are_kept_and_answer_the_next_waits_in_order():
    times = Times(written(NAP))
    await times.bot.start("c")
    for word in ("one", "two"):
        turn = await times.bot.handle_message("c", word)
        assert (turn.messages, turn.status) == ([], Status.PROCESSING)
    [turn] = await times.after(60)
    assert (turn.messages, turn.result) == (["Good morning."], ("one", "two"))


@pytest.mark.parametrize("root", ["sleeps", "waits for a signal"])
async def test_what_was_said_before_its_time_is_answered_before_what_is_said_after_it(root):
    @dialog
    def waiting():
        if root == "sleeps":
            yield sleep(60)
        else:
            with suppress(ResponseTimeout):
                yield wait_for_signal("paid", timeout=60)
        one = yield get_client_response()
        two = yield get_client_response()
        return [one, two, (yield get_client_response())]

    times = Times(waiting)
    await times.bot.start("c")
    await times.bot.handle_message("c", "one")
    await times.bot.handle_message("c", "two")
    times.clock.advance(60)
    assert (await times.bot.handle_message("c", "three")).result == ["one", "two", "three"]


async def test_what_was_said_before_the_end_begins_the_next_run_before_what_is_said_after_it():
    @dialog
    def napping(opening):
        yield send_message(f"Good night, {opening}.")
        yield sleep(60)
        heard = yield get_client_response()
        yield send_message(f"{opening}, {heard}")

    times = Times(napping)
    for word in ("one", "two", "three"):
        await times.bot.handle_message("c", word)
    times.clock.advance(60)
    turn = await times.bot.handle_message("c", "four")
    assert turn.messages == ["one, two", "Good night, three."]


async def test_a_reply_to_what_a_kept_message_has_answered_is_stale():
    times = Times(written(NAP))
    await times.bot.start("c")
    await times.bot.handle_message("c", "early")
    asked = (await times.bot.conversation("c")).serial + 2  # after "Good morning."
    times.clock.advance(60)
    turn = await times.bot.handle_message("c", "late", in_reply_to=str(asked))
    assert (turn.stale, turn.messages) == (True, ["Good morning."])
    assert (await times.bot.handle_message("c", "second")).result == ("early", "second")


async def test_a_message_kept_has_been_seen():
    times = Times(written(NAP))
    await times.bot.start("c")
    await times.bot.handle_message("c", "one", message_id="1")
    assert (await times.bot.handle_message("c", "one", message_id="1")).duplicate
    await times.after(60)
    assert (await times.bot.handle_message("c", "two")).result == ("one", "two")


async def test_a_message_after_its_time_wakes_it_and_is_its_next_answer():
    times = Times(written(NAP))
    await times.bot.start("c")
    times.clock.advance(60)
    turn = await times.bot.handle_message("c", "one")
    assert turn.messages == ["Good morning."]
    assert (await times.bot.handle_message("c", "two")).result == ("one", "two")


@pytest.mark.parametrize(("on_completed", "runs"), [("restart", 2), ("ignore", 1)])
async def test_a_message_kept_until_the_end_begins_the_next_run(on_completed, runs):
    @dialog
    def root(opening):
        yield send_message(f"Begun by {opening}.")
        yield sleep(60)
        yield send_message("Bye.")

    times = Times(root, on_completed=on_completed)
    await times.bot.handle_message("c", "one")
    await times.bot.handle_message("c", "two")
    [turn] = await times.after(60)
    assert turn.messages == ["Bye.", "Begun by two."][:runs]
    conversation = await times.bot.conversation("c")
    assert (conversation.run, conversation.inbox) == (runs, [])


async def test_short_sleeps_one_after_another_are_slept_one_after_another():
    @dialog
    def root():
        for number in range(3):
            yield sleep(10)
            yield send_message(number)

    times = Times(root)
    await times.bot.start("c")
    # Late as it is, what comes next has its whole time.
    for number in range(3):
        assert [turn.messages for turn in await times.after(25)] == [[number]]
    assert (await times.bot.conversation("c")).status is Status.COMPLETED
