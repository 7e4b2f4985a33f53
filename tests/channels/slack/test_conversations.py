"""Which conversation an event belongs to, which dialog it begins, and what the dialog hears."""

import asyncio
import re
import sys

import pytest
from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from dialogs import (
    Attachment,
    Interrupt,
    Message,
    Orchestrator,
    Status,
    UsageError,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.channels.slack import Kind, Place, SlackChannel, as_message
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.channels.slack.conftest import serving
from tests.channels.slack.fake_slack import BOT, BOT_ID, SECRET, TEAM
from tests.channels.slack.slack_people import User, callback


def named(name):
    """A dialog that says its name and what it hears, until it hears "bye"."""

    @dialog(name=name)
    def conversation(opening):
        yield send_message(f"{name} begins with {opening!r}")
        while True:
            heard = yield get_client_response()
            yield send_message(f"{name} hears {heard!r}")
            if heard == "bye":
                return

    return conversation


main = named("main")


@pytest.fixture
def orchestrator():
    return Orchestrator(main, store=MemoryStore(), clock=FakeClock())


@pytest.fixture
async def listening(orchestrator, served):
    """Makes the channel, with options."""
    made = []

    async def make(**options):
        channel = SlackChannel(orchestrator, served, **options)
        made.append(await channel.__aenter__())
        return channel

    yield make
    for channel in made:
        await channel.__aexit__()


def general(slack, name="ada"):
    return User(slack, name, "C0GENERAL")


async def say(user, text, **more):
    """Say something, and return its time stamp."""
    event = user.message(text, **more)
    await user.post(event)
    return event["ts"]


async def heard_in(slack, channel, thread):
    return [
        message["text"].replace("&amp;", "&")
        for message in slack.channels[channel]
        if message["user"] == BOT and message.get("thread_ts", "") == thread
    ]


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


# --- a dialog per kind ------------------------------------------------------------------------


async def test_each_kind_of_event_can_begin_a_dialog_of_its_own(slack, listening, orchestrator):
    await listening(
        on_mention=named("mentions"),
        on_direct_message=named("directs"),
        on_thread_reply=named("replies"),
        on_channel_message=named("channels"),
        on_file=named("files"),
    )
    ada, direct = general(slack), User(slack, "ada")
    mention = await say(ada, f"<@{BOT}> a")
    message = await say(ada, "b")
    await say(ada, "c", thread_ts="1600000000.000001")
    await direct.say("d")
    shared = [{"id": "F1", "name": "x.png", "url_private": "https://files/x"}]
    file = await say(ada, "e", subtype="file_share", files=shared)
    begun = {
        "mentions": mention,
        "channels": message,
        "replies": "1600000000.000001",
        "files": file,
    }
    for name, thread in begun.items():
        [said] = await heard_in(slack, "C0GENERAL", thread)
        assert said.startswith(f"{name} begins with")
    assert await direct.heard() == ["directs begins with 'd'"]


async def test_a_conversation_goes_on_with_the_dialog_that_its_first_event_began(slack, listening):
    await listening(on_mention=named("mentions"), on_thread_reply=named("replies"))
    ada = general(slack)
    ada.thread = await say(ada, f"<@{BOT}> one")
    await say(ada, "two")
    await say(ada, f"<@{BOT}> bye")
    await say(ada, "three")
    assert await heard_in(slack, "C0GENERAL", ada.thread) == [
        "mentions begins with 'one'",
        "mentions hears 'two'",
        "mentions hears 'bye'",
        "replies begins with 'three'",
    ]


async def test_another_process_goes_on_with_the_same_dialog(slack, app, served):
    store, dialogs = MemoryStore(), {"on_mention": named("mentions")}
    ada = general(slack)
    SlackChannel(Orchestrator(main, store=store), served, **dialogs)
    ada.thread = await say(ada, f"<@{BOT}> one")
    other = AsyncApp(client=app.client, signing_secret=SECRET)
    SlackChannel(Orchestrator(main, store=store), other, **dialogs)
    async with serving(slack, other):
        await say(ada, "two")
    assert (await heard_in(slack, "C0GENERAL", ada.thread))[-1] == "mentions hears 'two'"


async def test_a_kind_can_begin_nothing(slack, listening, orchestrator):
    await listening(on_mention=False, on_direct_message=False)
    await say(general(slack), f"<@{BOT}> hello")
    await User(slack, "ada").say("hello")
    assert [each async for each in orchestrator.conversations()] == []


async def test_a_kind_that_begins_nothing_still_continues_what_is_open(slack, listening):
    channel = await listening(on_direct_message=False)
    turn = await channel.start("UADA")
    ada = User(slack, "ada")
    await ada.say("hello")
    assert turn.chat_id == ada.chat_id
    assert await ada.heard() == ["main begins with None", "main hears 'hello'"]


async def test_a_component_of_the_apps_own_message_can_begin_a_dialog(slack, listening):
    await listening(on_action=named("actions"))
    ada = general(slack)
    message = {"ts": slack.ts(), "text": "Start?", "user": BOT, "thread_ts": "1600000000.000001"}
    await ada.use(message, {"block_id": "mine"}, {"type": "button", "action_id": "go"}, value="now")
    assert await heard_in(slack, "C0GENERAL", "1600000000.000001") == ["actions begins with 'now'"]


def go(action_id="go"):
    return {"block_id": "mine"}, {"type": "button", "action_id": action_id}


async def test_a_component_of_the_apps_own_message_in_a_channel_begins_a_thread(slack, listening):
    await listening(on_action=named("actions"))
    ada = general(slack)
    message = {"ts": slack.ts(), "text": "Start?", "user": BOT}
    slack.channels["C0GENERAL"].append(message)
    await ada.use(message, *go(), value="now")
    ada.thread = message["ts"]
    await ada.say("hello")
    assert await heard_in(slack, "C0GENERAL", message["ts"]) == [
        "actions begins with 'now'",
        "actions hears 'hello'",
    ]


async def test_where_a_channel_is_one_conversation_a_component_begins_that(slack, listening):
    await listening(on_action=named("actions"), channels="channel")
    await general(slack).use({"ts": slack.ts(), "text": "Start?", "user": BOT}, *go(), value="now")
    assert await heard_in(slack, "C0GENERAL", "") == ["actions begins with 'now'"]


async def test_on_a_message_that_does_not_stay_no_thread_can_hang(slack, app, listening):
    await listening(on_action=named("actions"))
    taken = []

    @app.action("go")
    async def taking(ack):
        taken.append(await ack())

    message = {"ts": slack.ts(), "text": "Start?", "user": BOT}
    await general(slack).use(message, *go(), value="now", ephemeral=True)
    assert len(taken) == 1
    ada = User(slack, "ada")
    await ada.use({**message, "ts": slack.ts()}, *go(), value="now", ephemeral=True)
    assert await ada.heard() == ["actions begins with 'now'"]


async def test_components_can_begin_dialogs_by_their_action_ids(slack, app, listening):
    begins = {"order": named("orders"), re.compile("^lunch:"): named("lunches"), "main": True}
    await listening(on_action={**begins, "silent": False})
    taken = []

    @app.action(re.compile(".*"))
    async def rest(ack, action):
        await ack()
        taken.append(action["action_id"])

    for action_id in ("order", "orders", "lunch:7", "my lunch:7", "main", "silent"):
        user = User(slack, "".join(filter(str.isalnum, action_id)))
        await user.use({"ts": slack.ts(), "text": "?", "user": BOT}, *go(action_id), value="v")
        begun = {"order": "orders", "lunch:7": "lunches", "main": "main"}.get(action_id)
        assert await user.heard() == ([f"{begun} begins with 'v'"] if begun else [])
    assert taken == ["orders", "my lunch:7", "silent"]


async def test_components_of_other_messages_are_left_to_the_apps_listeners(slack, app, listening):
    await listening()
    taken = []

    @app.action("go")
    async def go(ack, action):
        await ack()
        taken.append(action["value"])

    ada = general(slack)
    message = {"ts": slack.ts(), "text": "Start?", "user": BOT}
    status = await ada.use(
        message, {"block_id": "mine"}, {"type": "button", "action_id": "go"}, value="now"
    )
    assert (status, taken) == (200, ["now"])


async def test_listeners_registered_before_the_channel_come_first(slack, app, orchestrator, served):
    taken = []

    @app.message("^status$")
    async def status(message):
        taken.append(message["text"])

    SlackChannel(orchestrator, app)
    ada = User(slack, "ada")
    await ada.say("status")
    await ada.say("hello")
    assert taken == ["status"]
    assert await ada.heard() == ["main begins with 'hello'"]


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


def test_the_kinds_are_told_apart():
    assert {kind.name for kind in Kind} == {
        *("TEXT", "INTERACTIVE", "FILE", "THREAD", "DIRECT", "CHANNEL", "MENTION")
    }
