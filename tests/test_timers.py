"""Time: timeouts, sleep, and what fires them."""

import asyncio
import itertools
import logging
from contextlib import suppress
from datetime import timedelta

import pytest

from dialogs import (
    Interrupt,
    Message,
    Orchestrator,
    ResponseTimeout,
    Status,
    StoreUnavailable,
    call,
    conversation_id,
    dialog,
    get_client_response,
    send_message,
    sleep,
    step_key,
    wait_for_signal,
)
from dialogs.testing import FakeClock
from tests.senders import Breaking, Recorder, Stop, UnsteadyStore
from tests.written import STYLES, written

PATIENT = """
    def patient():
        «send_message("Your name?")»
        try:
            name = «get_client_response(timeout=60)»
        except ResponseTimeout as late:
            «send_message(f"{late.timeout_s:g} s are over.")»
            name = «get_client_response()»
        return name
"""
STRICT = """
    def strict():
        «send_message("Your name?")»
        return «get_client_response(timeout=60)»
"""
NAP = """
    def nap():
        «send_message("Good night.")»
        «sleep(60)»
        «send_message("Good morning.")»
        first = «get_client_response()»
        second = «get_client_response()»
        return first, second
"""


class Times:
    """An orchestrator, with a clock that is advanced and then read by the timers."""

    def __init__(self, root, **options):
        self.clock, self.store = FakeClock(), UnsteadyStore()
        self.options = options
        self.bot = self.worker(root)

    def worker(self, root, **options):
        return Orchestrator(
            root, **{"store": self.store, "clock": self.clock, **self.options, **options}
        )

    async def after(self, seconds):
        """Let time pass, and fire what is due."""
        self.clock.advance(seconds)
        return await self.bot.fire_due()


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


# --- sleep ------------------------------------------------------------------------------------


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


# --- firing -----------------------------------------------------------------------------------


async def test_any_worker_fires_what_is_due_and_each_timer_fires_once():
    times = Times(written(NAP))
    other = times.worker(written(NAP))
    for number in range(250):
        await times.bot.start(f"c{number}")
    times.clock.advance(60)
    turns = await asyncio.gather(times.bot.fire_due(), other.fire_due())
    woken = sorted(turn.chat_id for turn in itertools.chain(*turns) if turn.messages)
    assert woken == sorted(f"c{number}" for number in range(250))
    assert await times.bot.fire_due() == []


async def test_what_is_not_due_is_not_even_claimed():
    times = Times(written(NAP))
    await times.bot.start("c")
    times.store.calls.clear()
    assert await times.after(59) == []
    assert set(times.store.calls) == {"due"}


async def test_a_dialog_that_fails_when_its_time_has_passed_is_tried_again_later_and_later(caplog):
    broken, tries = [True], []

    @dialog
    def root():
        yield sleep(60)
        yield call(lambda: tries.append(step_key()))
        if broken[0]:
            raise ValueError("no")
        yield send_message("Good morning.")

    times = Times(root)
    await times.bot.start("c")
    with caplog.at_level(logging.ERROR):
        assert await times.after(60) == []
    assert "A timer of conversation 'c' failed." in caplog.text
    waits = []
    for _ in range(5):
        conversation = await times.bot.conversation("c")
        assert conversation.status is Status.ERROR
        waits.append(conversation.wake_at - times.clock().timestamp())
        for _ in range(3):  # it does not spin
            assert await times.bot.fire_due() == []
        assert await times.after(waits[-1]) == []
    assert waits == [5, 10, 20, 40, 80]
    assert len(tries) == 6
    assert len(set(tries)) == 1

    broken[0] = False
    [turn] = await times.after(160)
    assert (turn.messages, turn.status) == (["Good morning."], Status.COMPLETED)


async def test_messages_that_fail_do_not_put_a_deadline_off():
    @dialog
    def root():
        yield send_message("Your name?")
        try:
            if (yield get_client_response(timeout=60)) == "bad":
                raise ValueError("no name")
        except ResponseTimeout:
            yield send_message("Too late.")

    times = Times(root)
    await times.bot.start("c")
    for _ in range(12):
        with pytest.raises(ValueError, match="no name"):
            await times.bot.handle_message("c", "bad")
    assert await times.after(59) == []
    [turn] = await times.after(1)
    assert turn.messages == ["Too late."]


async def test_a_timer_that_goes_on_failing_apologizes_once():
    sender = Recorder()

    @dialog
    def root():
        yield sleep(60)
        raise ValueError("no")

    times = Times(root, sender=sender, on_error="Sorry.")
    await times.bot.start("c")
    for _ in range(10):
        await times.after(3600)
    assert sender.messages == ["Sorry."]
    with pytest.raises(ValueError, match="no"):
        await times.bot.handle_message("c", "hello?")
    assert sender.messages == ["Sorry.", "Sorry."]


async def test_an_error_of_one_conversation_does_not_hold_up_the_others():
    @dialog
    def root(opening):
        yield sleep(60)
        if opening == "bad":
            raise ValueError("no")
        yield send_message("Good morning.")

    times = Times(root)
    for chat_id in ("a", "b", "bad", "c"):
        await times.bot.handle_message(chat_id, chat_id)
    assert sorted(turn.chat_id for turn in await times.after(60)) == ["a", "b", "c"]


async def test_conversations_that_cannot_be_read_do_not_hold_up_the_others(caplog):
    times = Times(written(NAP))
    for number in range(150):
        chat_id = f"bad{number}"
        await times.bot.start(chat_id)
        claim = await times.store.claim(chat_id, now=0.0, lease_s=1)
        await times.store.commit(claim, b"DLC?", now=0.0, status="PROCESSING", wake_at=1.0)
    await times.bot.start("c")
    assert [turn.messages for turn in await times.after(60)] == [["Good morning."]]
    # They are not tried at every pass.
    times.store.calls.clear()
    for _ in range(100):
        await times.after(1)
    assert 0 < times.store.calls.count("claim") < 150 * 10


async def test_a_conversation_that_hangs_does_not_hold_up_the_others():
    hang = Stop()

    @dialog
    def root(opening):
        if opening == "hang":
            yield get_client_response(timeout=60)
            yield call(hang)
        yield sleep(60)
        yield send_message("Good morning.")

    times = Times(root)
    for chat_id in ("c", "hang"):
        await times.bot.handle_message(chat_id, chat_id)
    hanging = asyncio.ensure_future(times.bot.handle_message("hang", "x"))
    await hang.reached.wait()
    turns = await asyncio.wait_for(times.after(100), timeout=60)
    assert [turn.messages for turn in turns if turn.messages] == [["Good morning."]]
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["claim", "commit"])
async def test_a_timer_whose_store_failed_fires_later(operation, when):
    sender = Recorder()
    times = Times(written(NAP), sender=sender)
    await times.bot.start("c")
    times.store.fail(operation, when)
    await times.after(60)
    for _ in range(3):
        await times.after(30)
    assert sender.received == ["Good night.", "Good morning."]
    assert (await times.bot.handle_message("c", "one")).status is Status.WAITING_FOR_RESPONSE


async def test_what_is_due_cannot_be_read_is_an_error_of_the_store():
    times = Times(written(NAP))
    times.store.fail("due", "before")
    with pytest.raises(StoreUnavailable):
        await times.bot.fire_due()


async def test_a_timer_that_is_cancelled_has_not_fired():
    slow = Stop()

    @dialog
    def root():
        yield sleep(60)
        yield call(slow)
        yield send_message("Good morning.")

    times = Times(root)
    await times.bot.start("c")
    times.clock.advance(60)
    firing = asyncio.ensure_future(times.bot.fire_due())
    await slow.reached.wait()
    firing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await firing
    slow.opened.set()
    await times.bot._leases.settle()
    assert [turn.messages for turn in await times.bot.fire_due()] == [["Good morning."]]


# --- the loop ---------------------------------------------------------------------------------


async def running(bot):
    """The loop of a worker as a task."""
    return asyncio.ensure_future(bot.run_timers())


async def stopped(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(true):
    """Wait until something is true, for a minute at most."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - what it waits for knows no events
            await asyncio.sleep(0.001)


async def test_the_loop_fires_what_is_due_until_it_is_cancelled():
    sender = Recorder()
    times = Times(written(NAP), sender=sender, poll=0.001)
    task = await running(times.bot)
    await times.bot.start("c")
    times.clock.advance(60)
    await until(lambda: "Good morning." in sender.messages)
    await stopped(task)
    assert (await times.bot.conversation("c")).status is Status.WAITING_FOR_RESPONSE


async def test_the_loop_outlives_errors_of_the_store_and_of_conversations(caplog):
    @dialog
    def root(opening):
        yield sleep(60)
        if opening == "bad":
            raise ValueError("no")
        yield send_message("Good morning.")

    sender = Recorder()
    times = Times(root, sender=sender, poll=0.001)
    for chat_id in ("bad", "good"):
        await times.bot.handle_message(chat_id, chat_id)
    times.store.fail("due", "before")
    times.clock.advance(60)
    with caplog.at_level(logging.WARNING):
        task = await running(times.bot)
        await until(lambda: sender.messages == ["Good morning."])
        await until(lambda: "'bad' failed" in caplog.text)
    assert "could not be read" in caplog.text
    await stopped(task)


async def test_the_loop_fires_what_this_process_made_due_sooner_than_it_looks_again():
    @dialog
    def napping():
        for number in range(5):
            yield send_message(number)
            yield sleep(0.02)
        return "rested"

    sender = Recorder()
    bot = Orchestrator(napping, store=UnsteadyStore(), sender=sender, poll=3600)
    task = await running(bot)
    await until(lambda: bot.store.calls == ["due"])
    await bot.start("c")
    await until(lambda: sender.messages == [0, 1, 2, 3, 4])
    await stopped(task)
    await bot.start("c2")  # nobody fires any more
    await bot._leases.settle()
    assert sender.messages == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize(
    ("where", "said"), [("in a step", "failed"), ("in the sender", "was not sent")]
)
async def test_the_loop_outlives_a_cancellation_that_is_not_its_own(where, said, caplog):
    sender, lost = Recorder(), asyncio.get_running_loop().create_future()
    lost.cancel()

    class Cancelled(Recorder):
        async def send_message(self, chat_id, message, *, delivery_id):
            if where == "in the sender" and chat_id == "bad":
                await lost
            await sender.send_message(chat_id, message, delivery_id=delivery_id)

    async def work():
        if where == "in a step" and conversation_id() == "bad":
            await lost

    @dialog
    async def root():
        await sleep(60)
        await call(work)
        await send_message("Awake.")
        await sleep(60)
        await send_message("Still awake.")

    times = Times(root, sender=Cancelled(), poll=0.001)
    for chat_id in ("bad", "good"):
        await times.bot.start(chat_id)
    times.clock.advance(60)
    task = await running(times.bot)
    await until(lambda: sender.messages == ["Awake."])
    times.clock.advance(60)
    await until(lambda: sender.messages == ["Awake.", "Still awake."])
    assert f"conversation 'bad' {said}" in caplog.text
    await stopped(task)


async def test_the_loop_outlives_what_no_store_should_raise(caplog):
    sender = Recorder()
    times = Times(written(NAP), sender=sender, poll=0.001)
    await times.bot.start("c")
    due, errors = times.store.due, [KeyError("a store's own"), ZeroDivisionError()]

    async def unsteady(**options):
        if errors:
            raise errors.pop()
        return await due(**options)

    times.store.due = unsteady
    times.clock.advance(60)
    task = await running(times.bot)
    await until(lambda: "Good morning." in sender.messages)
    assert "a store's own" in caplog.text
    await stopped(task)


async def test_the_loop_goes_on_while_one_conversation_hangs():
    hanging, sender = asyncio.Event(), Recorder()

    async def hang():
        if conversation_id() == "hangs":
            await hanging.wait()

    @dialog
    async def root():
        await sleep(60)
        await call(hang)
        await send_message("Good morning.")
        await sleep(60)

    times = Times(root, sender=sender, poll=0.001)
    for chat_id in ("hangs", "goes on"):
        await times.bot.start(chat_id)
    times.clock.advance(60)
    task = await running(times.bot)
    await until(lambda: sender.messages == ["Good morning."])
    times.clock.advance(60)
    await times.bot.start("begins later")
    times.clock.advance(60)
    await until(lambda: sender.messages == ["Good morning."] * 2)
    await stopped(task)
    assert (await times.bot.conversation("hangs")).status is Status.PROCESSING
    hanging.set()
    await times.after(60)  # its turn was undone with the loop, and comes now
    assert sender.messages == ["Good morning."] * 3


async def test_two_passes_at_once_do_no_harm_to_each_other():
    stop = Stop()

    class Away(UnsteadyStore):
        async def claim(self, chat_id, **options):
            if times.clock() > began:
                await stop()
                raise StoreUnavailable("the store", "claim", "away")
            return await super().claim(chat_id, **options)

    times = Times(written(NAP))
    times.store = Away()
    times.bot, began = times.worker(written(NAP)), times.clock()
    await times.bot.start("c")
    times.clock.advance(60)
    first = asyncio.ensure_future(times.bot.fire_due())
    await stop.reached.wait()
    await times.store.delete("c")
    assert await times.bot.fire_due() == []
    stop.opened.set()
    assert await first == []


async def test_the_loop_says_that_nobody_sends_what_its_timers_say(caplog):
    times = Times(written(NAP), poll=0.001)
    await times.bot.start("c")
    times.clock.advance(60)
    with caplog.at_level(logging.WARNING):
        task = await running(times.bot)
        await until(lambda: "no sender" in caplog.text)
    await stopped(task)


async def test_the_loop_sends_what_was_not_sent():
    sender = Breaking("Good night.")
    times = Times(written(NAP), sender=sender, poll=0.001)
    await times.bot.start("c")
    sender.refuses.clear()
    task = await running(times.bot)
    times.clock.advance(5)
    await until(lambda: sender.messages == ["Good night."])
    await stopped(task)


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
