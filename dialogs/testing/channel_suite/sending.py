"""Messages that come unasked or once more, files, and what can never be said."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import pytest

from dialogs.channels.base import Channel
from dialogs.errors import ChannelError
from dialogs.orchestrator import Orchestrator
from dialogs.senders import watches
from dialogs.testing.channel_suite.people import Meet, arrived, hears, tells
from dialogs.testing.channel_suite.probe import (
    FAREWELL,
    GREETING,
    LATE,
    LIMIT_S,
    NOTES,
    REPORT,
)
from dialogs.testing.outside import FakeClock


class Sending:
    """The channel as a sender."""

    async def test_a_timeout_is_told_to_who_waits(
        self, meet: Meet, orchestrator: Orchestrator, clock: FakeClock
    ) -> None:
        ada, bob = await arrived(meet("ada")), await arrived(meet("bob"))
        await ada.say("wait")
        await hears(ada, "I wait a minute.")
        clock.advance(LIMIT_S + 1)
        await orchestrator.fire_due()
        await hears(ada, LATE)
        await tells(ada, "sorry", 2)
        assert LATE not in "\n".join(await tells(bob, "hello", 1))

    async def test_a_signal_is_told_to_whom_it_is_for(
        self, meet: Meet, orchestrator: Orchestrator
    ) -> None:
        ada, bob = await arrived(meet("ada")), await arrived(meet("bob"))
        await ada.say("listen")
        await hears(ada, "I wait for news.")
        await orchestrator.signal(ada.chat_id, "news", "snow")
        await hears(ada, "News: snow.")
        await tells(ada, "thanks", 2)
        assert "snow" not in "\n".join(await tells(bob, "hello", 1))

    async def test_what_is_said_while_the_dialog_waits_for_news_is_answered_after_it(
        self, meet: Meet, orchestrator: Orchestrator
    ) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("listen")
        await hears(ada, "I wait for news.")
        await ada.say("are you there?")
        await orchestrator.signal(ada.chat_id, "news", "snow")
        heard = "\n".join(await hears(ada, "No. 2: 'are you there?'"))
        assert heard.index("News: snow.") < heard.index("No. 2:")

    async def test_a_conversation_that_begins_unasked_is_heard(
        self, meet: Meet, orchestrator: Orchestrator
    ) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("bye")
        await hears(ada, FAREWELL)
        await orchestrator.start(ada.chat_id)
        await hears(ada, GREETING, times=2)
        await tells(ada, "hello", 1)

    async def test_what_the_host_says_beside_the_dialog_is_heard_and_the_question_stays_open(
        self, meet: Meet, orchestrator: Orchestrator
    ) -> None:
        ada = await arrived(meet("ada"))
        await orchestrator.say(ada.chat_id, "The oven is hot.")
        await hears(ada, "The oven is hot.")
        await tells(ada, "hello", 1)

    async def test_a_message_that_is_sent_again_is_seen_once(
        self,
        meet: Meet,
        channel: Channel,
        orchestrator: Orchestrator,
        repeats_are_dropped: bool,
    ) -> None:
        """As after a crash between sending a message and noting that it was sent."""
        ada = await arrived(meet("ada"))
        await tells(ada, "unique", 1)
        conversation = await orchestrator.conversation(ada.chat_id)
        assert conversation is not None
        last = conversation.history[-1]
        delivery_id = f"{ada.chat_id}/{last.number}"
        if watches(channel):
            channel.look(ada.chat_id)
        else:
            again = getattr(channel, "resend_message", channel.send_message)
            await again(ada.chat_id, last.message, delivery_id=delivery_id)
        heard = await tells(ada, "next", 2)
        assert "\n".join(heard).count("'unique'") == (1 if repeats_are_dropped else 2)

    async def test_the_same_words_under_another_delivery_id_are_seen_again(
        self, meet: Meet
    ) -> None:
        ada = await arrived(meet("ada"))
        for times in (1, 2, 3):
            await ada.say("two lines")
            await hears(ada, "the lower line", times)

    async def test_files_are_named_and_say_where_they_are(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("attach")
        heard = "\n".join(await hears(ada, NOTES.name))
        assert "Here they are." in heard
        assert REPORT.name in heard
        assert str(REPORT.url) in heard

    async def test_what_can_never_be_sent_is_given_up(
        self, channel: Channel, unreachable: str | None
    ) -> None:
        if unreachable is None:
            pytest.skip("this channel can reach whatever has its prefix")
        assert unreachable.startswith(channel.prefix)
        with pytest.raises(ChannelError) as caught:
            await channel.send_message(unreachable, "Hello?", delivery_id=f"{unreachable}/1")
        assert caught.value.permanent
