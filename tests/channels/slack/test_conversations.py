"""Which conversation an event belongs to; conversations that are begun unasked, looked at, left."""

import asyncio
import sys

import pytest
from slack_bolt import App

from dialogs import (
    Interrupt,
    Orchestrator,
    Status,
    UsageError,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.channels.slack import Place, SlackChannel
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.channels.slack.conversing import general, heard_in, main, named, say
from tests.channels.slack.fake_slack import BOT, SECRET, TEAM
from tests.channels.slack.slack_people import User, callback

# --- conversations ----------------------------------------------------------------------------


async def test_a_direct_message_is_a_conversation(slack, listening):
    await listening()
    ada = User(slack, "ada")
    await ada.say("one")
    await ada.say("two")
    assert await ada.heard() == ["main begins with 'one'", "main hears 'two'"]


async def test_a_mention_begins_a_thread_which_its_replies_continue(slack, listening):
    await listening()
    ada = general(slack)
    root = await say(ada, f"<@{BOT}> one")
    ada.thread = root
    await say(ada, "two")
    await say(ada, f"<@{BOT}> three")
    assert await heard_in(slack, "C0GENERAL", root) == [
        "main begins with 'one'",
        "main hears 'two'",
        "main hears 'three'",
    ]
    assert await heard_in(slack, "C0GENERAL", "") == []


async def test_two_mentions_are_two_conversations(slack, listening):
    await listening()
    ada = general(slack)
    first, second = await say(ada, f"<@{BOT}> one"), await say(ada, f"<@{BOT}> two")
    assert await heard_in(slack, "C0GENERAL", first) == ["main begins with 'one'"]
    assert await heard_in(slack, "C0GENERAL", second) == ["main begins with 'two'"]


async def test_a_mention_in_a_thread_of_others_begins_a_conversation_there(slack, listening):
    await listening()
    ada = general(slack)
    ada.thread = await say(ada, "people among themselves")
    await say(ada, f"what do you think, <@{BOT}>?")
    assert len(await heard_in(slack, "C0GENERAL", ada.thread)) == 1


async def test_what_people_say_among_themselves_begins_nothing(slack, listening, orchestrator):
    await listening()
    ada = general(slack)
    ada.thread = await say(ada, "lunch?")
    await say(ada, "yes", thread_ts=ada.thread)
    assert [each async for each in orchestrator.conversations()] == []
    assert slack.count("chat.postMessage") == 0
    assert [status for status, _ in slack.acks] == [200, 200]


async def test_a_reply_after_the_end_of_a_threads_conversation_begins_no_other(slack, listening):
    await listening()
    ada = general(slack)
    ada.thread = await say(ada, f"<@{BOT}> one")
    await say(ada, "bye")
    await say(ada, "thanks, everybody")
    assert (await heard_in(slack, "C0GENERAL", ada.thread))[-1] == "main hears 'bye'"
    await say(ada, f"<@{BOT}> again")
    assert (await heard_in(slack, "C0GENERAL", ada.thread))[-1] == "main begins with 'again'"


async def test_of_two_last_replies_at_once_none_begins_another_conversation(
    slack, listening, orchestrator, monkeypatch
):
    await listening()
    ada, bob = general(slack), general(slack, "bob")
    ada.thread = bob.thread = await say(ada, f"<@{BOT}> one")
    look, together = orchestrator.conversation, asyncio.Barrier(2)

    async def look_together(chat_id):
        found = await look(chat_id)
        await together.wait()
        return found

    monkeypatch.setattr(orchestrator, "conversation", look_together)
    await asyncio.gather(say(ada, "bye"), say(bob, "bye"))
    assert await heard_in(slack, "C0GENERAL", ada.thread) == [
        "main begins with 'one'",
        "main hears 'bye'",
    ]


async def test_a_channel_can_be_one_conversation(slack, listening):
    await listening(channels="channel")
    ada, bob = general(slack), general(slack, "bob")
    await say(ada, "not for the bot")
    await say(ada, f"<@{BOT}> one")
    await say(bob, "two")
    assert await heard_in(slack, "C0GENERAL", "") == ["main begins with 'one'", "main hears 'two'"]


async def test_the_same_channel_id_in_two_workspaces_is_two_conversations():
    assert Place("T1", "C1").chat_id != Place("T2", "C1").chat_id


async def test_people_of_other_workspaces_share_the_threads_conversation(slack, listening):
    """In a channel that two workspaces share, events name the workspace of who speaks."""
    await listening()
    ada, eve = general(slack), general(slack, "eve")
    ada.thread = eve.thread = await say(ada, f"<@{BOT}> one")
    event = eve.message("two", team="T0THEIRS", user_team="T0THEIRS")
    body = {**callback(event), "team_id": "T0THEIRS", "is_ext_shared_channel": True}
    await slack.send(body)
    assert (await heard_in(slack, "C0GENERAL", ada.thread))[-1] == "main hears 'two'"


# --- looking, starting, timing out ------------------------------------------------------------


async def test_a_conversation_tells_its_status_and_where_it_is(slack, listening, orchestrator):
    await listening(on_mention=named("mentions"))
    ada = general(slack)
    ada.thread = await say(ada, f"<@{BOT}> one")
    found = {chat_id: each async for chat_id, each in orchestrator.conversations()}
    [(chat_id, conversation)] = found.items()
    assert Place.of(chat_id) == Place(TEAM, "C0GENERAL", ada.thread)
    assert conversation.status is Status.WAITING_FOR_RESPONSE
    assert conversation.root == "slack mention"
    assert "get_client_response in mentions" in conversation.waiting


async def test_a_person_can_be_written_to_unasked(slack, listening):
    channel = await listening()
    turn = await channel.start("UADA", "Good morning!")
    ada = User(slack, "ada")
    assert turn.chat_id == ada.chat_id
    await ada.say("hello")
    assert await ada.heard() == ["Good morning!", "main begins with None", "main hears 'hello'"]


async def test_a_thread_can_be_begun_unasked(slack, listening):
    channel = await listening()
    turn = await channel.start("C0GENERAL", "Weekly report!", root="")
    place = Place.of(turn.chat_id)
    assert slack.find("C0GENERAL", place.thread)["text"] == "Weekly report!"
    ada = general(slack)
    ada.thread = place.thread
    await say(ada, "all is well")
    assert await heard_in(slack, "C0GENERAL", place.thread) == [
        "main begins with None",
        "main hears 'all is well'",
    ]


async def test_a_conversation_of_a_whole_channel_can_be_begun_unasked(slack, listening):
    channel = await listening(channels="channel")
    turn = await channel.start("C0GENERAL")
    assert turn.chat_id == f"slack:{TEAM}:C0GENERAL"
    assert await heard_in(slack, "C0GENERAL", "") == ["main begins with None"]


async def test_a_timeout_and_its_message_can_be_turned_off_for_a_conversation(slack, served):
    @dialog
    def patient():
        yield send_message("I wait a minute.")
        yield get_client_response(timeout=60)

    quiet, clock = set(), FakeClock()
    orchestrator = Orchestrator(
        patient,
        store=MemoryStore(),
        clock=clock,
        on_timeout=lambda chat_id: None if chat_id in quiet else "Time is up.",
    )
    SlackChannel(orchestrator, served)
    ada, bob = User(slack, "ada"), User(slack, "bob")
    quiet.add(bob.chat_id)
    for person in (ada, bob):
        await person.say("hi")
    clock.advance(61)
    await orchestrator.fire_due()
    assert await ada.heard() == ["I wait a minute.", "Time is up."]
    assert await bob.heard() == ["I wait a minute."]
    for person in (ada, bob):
        conversation = await orchestrator.conversation(person.chat_id)
        assert conversation.status is Status.TIMED_OUT


async def test_interrupts_work_in_threads(slack, served):
    orchestrator = Orchestrator(
        main, store=MemoryStore(), interrupts=[Interrupt("/cancel", cancel=True)]
    )
    SlackChannel(orchestrator, served)
    ada = general(slack)
    ada.thread = await say(ada, f"<@{BOT}> one")
    await say(ada, "/cancel")
    [(_, conversation)] = [each async for each in orchestrator.conversations()]
    assert conversation.status is Status.CANCELLED


def test_without_slack_bolt_the_channel_says_what_to_install(app, orchestrator, monkeypatch):
    monkeypatch.setitem(sys.modules, "slack_bolt.async_app", None)
    monkeypatch.delitem(sys.modules, "dialogs.channels.slack.listening", raising=False)
    with pytest.raises(UsageError, match=r'pip install "resumable-dialogs\[slack\]"'):
        SlackChannel(orchestrator, app)


def test_an_app_that_does_not_await_is_refused(orchestrator):
    app = App(token="xoxb-1", signing_secret=SECRET, token_verification_enabled=False)
    with pytest.raises(UsageError, match="is no AsyncApp"):
        SlackChannel(orchestrator, app)


def test_an_option_that_is_not_known_is_refused(app, orchestrator):
    with pytest.raises(UsageError, match="channels='dm' is not known"):
        SlackChannel(orchestrator, app, channels="dm")
