"""Messages on their way to Slack: seen once, in order, whatever fails."""

import asyncio

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.oauth.installation_store import FileInstallationStore, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.web.async_client import AsyncWebClient

from dialogs import (
    Attachment,
    ChannelError,
    Message,
    Orchestrator,
    StoreUnavailable,
    UsageError,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.channels.slack import Place, SlackChannel, posting
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.channels.slack.conftest import serving
from tests.channels.slack.fake_slack import BOT, BOT_ID, SECRET, TEAM, TOKEN
from tests.channels.slack.slack_people import User, callback

CHAT = f"slack:{TEAM}:C0GENERAL"


@dialog
def echo(opening):
    said = opening
    while True:
        yield send_message(f"You said {said!r}.")
        said = yield get_client_response()


def made(app, store=None, clock=None, **options):
    orchestrator = Orchestrator(echo, store=store or MemoryStore(), clock=clock or FakeClock())
    return SlackChannel(orchestrator, app, **options)


async def post(channel, message="Hello", chat_id=CHAT, number=1):
    await channel.send_message(chat_id, message, delivery_id=f"{chat_id}/{number}")


def texts(slack, channel="C0GENERAL"):
    return [message["text"] for message in slack.channels[channel]]


# --- what fails for now, and what fails for ever ----------------------------------------------


async def test_a_short_rate_limit_is_waited_for(slack, app):
    slack.fail("chat.postMessage", 0, 0)
    await post(made(app))
    assert texts(slack) == ["Hello"]
    assert slack.count("chat.postMessage") == 3


@pytest.mark.parametrize("fault", [30, "500", "internal_error", "invalid_auth", "missing_scope"])
async def test_what_may_pass_is_left_to_be_sent_again(slack, app, fault):
    slack.fail("chat.postMessage", fault)
    channel = made(app)
    with pytest.raises(ChannelError) as caught:
        await post(channel)
    assert not caught.value.permanent
    assert caught.value.retry_after_s == (fault if fault == 30 else None)
    await post(channel)
    assert texts(slack) == ["Hello"]


@pytest.mark.parametrize(
    "fault",
    [
        *("channel_not_found", "is_archived", "not_in_channel", "account_inactive"),
        *("msg_too_long", "invalid_blocks", "cannot_dm_bot", "messages_tab_disabled"),
    ],
)
async def test_what_cannot_pass_is_given_up(slack, app, fault):
    slack.fail("chat.postMessage", fault)
    with pytest.raises(ChannelError, match=fault) as caught:
        await post(made(app))
    assert caught.value.permanent


@pytest.mark.parametrize("fault", ["invalid_blocks", "msg_blocks_too_long"])
async def test_blocks_that_slack_refuses_give_way_to_the_text(slack, app, fault, caplog):
    slack.fail("chat.postMessage", fault)
    blocks = ({"type": "section", "text": {"type": "mrkdwn", "text": "?"}},)
    await post(made(app), Message("Which *day* & hour?", blocks=blocks))
    [message] = slack.channels["C0GENERAL"]
    assert (message["text"], message.get("blocks")) == ("Which *day* &amp; hour?", None)
    assert fault in caplog.text
    await resent(slack, app, Message("Which *day* & hour?", blocks=blocks))
    assert len(texts(slack)) == 1


async def test_blocks_that_are_refused_for_another_reason_are_not_said_in_text(slack, app):
    slack.fail("chat.postMessage", "internal_error")
    with pytest.raises(ChannelError):
        await post(made(app), Message("?", blocks=({"type": "divider"},)))
    assert texts(slack) == []


async def test_a_call_that_hangs_is_given_up_for_now(slack, app):
    slack.fail("chat.postMessage", "hang")
    with pytest.raises(ChannelError) as caught:
        await post(made(app, timeout=0.05))
    assert not caught.value.permanent


async def test_a_slack_that_cannot_be_reached_is_tried_again(slack):
    away = AsyncApp(
        client=AsyncWebClient(token=TOKEN, base_url="http://127.0.0.1:9/api/", retry_handlers=[]),
        signing_secret=SECRET,
    )
    with pytest.raises(ChannelError) as caught:
        await post(made(away))
    assert not caught.value.permanent


async def test_an_error_says_no_token(slack, app):
    slack.fail("chat.postMessage", "invalid_auth")
    with pytest.raises(ChannelError) as caught:
        await post(made(app))
    assert TOKEN not in str(caught.value)


# --- once -------------------------------------------------------------------------------------


class ForgetfulStore(MemoryStore):
    """A store that is away whenever it should note what was sent, as after a crash."""

    away = False

    async def commit(self, claim, body, *, hold_s=None, **options):
        if self.away and hold_s is None:
            raise StoreUnavailable("the store", "commit", "away")
        return await super().commit(claim, body, hold_s=hold_s, **options)


@pytest.mark.parametrize("mentions", [False, True])
async def test_what_was_sent_before_a_crash_is_not_sent_again(slack, app, served, mentions):
    store, clock = ForgetfulStore(), FakeClock()
    made(served, store, clock)
    ada = User(slack, "ada", "C0GENERAL" if mentions else None, mentions=mentions)
    await ada.say("one")
    store.away = True
    await ada.say("two")
    store.away = False
    unsent = await Orchestrator(echo, store=store, clock=clock).conversation(ada.chat_id)
    assert [message for _, message in unsent.outbox] == ["You said 'two'."]
    clock.advance(31)  # the lease of the process that died
    other = made(AsyncApp(client=app.client, signing_secret=SECRET), store, clock)
    await other.orchestrator.fire_due()
    assert await ada.heard() == ["You said 'one'.", "You said 'two'."]
    assert not (await other.orchestrator.conversation(ada.chat_id)).outbox


async def resent(slack, app, message="Hello", number=1, place=CHAT):
    """Another process sends a message that may have been sent."""
    channel = made(AsyncApp(client=app.client, signing_secret=SECRET))
    await channel.resend_message(place, message, delivery_id=f"{place}/{number}")


async def test_what_was_not_sent_before_a_crash_is_sent(slack, app):
    await post(made(app), "Another", number=1)
    await resent(slack, app, "Hello", number=2)
    assert texts(slack) == ["Another", "Hello"]


async def test_of_a_message_in_parts_the_missing_ones_are_sent(slack, app):
    long = " ".join(f"word{number}" for number in range(2000))
    slack.fail("chat.postMessage", None, None, "internal_error")
    with pytest.raises(ChannelError):
        await post(made(app), long)
    await resent(slack, app, long)
    assert " ".join(texts(slack)) == long


async def test_a_message_whose_answer_was_lost_is_seen_once(slack, app):
    channel = made(app)
    slack.fail("chat.postMessage", "lost")
    with pytest.raises(ChannelError):
        await post(channel)
    await channel.resend_message(CHAT, "Hello", delivery_id=f"{CHAT}/1")
    assert texts(slack) == ["Hello"]


async def test_a_message_is_found_far_back(slack, app):
    await post(made(app))
    for number in range(500):
        slack.channels["C0GENERAL"].append({"ts": slack.ts(), "text": str(number), "user": "U1"})
    await resent(slack, app)
    assert texts(slack).count("Hello") == 1
    assert slack.count("conversations.history") == 3


async def test_where_the_history_cannot_be_read_a_message_is_rather_said_twice(slack, app):
    await post(made(app))
    slack.fail("conversations.history", "missing_scope")
    await resent(slack, app)
    assert texts(slack) == ["Hello", "Hello"]


async def test_where_the_history_cannot_be_read_now_a_message_waits(slack, app):
    await post(made(app))
    slack.fail("conversations.history", 60)
    with pytest.raises(ChannelError) as caught:
        await resent(slack, app)
    assert not caught.value.permanent
    assert texts(slack) == ["Hello"]


def chatter(slack, count, **more):
    for number in range(count):
        message = {"ts": slack.ts(), "text": str(number), "user": "U1", **more}
        slack.channels["C0GENERAL"].append(message)


@pytest.mark.parametrize("thread", ["", "1600000000.000001"])
async def test_a_history_that_may_be_read_in_part_only_holds_up_nothing(slack, app, thread):
    place = Place(TEAM, "C0GENERAL", thread).chat_id
    chatter(slack, 300, **({"thread_ts": thread} if thread else {}))
    slack.fail("conversations.replies" if thread else "conversations.history", None, 60)
    await resent(slack, app, place=place)
    assert texts(slack)[-1] == "Hello"


async def test_what_was_said_just_now_is_found_at_once(slack, app):
    chatter(slack, 300)
    await post(made(app))
    await resent(slack, app)
    assert texts(slack).count("Hello") == 1
    assert slack.count("conversations.history") == 1


async def test_of_a_message_in_parts_in_a_long_thread_the_missing_ones_are_sent(slack, app):
    thread = "1600000000.000001"
    place = Place(TEAM, "C0GENERAL", thread).chat_id
    long = " ".join(f"word{number}" for number in range(2000))
    chatter(slack, 199, thread_ts=thread)
    slack.fail("chat.postMessage", None, None, "internal_error")
    with pytest.raises(ChannelError):
        await post(made(app), long, chat_id=place)
    await resent(slack, app, long, place=place)
    assert " ".join(texts(slack)[199:]) == long


async def test_an_unsent_message_is_sent_before_the_next_turns(slack, served):
    made(served)
    ada = User(slack, "ada")
    slack.fail("chat.postMessage", "internal_error")
    await ada.say("one")
    assert await ada.heard() == []
    await ada.say("two")
    assert await ada.heard() == ["You said 'one'.", "You said 'two'."]


async def test_what_can_never_be_sent_holds_up_nothing(slack, served):
    made(served)
    ada = User(slack, "ada")
    slack.fail("chat.postMessage", "invalid_blocks")
    await ada.say("one")
    await ada.say("two")
    assert await ada.heard() == ["You said 'two'."]


# --- files, workspaces, places ----------------------------------------------------------------


async def test_a_file_with_content_is_uploaded_to_its_conversation(slack, app):
    notes = Attachment("notes.txt", media_type="text/plain", content=b"Bring a pen.")
    thread = f"{CHAT}:1600000000.000001"
    await post(made(app), Message("Here.", attachments=(notes,)), thread)
    words, shared = slack.channels["C0GENERAL"]
    assert words["text"] == "Here."
    assert shared["thread_ts"] == "1600000000.000001"
    assert shared["files"] == [{"name": "notes.txt", "length": 12, "content": b"Bring a pen."}]


async def test_between_aenter_and_aexit_connections_stay_open(slack, app):
    async with made(app) as channel:
        for number in range(5):
            await post(channel, number=number)
        assert len(slack.connections) == 1
    for number in range(5, 10):  # and without, each call has one of its own
        await post(channel, number=number)
    assert len(slack.connections) == 6
    assert len(texts(slack)) == 10


class Installations(AsyncInstallationStore):
    """An installation store with one workspace."""

    team = TEAM

    async def async_find_bot(self, *, enterprise_id, team_id, is_enterprise_install=False):
        return type("Bot", (), {"bot_token": TOKEN}) if team_id == self.team else None


@pytest.fixture
def distributed(slack):
    async def authorize(**_):
        return AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_token=TOKEN)

    return AsyncApp(
        client=AsyncWebClient(base_url=slack.url),
        signing_secret=SECRET,
        authorize=authorize,
        installation_store=Installations(),
    )


async def test_an_app_in_many_workspaces_uses_the_token_of_each(slack, distributed):
    channel = made(distributed)
    await post(channel)
    assert texts(slack) == ["Hello"]
    with pytest.raises(ChannelError, match="T0GONE") as caught:
        await post(channel, chat_id="slack:T0GONE:C0GENERAL")
    assert not caught.value.permanent  # it may be in an organization, of which no event told yet


@pytest.mark.parametrize("is_installed_there", [False, True])
async def test_a_workspace_of_an_organization_is_found_once_an_event_came(
    slack, tmp_path, is_installed_there
):
    """With an installation store of Slack's own, and Bolt's own way to look in it."""
    store = FileInstallationStore(base_dir=str(tmp_path))
    names = {"enterprise_id": "E0ORG", "is_enterprise_install": is_installed_there}
    team = None if is_installed_there else TEAM
    store.save(
        Installation(
            user_id="U1", bot_token=TOKEN, bot_id=BOT_ID, bot_user_id=BOT, team_id=team, **names
        )
    )

    def new_app():
        client = AsyncWebClient(base_url=slack.url)
        return AsyncApp(client=client, signing_secret=SECRET, installation_store=store)

    app, ada = new_app(), User(slack, "ada")
    made(app)
    async with serving(slack, app):
        body = callback(ada.message("hello"))
        body["authorizations"][0] |= names
        assert await slack.send(body) == 200
    assert await ada.heard() == ["You said 'hello'."]
    after_a_restart = made(new_app())
    with pytest.raises(ChannelError) as caught:
        await post(after_a_restart, chat_id=ada.chat_id, number=2)
    assert not caught.value.permanent


async def test_what_is_said_where_the_app_was_removed_is_given_up(slack, distributed):
    channel = made(distributed)
    async with serving(slack, distributed):
        await User(slack, "ada").say("hello")
    distributed.installation_store.team = "T0OTHER"
    with pytest.raises(ChannelError, match="not installed") as caught:
        await post(channel)
    assert caught.value.permanent


async def test_a_person_who_cannot_be_written_to_is_an_error(slack, app):
    with pytest.raises(ChannelError, match="user_not_found") as caught:
        await made(app).start("WNOBODY")
    assert caught.value.permanent


async def test_a_thread_cannot_begin_with_nothing(slack, app):
    with pytest.raises(UsageError, match="hangs on a message"):
        await made(app).start("C0GENERAL")


async def test_a_long_first_message_is_said_in_whole(slack, app):
    long = " ".join(f"word{number}" for number in range(1000))
    turn = await made(app).start("C0GENERAL", long)
    thread = Place.of(turn.chat_id).thread
    first, *rest = slack.channels["C0GENERAL"]
    assert first["ts"] == thread
    assert {message["thread_ts"] for message in rest} == {thread}
    assert " ".join(texts(slack)[:-1]) == long


@pytest.mark.parametrize("chat_id", ["web:1", "slack:", "slack:T1", "slack:T1:", "slack:T:C:1:2"])
def test_what_is_no_place_of_slacks_is_refused(chat_id):
    with pytest.raises(UsageError, match="no conversation of Slack"):
        Place.of(chat_id)


async def test_what_is_said_to_no_place_of_slacks_is_given_up(app):
    with pytest.raises(ChannelError, match="no conversation of Slack") as caught:
        await post(made(app), chat_id="slack:nowhere")
    assert caught.value.permanent


async def test_a_process_remembers_only_so_much(slack, app, monkeypatch):
    monkeypatch.setattr(posting, "REMEMBERED", 2)
    channel = made(app)
    for number in (1, 2, 3, 3, 2, 1):
        await post(channel, number=number)
    assert len(texts(slack)) == 4  # the first was forgotten, and is posted anew


async def test_messages_of_many_conversations_are_sent_at_once(slack, app):
    async with made(app) as channel:
        people = [slack.direct(f"U{number}") for number in range(50)]
        await asyncio.gather(*[post(channel, chat_id=f"slack:{TEAM}:{each}") for each in people])
    assert all(texts(slack, each) == ["Hello"] for each in people)
