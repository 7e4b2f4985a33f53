"""Words, both ways: all of them, once, in order, and to whom they belong."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import asyncio
import re

import pytest

from dialogs.channels.base import Channel
from dialogs.orchestrator import Orchestrator
from dialogs.standing import Status
from dialogs.testing.channel_suite.people import Meet, arrived, hears, repeated, sees, tells
from dialogs.testing.channel_suite.probe import FAREWELL, GREETING, LINES, STRANGE, WORDS


def positions(heard: list[str], words: list[str]) -> list[int]:
    """Where each of these stands in what was shown."""
    shown = "\n".join(heard)
    return [shown.index(each) for each in words]


class Talking:
    """What is said and heard."""

    async def test_who_arrives_is_greeted_once(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        heard = await tells(ada, "hello", 1)
        assert "\n".join(heard).count(GREETING) == 1

    async def test_a_conversation_has_the_prefix_of_its_channel(
        self, channel: Channel, meet: Meet, orchestrator: Orchestrator
    ) -> None:
        ada = await arrived(meet("ada"))
        assert channel.prefix
        assert ada.chat_id.startswith(channel.prefix)
        assert [chat_id async for chat_id, _ in orchestrator.conversations()] == [ada.chat_id]

    async def test_every_message_is_answered_and_in_order(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        said = [f"word {number}" for number in range(1, 6)]
        for number, text in enumerate(said, 1):
            await tells(ada, text, number)
        heard = await ada.heard()
        answers = [repeated(number, text) for number, text in enumerate(said, 1)]
        assert positions(heard, answers) == sorted(positions(heard, answers))
        assert ["\n".join(heard).count(answer) for answer in answers] == [1] * len(said)

    async def test_many_messages_of_one_turn_are_shown_once_and_in_order(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("lines")
        await hears(ada, LINES[-1])
        heard = await tells(ada, "thanks", 2)
        shown = re.findall("|".join(LINES), "\n".join(heard))
        assert shown == LINES

    async def test_what_a_person_types_arrives_as_they_see_it(
        self, meet: Meet, orchestrator: Orchestrator
    ) -> None:
        ada = await arrived(meet("ada"))
        await ada.say(STRANGE)
        await hears(ada, "No. 1:")
        conversation = await orchestrator.conversation(ada.chat_id)
        assert conversation is not None
        assert [entry.message for entry in conversation.history if entry.by_client][-1] == STRANGE

    async def test_strange_characters_mean_nothing_but_themselves(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("strange")
        await hears(ada, STRANGE)

    async def test_every_line_of_a_message_is_shown(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("two lines")
        heard = "\n".join(await hears(ada, "the lower line"))
        assert re.search(r"the upper line\s*\n\s*the lower line", heard)

    async def test_a_long_message_is_shown_to_its_end(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("long")
        await hears(ada, f"word{WORDS - 1}")
        heard = await tells(ada, "thanks", 2)
        shown = [int(number) for number in re.findall(r"\bword(\d+)\b", "\n".join(heard))]
        assert shown == list(range(WORDS))

    async def test_what_can_hardly_be_said_keeps_nothing_else_from_being_said(
        self, meet: Meet
    ) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("odd")
        heard = await hears(ada, "All of it was odd.")
        assert "42" in "\n".join(heard)
        await tells(ada, "thanks", 2)

    async def test_two_people_do_not_meet(self, meet: Meet, orchestrator: Orchestrator) -> None:
        ada, bob = await arrived(meet("ada")), await arrived(meet("bob"))
        assert ada.chat_id != bob.chat_id
        await tells(ada, "from ada", 1)
        await tells(bob, "from bob", 1)
        for_ada = await tells(ada, "more from ada", 2)
        for_bob = await tells(bob, "more from bob", 2)
        assert "bob" not in "\n".join(for_ada)
        assert "ada" not in "\n".join(for_bob)
        assert {chat_id async for chat_id, _ in orchestrator.conversations()} == {
            ada.chat_id,
            bob.chat_id,
        }

    async def test_who_comes_back_goes_on_where_they_were(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await tells(ada, "once", 1)
        again = meet("ada")
        await again.arrive()
        assert again.chat_id == ada.chat_id
        # Where arriving takes a word, the dialog has counted it.
        await again.say("twice")
        heard = "\n".join(await sees(again, lambda all_: "'twice'" in "\n".join(all_), "'twice'"))
        assert re.search(r"No\. [23]: 'twice'", heard)

    async def test_a_repeated_event_counts_once(self, meet: Meet, events_have_ids: bool) -> None:
        if not events_have_ids:
            pytest.skip("no event of this channel is repeated")
        ada = await arrived(meet("ada"))
        for _ in range(3):
            await ada.say("once", event_id="evt-1")
        await asyncio.gather(*[ada.say("at once", event_id="evt-2") for _ in range(3)])
        heard = await tells(ada, "done", 3)
        assert "\n".join(heard).count("'once'") == 1
        assert "\n".join(heard).count("'at once'") == 1

    async def test_the_same_words_again_are_a_new_message(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        for number in (1, 2, 3):
            heard = await tells(ada, "again", number)
            assert "\n".join(heard).count("'again'") == number

    async def test_after_an_error_of_the_dialog_the_next_message_is_answered(
        self, meet: Meet, errors_are_private: bool
    ) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("fail")
        heard = "\n".join(await tells(ada, "go on", 1))
        assert "never see this" not in heard
        if errors_are_private:
            assert "LookupError" not in heard
            assert "wanted" not in heard

    async def test_after_the_end_a_conversation_can_begin_again(
        self, meet: Meet, orchestrator: Orchestrator
    ) -> None:
        ada = await arrived(meet("ada"))
        await tells(ada, "once", 1)
        await ada.say("bye")
        await hears(ada, FAREWELL)
        conversation = await orchestrator.conversation(ada.chat_id)
        assert conversation is not None
        assert conversation.status is Status.COMPLETED
        await ada.say("hello again")
        await hears(ada, GREETING, times=2)
        await tells(ada, "once more", 1)
