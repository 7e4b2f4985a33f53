"""A dialog for each kind of event, and those that components begin."""

import re

from slack_bolt.async_app import AsyncApp

from dialogs import Orchestrator
from dialogs.channels.slack import Kind, SlackChannel
from dialogs.stores import MemoryStore
from tests.channels.slack.conftest import serving
from tests.channels.slack.conversing import general, heard_in, main, named, say
from tests.channels.slack.fake_slack import BOT, SECRET
from tests.channels.slack.slack_people import User


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


def test_the_kinds_are_told_apart():
    assert {kind.name for kind in Kind} == {
        *("TEXT", "INTERACTIVE", "FILE", "THREAD", "DIRECT", "CHANNEL", "MENTION")
    }
