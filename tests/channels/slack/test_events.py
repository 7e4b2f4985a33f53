"""Which events count, which count once, and what dialogs hear of them."""

import pytest
from slack_bolt.async_app import AsyncApp

from dialogs import Attachment, Message
from dialogs.channels.slack import Place, SlackChannel, as_message
from tests.channels.slack.conftest import serving
from tests.channels.slack.conversing import general, heard_in, say
from tests.channels.slack.fake_slack import BOT, BOT_ID, SECRET, TEAM
from tests.channels.slack.slack_people import User, callback

# --- events that count once, or not at all ----------------------------------------------------


async def test_one_message_under_several_event_ids_counts_once(slack, listening):
    """With both subscriptions, a mention comes as `app_mention` and as `message`."""
    await listening()
    ada = general(slack)
    event = ada.message(f"<@{BOT}> hello")
    mention = {key: event[key] for key in ("user", "text", "channel", "ts", "team")}
    await ada.post({**mention, "type": "app_mention"}, event_id="Ev-mention")
    await ada.post(event, event_id="Ev-message")
    await ada.post({**event, "client_msg_id": "another"}, event_id="Ev-third")
    assert await heard_in(slack, "C0GENERAL", event["ts"]) == ["main begins with 'hello'"]


async def test_what_slack_calls_a_mention_is_one_however_it_is_written(slack, listening):
    await listening()
    ada = general(slack)
    event = {**ada.message("<@U0ALIAS> hello"), "type": "app_mention"}
    await ada.post(event)
    assert len(await heard_in(slack, "C0GENERAL", event["ts"])) == 1


async def test_a_retry_of_slacks_counts_once(slack, listening):
    await listening()
    ada = User(slack, "ada")
    event = ada.message("hello")
    for retry in (None, 1, 2, 3):
        assert await ada.post(event, event_id="Ev1", retry=retry) == 200
    assert await ada.heard() == ["main begins with 'hello'"]


IGNORED = {
    "its own message": {"user": BOT, "bot_id": BOT_ID},
    "its own message, without a bot's id": {"user": BOT},
    "its own message, without a person's id": {"user": None, "bot_id": BOT_ID},
    "another bot's": {"user": "U0OTHER", "bot_id": "B0OTHER"},
    "another bot's of the old kind": {"user": None, "subtype": "bot_message", "bot_id": "B0OLD"},
    "an edit": {"subtype": "message_changed", "hidden": True, "message": {"text": "new"}},
    "a deletion": {"subtype": "message_deleted", "hidden": True},
    "somebody who joins": {"subtype": "channel_join"},
    "a new topic": {"subtype": "channel_topic"},
    "a note on a reply": {"subtype": "message_replied"},
}


@pytest.mark.parametrize("what", IGNORED)
async def test_what_is_not_said_to_the_bot_is_acknowledged_and_ignored(
    slack, listening, orchestrator, what
):
    await listening()
    ada = User(slack, "ada")
    event = {**ada.message("hello"), **IGNORED[what]}
    event = {key: value for key, value in event.items() if value is not None}
    assert await slack.send(callback(event)) == 200
    assert [each async for each in orchestrator.conversations()] == []


@pytest.mark.parametrize("mention", ["", f"<@{BOT}> "])
async def test_a_reply_that_is_also_sent_to_the_channel_is_heard_once_in_its_thread(
    slack, listening, orchestrator, mention
):
    await listening()
    ada = general(slack)
    ada.thread = await say(ada, f"<@{BOT}> lunch?")
    reply = ada.message(f"{mention}hello", subtype="thread_broadcast", root={"ts": ada.thread})
    await ada.post(reply)
    if mention:
        again = {key: reply[key] for key in reply if key not in ("subtype", "root")}
        await ada.post({**again, "type": "app_mention"})
    await ada.post(ada.message("", subtype="message_changed", hidden=True, message=reply))
    assert await ada.heard() == ["main begins with 'lunch?'", "main hears 'hello'"]
    assert len([each async for each in orchestrator.conversations()]) == 1


async def test_its_own_messages_are_ignored_where_the_app_lets_them_through(
    slack, app, orchestrator
):
    loose = AsyncApp(client=app.client, signing_secret=SECRET, ignoring_self_events_enabled=False)
    SlackChannel(orchestrator, loose, bots=True)
    async with serving(slack, loose):
        ada = User(slack, "ada")
        await slack.send(callback({**ada.message("mine"), "user": BOT, "bot_id": BOT_ID}))
    assert [each async for each in orchestrator.conversations()] == []


async def test_other_bots_are_heard_where_that_is_wanted(slack, listening):
    await listening(bots=True)
    ada = User(slack, "ada")
    await ada.post(ada.message("beep", bot_id="B0OTHER"))
    assert await ada.heard() == ["main begins with 'beep'"]


# --- what dialogs hear ------------------------------------------------------------------------


async def test_dialogs_hear_text_as_it_was_typed(slack, listening):
    await listening()
    ada = User(slack, "ada")
    await ada.post(ada.message("a &lt; b &amp; <https://x.example/?a=1&amp;b=2|x.example>"))
    assert await ada.heard() == ["main begins with 'a < b & x.example'"]


async def test_a_file_is_heard_by_its_name_and_address(slack, listening):
    await listening()
    ada = User(slack, "ada")
    file = {"id": "F1", "name": "cat.png", "mimetype": "image/png", "url_private": "https://f/cat"}
    await ada.post(ada.message("look", subtype="file_share", files=[file]))
    await ada.post(ada.message("", subtype="file_share", files=[file]))
    assert await ada.heard() == [
        "main begins with 'look\\n[cat.png] https://f/cat'",
        "main hears '[cat.png] https://f/cat'",
    ]


async def test_dialogs_can_hear_all_that_is_known(slack, listening, orchestrator):
    await listening(hears=as_message)
    ada = general(slack)
    file = {"id": "F1", "name": "cat.png", "mimetype": "image/png", "url_private": "https://f/cat"}
    event = ada.message(f"<@{BOT}> look", subtype="file_share", files=[file])
    await ada.post(event)
    conversation = await orchestrator.conversation(Place(TEAM, "C0GENERAL", event["ts"]).chat_id)
    assert conversation.opening == Message(
        "look",
        attachments=(Attachment("cat.png", "https://f/cat", "image/png"),),
        data={
            "kinds": ["channel", "file", "mention"],
            "value": None,
            "user": ada.id,
            "team": TEAM,
            "channel": "C0GENERAL",
            "thread": event["ts"],
            "ts": event["ts"],
        },
    )


async def test_what_dialogs_hear_can_be_a_function_of_ones_own(slack, listening):
    await listening(hears=lambda heard: f"{heard.user}: {heard.text}")
    ada = User(slack, "ada")
    await ada.say("hello")
    assert await ada.heard() == ["main begins with 'UADA: hello'"]
