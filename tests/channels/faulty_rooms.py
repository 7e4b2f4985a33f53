"""The channel suite on channels that each do one thing wrong, and the tests of it that must fail.

`test_channel_suite.py` runs this file, and looks at what fails.
"""

import pytest

from dialogs import ChannelError, Message
from dialogs.channels import Incoming
from dialogs.channels.showing import attachments_of, buttons_of, in_text
from dialogs.testing.channel_suite import ChannelSuite, people
from tests.channels.room import Rooms, Shown, Visitor

people.PATIENCE_S = 0.25

TESTS = [name for name in dir(ChannelSuite) if name.startswith("test_")]
FAULTY = []


def caught_by(*tests):
    """Note a faulty channel with the tests that must fail on it."""

    def note(channel_type):
        channel_type.caught_by = [f"test_{test}" for test in tests]
        FAULTY.append(channel_type)
        return channel_type

    return note


@caught_by("who_arrives_is_greeted_once", "every_message_is_answered_and_in_order")
class Mute(Rooms):
    async def send_message(self, chat_id, message, *, delivery_id):
        pass


@caught_by(
    "who_arrives_is_greeted_once",
    "every_message_is_answered_and_in_order",
    "many_messages_of_one_turn_are_shown_once_and_in_order",
    "the_same_words_again_are_a_new_message",
)
class SaysTwice(Rooms):
    """Shows the messages of the turn that the sender has shown already."""

    async def hear(self, incoming):
        turn = await super().hear(incoming)
        for message in turn.messages if turn is not None else ():
            self.show(incoming.chat_id, message, None)
        return turn


@caught_by("many_messages_of_one_turn_are_shown_once_and_in_order")
class OutOfOrder(Rooms):
    async def send_message(self, chat_id, message, *, delivery_id):
        await super().send_message(chat_id, message, delivery_id=delivery_id)
        if "line 02" in in_text(message):
            self.rooms[chat_id].insert(-1, self.rooms[chat_id].pop())


@caught_by("a_message_that_is_sent_again_is_seen_once")
class ShowsRepeats(Rooms):
    async def send_message(self, chat_id, message, *, delivery_id):
        self.sent.clear()
        await super().send_message(chat_id, message, delivery_id=delivery_id)


@caught_by("the_same_words_under_another_delivery_id_are_seen_again")
class DropsEqualWords(Rooms):
    async def send_message(self, chat_id, message, *, delivery_id):
        if in_text(message) not in [shown.text for shown in self.rooms.get(chat_id, ())]:
            await super().send_message(chat_id, message, delivery_id=delivery_id)


@caught_by("a_repeated_event_counts_once")
class ForgetsEventIds(Rooms):
    async def typed(self, chat_id, text, event_id=None):
        await self.hear(Incoming(chat_id, text))


@caught_by("the_same_words_again_are_a_new_message")
class TakesWordsForEventIds(Rooms):
    async def typed(self, chat_id, text, event_id=None):
        await self.hear(Incoming(chat_id, text, text))


@caught_by(
    "an_old_button_answers_nothing_and_says_so",
    "the_button_of_a_question_that_was_asked_again_is_old",
    "a_button_that_is_pressed_twice_answers_once",
)
class OldButtonsAnswer(Rooms):
    async def pressed(self, chat_id, shown, label):
        await self.hear(Incoming(chat_id, shown.buttons[label]))


@caught_by(
    "an_old_button_answers_nothing_and_says_so",
    "the_button_of_a_question_that_was_asked_again_is_old",
)
class OldButtonsSayNothing(Rooms):
    async def pressed(self, chat_id, shown, label):
        await self.hear(Incoming(chat_id, shown.buttons[label], in_reply_to=shown.delivery_id))


@caught_by("a_button_answers_with_its_value", "of_many_buttons_the_last_can_be_pressed")
class ButtonsAnswerWithLabels(Rooms):
    async def pressed(self, chat_id, shown, label):
        await self.hear(Incoming(chat_id, label, in_reply_to=shown.delivery_id))


@caught_by("a_button_answers_with_its_value")
class ButtonsAnswerWithText(Rooms):
    async def pressed(self, chat_id, shown, label):
        answer = str(shown.buttons[label])
        await self.hear(Incoming(chat_id, answer, in_reply_to=shown.delivery_id))


@caught_by("of_many_buttons_the_last_can_be_pressed")
class FewButtons(Rooms):
    def show(self, chat_id, message, delivery_id):
        few = buttons_of(message)[:25]
        self.rooms[chat_id].append(
            Shown(in_text(message, buttons=False), delivery_id, {b.label: b.answer for b in few})
        )


@caught_by("a_button_with_a_long_label_can_be_pressed")
class ShortLabels(Rooms):
    def show(self, chat_id, message, delivery_id):
        super().show(chat_id, message, delivery_id)
        shown = self.rooms[chat_id][-1]
        shown.buttons = {label[:30]: answer for label, answer in shown.buttons.items()}


@caught_by("buttons_without_words_can_be_pressed")
class NeedsWords(Rooms):
    def show(self, chat_id, message, delivery_id):
        if in_text(message, buttons=False):
            super().show(chat_id, message, delivery_id)


@caught_by("words_of_ones_own_answer_a_question_with_buttons")
class ButtonsOnly(Rooms):
    async def typed(self, chat_id, text, event_id=None):
        if not (self.rooms.get(chat_id) and self.rooms[chat_id][-1].buttons):
            await super().typed(chat_id, text, event_id)


@caught_by("buttons_are_shown_with_their_question_and_in_order")
class ButtonsBackwards(Rooms):
    def show(self, chat_id, message, delivery_id):
        super().show(chat_id, message, delivery_id)
        shown = self.rooms[chat_id][-1]
        shown.buttons = dict(reversed(shown.buttons.items()))


@caught_by("strange_characters_mean_nothing_but_themselves")
class ReadsMarkup(Rooms):
    def show(self, chat_id, message, delivery_id):
        super().show(chat_id, message, delivery_id)
        self.rooms[chat_id][-1].text = self.rooms[chat_id][-1].text.replace("<b>", "")


@caught_by("what_a_person_types_arrives_as_they_see_it")
class ChangesWhatIsTyped(Rooms):
    async def typed(self, chat_id, text, event_id=None):
        await super().typed(chat_id, text.replace("&", "&amp;"), event_id)


@caught_by("every_line_of_a_message_is_shown")
class OneLine(Rooms):
    def show(self, chat_id, message, delivery_id):
        super().show(chat_id, message, delivery_id)
        self.rooms[chat_id][-1].text = self.rooms[chat_id][-1].text.replace("\n", " ")


@caught_by("a_long_message_is_shown_to_its_end")
class Cuts(Rooms):
    def show(self, chat_id, message, delivery_id):
        super().show(chat_id, message, delivery_id)
        self.rooms[chat_id][-1].text = self.rooms[chat_id][-1].text[:4000]


@caught_by("what_can_hardly_be_said_keeps_nothing_else_from_being_said")
class Encodes(Rooms):
    async def send_message(self, chat_id, message, *, delivery_id):
        in_text(message).encode()
        await super().send_message(chat_id, message, delivery_id=delivery_id)


@caught_by("two_people_do_not_meet")
class EverybodyHears(Rooms):
    def show(self, chat_id, message, delivery_id):
        for room in self.rooms:
            super().show(room, message, delivery_id)


@caught_by("who_comes_back_goes_on_where_they_were")
class CountsPeople(Rooms):
    """Gives whoever comes the next number, also when they come back."""

    def __init__(self, orchestrator):
        super().__init__(orchestrator)
        self.visits = 0


@caught_by("a_conversation_has_the_prefix_of_its_channel")
class NoPrefix(Rooms):
    prefix = ""


@caught_by("after_an_error_of_the_dialog_the_next_message_is_answered")
class TellsErrors(Rooms):
    async def hear(self, incoming):
        turn = await super().hear(incoming)
        if turn is None:
            self.rooms[incoming.chat_id].append(Shown("LookupError: told to fail"))
        return turn


@caught_by("after_the_end_a_conversation_can_begin_again")
class ClosesAtTheEnd(Rooms):
    async def hear(self, incoming):
        conversation = await self.orchestrator.conversation(incoming.chat_id)
        if conversation is None or not conversation.status.is_over:
            return await super().hear(incoming)
        return None


@caught_by(
    "a_timeout_is_told_to_who_waits",
    "a_signal_is_told_to_whom_it_is_for",
    "a_conversation_that_begins_unasked_is_heard",
    "what_is_said_while_the_dialog_waits_for_news_is_answered_after_it",
    "what_the_host_says_beside_the_dialog_is_heard_and_the_question_stays_open",
)
class SpeaksWhenSpokenTo(Rooms):
    spoken_to = False

    async def hear(self, incoming):
        self.spoken_to = True
        try:
            return await super().hear(incoming)
        finally:
            self.spoken_to = False

    async def send_message(self, chat_id, message, *, delivery_id):
        if self.spoken_to:
            await super().send_message(chat_id, message, delivery_id=delivery_id)


@caught_by("files_are_named_and_say_where_they_are")
class NoFiles(Rooms):
    def show(self, chat_id, message, delivery_id):
        if attachments_of(message):
            message = Message(message.text)
        super().show(chat_id, message, delivery_id)


@caught_by("what_can_never_be_sent_is_given_up")
class TriesForEver(Rooms):
    async def send_message(self, chat_id, message, *, delivery_id):
        if chat_id not in self.rooms:
            raise ChannelError(f"There is no room {chat_id!r}.")
        await super().send_message(chat_id, message, delivery_id=delivery_id)


def tests_of(channel_type, names):
    """Tests of the suite, on a channel."""

    class Tests(ChannelSuite):
        @pytest.fixture
        def channel(self, orchestrator):
            channel = channel_type(orchestrator)
            orchestrator.attach(channel.prefix, channel)
            return channel

        @pytest.fixture
        def meet(self, channel):
            def meet(name):
                if channel_type is CountsPeople:
                    channel.visits += 1
                    name = f"{name}{channel.visits}"
                return Visitor(channel, name)

            return meet

        @pytest.fixture
        def unreachable(self, channel):
            return f"{channel.prefix}no such room"

    for name in set(TESTS) - set(names):
        setattr(Tests, name, None)
    return Tests


globals().update({f"Test{each.__name__}": tests_of(each, each.caught_by) for each in FAULTY})
