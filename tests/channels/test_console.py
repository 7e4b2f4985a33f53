"""The terminal as a channel: what is shown, in both kinds of terminal, and what a line means."""

import asyncio
import contextlib
import io
import re

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from dialogs import (
    Attachment,
    Button,
    ChannelError,
    Message,
    Orchestrator,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from dialogs.channels.console import ConsoleChannel, FullTerminal, PlainTerminal, console_id
from dialogs.prompts import choose
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from dialogs.testing.channel_suite import ChannelSuite
from dialogs.testing.channel_suite.people import hears
from dialogs.testing.outside import START


class Sitter:
    """Somebody at a terminal that is plain or full, whose lines come from a queue."""

    def __init__(self, channel, name, talks):
        self.channel = channel
        self.chat_id = console_id(name, "probe")
        self.talks = talks
        self.screen = io.StringIO()

    async def arrive(self):
        self.talks.append(asyncio.ensure_future(self.converse()))

    async def converse(self):
        return await self.channel.converse(self.chat_id, self.terminal)

    async def press(self, label, which=-1):
        # What stands before the label on the screen is its number.
        numbers = re.findall(
            rf"^  (\d+)\. {re.escape(label)}$", self.screen.getvalue(), re.MULTILINE
        )
        await self.say(numbers[which])

    async def heard(self):
        return self.screen.getvalue().splitlines()


class PlainSitter(Sitter):
    def __init__(self, *args):
        super().__init__(*args)
        self.lines = asyncio.Queue()
        self.terminal = PlainTerminal(self.lines.get, self.screen, self.screen)
        self.terminal.interactive = True

    async def say(self, text, *, event_id=None):
        self.lines.put_nowait(text)


class FullSitter(Sitter):
    def __init__(self, *args, keys):
        super().__init__(*args)
        self.keys = keys
        console = Console(file=self.screen, width=100_000, highlight=False)
        self.session = PromptSession(input=keys, output=DummyOutput())
        self.terminal = FullTerminal(console, self.session)

    async def converse(self):
        with create_app_session(self.session.input, self.session.output):
            return await super().converse()

    async def say(self, text, *, event_id=None):
        self.keys.send_text(f"{text}\r")


class ConsoleTests(ChannelSuite):
    @pytest.fixture
    def channel(self, orchestrator):
        return ConsoleChannel(orchestrator)

    @pytest.fixture
    async def talks(self):
        talks = []
        yield talks
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    @pytest.fixture
    def events_have_ids(self):
        return False

    @pytest.fixture
    def buttons_stay(self):
        return False

    @pytest.fixture
    def errors_are_private(self):
        return False


class TestPlain(ConsoleTests):
    @pytest.fixture
    def meet(self, channel, talks):
        return lambda name: PlainSitter(channel, name, talks)


class TestFull(ConsoleTests):
    @pytest.fixture
    def meet(self, channel, talks):
        with contextlib.ExitStack() as inputs:
            yield lambda name: FullSitter(
                channel, name, talks, keys=inputs.enter_context(create_pipe_input())
            )


# --- what a line means, and what is shown when ----------------------------------------------------


@dialog
def two_questions():
    first = yield choose("First?", {"A": 1, "B": 2})
    second = yield choose("Second?", {"C": 3, "D": 4})
    return first, second


@dialog
def needs_a_word(opening):
    yield send_message(f"You began with {opening!r}.")
    return (yield get_client_response())


@dialog
def hurried():
    yield send_message("Quick!")
    yield get_client_response(timeout=60)


@dialog
def broken():
    yield send_message("Go on.")
    yield get_client_response()
    raise LookupError("nothing there")


@dialog
def resting():
    yield send_message("Good night.")
    yield sleep(60)
    yield send_message("Good morning. Slept well?")
    return (yield get_client_response())


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def bot(clock):
    """Makes an orchestrator on one store."""
    store = MemoryStore()
    return lambda root, **options: Orchestrator(
        root, store=store, clock=clock, **{"patience": 0.02, "history": 20, **options}
    )


@pytest.fixture
async def sit():
    """Sits somebody at a plain terminal: their conversation is opened."""
    talks = []

    async def sit(orchestrator, *lines, is_person=True):
        person = PlainSitter(ConsoleChannel(orchestrator), "ada", talks)
        person.terminal.interactive = is_person
        for line in lines:
            person.lines.put_nowait(line)
        await person.arrive()
        return person

    sit.talks = talks
    yield sit
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


async def outcome(sit):
    """What the last conversation that was opened returned, in time."""
    return await asyncio.wait_for(sit.talks[-1], 60)


async def test_a_number_and_a_label_answer_the_question_that_is_asked(bot, sit):
    ada = await sit(bot(two_questions), "2", " c ", None)
    assert await outcome(sit) is True
    assert "Result: (2, 3)" in "\n".join(await ada.heard())


@pytest.mark.parametrize("line", ["2", "B", "something else"])
async def test_a_line_for_a_question_that_was_answered_elsewhere_is_refused(bot, sit, line):
    orchestrator = bot(two_questions)
    ada = await sit(orchestrator)
    await hears(ada, "First?")
    # In another process.
    await bot(two_questions, patience=60).handle_message(ada.chat_id, 1)
    await ada.say(line)
    heard = "\n".join(await hears(ada, "2. D"))
    assert "That question is over.\nSecond?\n  1. C\n  2. D" in heard
    await ada.say("2")
    await hears(ada, "Result: (1, 4)")


async def test_a_question_that_is_said_again_stands_there_once_and_can_be_answered(bot, sit):
    await sit(bot(two_questions), "1", None)
    await outcome(sit)
    again = await sit(bot(two_questions), "2", None)
    await outcome(sit)
    heard = "\n".join(await again.heard())
    assert heard.startswith("Second?\n  1. C\n  2. D\nThe conversation is over")
    assert "Result: (1, 4)" in heard


async def test_messages_that_a_crash_left_unsent_are_shown_once(bot, sit):
    class Nobody:
        async def send_message(self, chat_id, message, *, delivery_id):
            raise ConnectionError("killed before it was shown")

    chat_id = console_id("ada", "probe")
    await bot(two_questions, sender=Nobody()).start(chat_id)
    orchestrator = bot(two_questions)
    ada = await sit(orchestrator)
    await hears(ada, "2. B")
    await ada.say("1")
    heard = "\n".join(await hears(ada, "2. D"))
    assert (heard.count("First?"), heard.count("Second?")) == (1, 1)


async def test_messages_of_a_conversation_that_is_not_open_here_wait(bot, sit):
    orchestrator = bot(two_questions)
    ada = await sit(orchestrator)
    await hears(ada, "First?")
    other = console_id("bob", "probe")
    await orchestrator.start(other)
    assert len((await orchestrator.conversation(other)).outbox) == 1
    with pytest.raises(ChannelError) as caught:
        await ada.channel.send_message(other, "hello", delivery_id=f"{other}/1")
    assert not caught.value.permanent


async def test_after_the_end_the_next_line_begins_again_and_is_no_answer(bot, sit):
    ada = await sit(bot(two_questions), "1", "2")
    heard = "\n".join(await hears(ada, "Result: (1, 4)"))
    assert heard.endswith("Enter begins again; Ctrl-D leaves.")
    await ada.say("2")
    await hears(ada, "First?", times=2)
    await ada.say("2")
    await hears(ada, "Second?", times=2)


async def test_a_finished_conversation_begins_anew_when_it_is_opened(bot, sit):
    await sit(bot(two_questions), "1", "2", None)
    await outcome(sit)
    again = await sit(bot(two_questions))
    assert await hears(again, "2. B") == ["First?", "  1. A", "  2. B"]


async def test_who_types_while_it_ends_is_told_and_their_line_begins_nothing(bot, sit, clock):
    orchestrator = bot(hurried)
    ada = await sit(orchestrator)
    await hears(ada, "Quick!")
    clock.advance(61)
    await orchestrator.fire_due()
    await ada.say("here I am")
    await hears(ada, "The conversation is over: TIMED_OUT.")
    assert (await orchestrator.conversation(ada.chat_id)).run == 1
    await ada.say("")
    await hears(ada, "Quick!", times=2)


async def test_what_is_said_while_nothing_is_asked_is_kept_and_answers_later(bot, sit, clock):
    orchestrator = bot(resting)
    ada = await sit(orchestrator, "hello?")
    await hears(ada, "Nothing is asked now; what you said is kept for the next question.")
    orchestrator = bot(resting)  # of another process
    again = await sit(orchestrator)
    heard = "\n".join(await hears(again, "It waits"))
    assert re.fullmatch(r"Nothing is asked now. It waits: sleep in resting \(.*\)\.", heard)
    clock.advance(61)
    await orchestrator.fire_due()
    await hears(again, "Good morning.")
    assert (await orchestrator.conversation(ada.chat_id)).result == "hello?"


async def test_an_error_of_the_dialog_is_told_with_its_place(bot, sit):
    ada = await sit(bot(broken))
    await hears(ada, "Go on.")
    await ada.say("now")
    heard = "\n".join(await hears(ada, "This turn was undone."))
    assert re.search(r"LookupError: nothing there \(test_console.py:\d+ in broken\)", heard)
    again = await sit(bot(broken))
    assert await hears(again, "Go on.") == [
        "The last turn failed, and was undone: LookupError: nothing there",
        "Go on.",
    ]


async def test_an_error_of_the_library_says_what_to_do(bot, sit):
    @dialog(name="two_questions")
    def edited():
        yield send_message("Something else?")
        yield get_client_response()

    await sit(bot(two_questions), None)
    await outcome(sit)
    ada = await sit(bot(edited), "1")
    assert "patched()" in "\n".join(await hears(ada, "This turn was undone."))


async def test_a_conversation_that_another_process_holds_is_waited_for_and_it_says_so(bot, sit):
    orchestrator = bot(two_questions)
    chat_id = console_id("ada", "probe")
    claim = await orchestrator.store.claim(chat_id, now=START.timestamp(), lease_s=30)
    ada = await sit(orchestrator)
    heard = await hears(ada, "Another process holds this conversation")
    assert "for 30 more second(s) at most" in "\n".join(heard)
    await orchestrator.store.release(claim)
    heard = await hears(ada, "First?")
    assert "\n".join(heard).count("Another process") == 1


async def test_a_line_that_waited_while_its_question_was_answered_elsewhere_is_refused(bot, sit):
    orchestrator = bot(two_questions)
    ada = await sit(orchestrator)
    await hears(ada, "First?")
    claim = await orchestrator.store.claim(ada.chat_id, now=START.timestamp(), lease_s=30)
    await ada.say("C")
    await hears(ada, "Another process holds this conversation")
    await orchestrator.store.release(claim)
    await bot(two_questions, patience=60).handle_message(ada.chat_id, 1)
    heard = "\n".join(await hears(ada, "2. D"))
    assert "That question is over.\nSecond?\n  1. C\n  2. D" in heard
    assert "Result" not in heard


async def test_a_dialog_that_needs_the_opening_message_waits_for_it(bot, sit):
    orchestrator = bot(needs_a_word)
    ada = await sit(orchestrator, "please", "thanks")
    heard = await hears(ada, "Result: 'thanks'")
    assert heard[:2] == ["It begins with what you say.", "You began with 'please'."]
    await hears(ada, "What you say next begins again; Ctrl-D leaves.")
    await ada.say("once more")
    await hears(ada, "You began with 'once more'.")


class TestWithoutAPerson:
    async def test_it_leaves_at_the_end_of_the_conversation(self, bot, sit):
        ada = await sit(bot(two_questions), "1", "1", "never read", is_person=False)
        assert await outcome(sit) is True
        heard = "\n".join(await ada.heard())
        assert heard.endswith("The conversation is over: COMPLETED. Result: (1, 3)")
        assert ada.lines.qsize() == 1

    async def test_it_leaves_at_the_end_of_the_input(self, bot, sit):
        await sit(bot(two_questions), "1", None, is_person=False)
        assert await outcome(sit) is True

    async def test_it_leaves_at_the_first_error(self, bot, sit):
        await sit(bot(broken), "now", "never read", is_person=False)
        assert await outcome(sit) is False


# --- harm ----------------------------------------------------------------------------------------

STEERING = "\x1b[2J\x07\r\x9b31m\u202eevil\x7f\ud800\0"


@pytest.mark.parametrize("kind", ["plain", "full"])
def test_nothing_in_a_message_steers_the_terminal(kind):
    screen = io.StringIO()
    if kind == "plain":
        terminal = PlainTerminal(asyncio.Queue().get, screen, screen)
    else:
        terminal = FullTerminal(Console(file=screen, width=1000, force_terminal=True))
    file = Attachment(f"a{STEERING}", f"https://x/{STEERING}")
    buttons = (Button(f"b{STEERING}"),)
    terminal.show(Message(f"c\td\r\n{STEERING}[red]not red[/red]:smile:", buttons, (file,)))
    terminal.tell(STEERING)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())  # rich's own styles
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", shown)
    assert "[red]not red[/red]:smile:" in shown
    assert shown.count("evil") == 5
    assert "c\td" in shown or "c       d" in shown
