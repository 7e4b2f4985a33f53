"""The app's settings at Slack: what the manifest asks for is what the docs say, and is enough."""

import re
from pathlib import Path

import pytest

from dialogs import Attachment, ChannelError, Message, Orchestrator, dialog, send_message
from dialogs.channels.slack import SlackChannel
from dialogs.stores import MemoryStore
from tests.channels.slack.fake_slack import BOT, SCOPES, SUBSCRIBED, TEAM
from tests.channels.slack.slack_people import User

PAGE = Path(__file__).parents[3] / "docs/channels/slack.md"


@dialog
def greeter(opening):
    yield send_message(f"Hello, {opening}!")


@pytest.fixture
async def channel(served):
    orchestrator = Orchestrator(greeter, store=MemoryStore())
    async with SlackChannel(orchestrator, served) as channel:
        yield channel


def test_the_table_of_scopes_and_the_manifest_say_the_same():
    table = (
        PAGE.read_text("utf-8").partition("| for | bot events | scopes |")[2].partition("\n\n")[0]
    )
    rows = [line.split("|")[2:4] for line in table.splitlines()[2:]]
    events, scopes = (
        re.findall(r"`(.+?)`", " ".join(column)) for column in zip(*rows, strict=True)
    )
    assert sorted(events) == sorted(SUBSCRIBED)
    assert sorted(scopes) == sorted(SCOPES)


@pytest.mark.parametrize(
    ("channel_id", "kind", "scope"),
    [
        ("DADA", "im", "im:history"),
        ("C0GENERAL", "channel", "channels:history"),
        ("C0SECRET", "group", "groups:history"),
        ("C0SEVERAL", "mpim", "mpim:history"),
    ],
)
async def test_each_kind_of_place_is_heard_by_its_scope(slack, channel, channel_id, kind, scope):
    slack.channels.setdefault(channel_id, [])
    slack.scopes.discard("app_mentions:read")
    ada = User(slack, "ada", channel_id)
    event = ada.message(f"<@{BOT}> Ada", channel_type=kind)
    slack.scopes.discard(scope)
    await ada.post(event)
    said = [each for each in slack.channels[channel_id] if each["user"] == BOT]
    assert said == []
    slack.scopes.add(scope)
    await ada.post(event)
    said = [each["text"] for each in slack.channels[channel_id] if each["user"] == BOT]
    assert said == ["Hello, Ada!"]


async def to_a_person(channel):
    await channel.start("UADA")


async def a_file(channel):
    chat_id = f"slack:{TEAM}:C0GENERAL"
    message = Message(attachments=(Attachment("a.txt", content=b"a"),))
    await channel.send_message(chat_id, message, delivery_id=f"{chat_id}/1")


async def words(channel):
    chat_id = f"slack:{TEAM}:C0GENERAL"
    await channel.send_message(chat_id, "Hello", delivery_id=f"{chat_id}/1")


@pytest.mark.parametrize(
    ("scope", "doing"), [("chat:write", words), ("im:write", to_a_person), ("files:write", a_file)]
)
async def test_what_the_app_says_needs_the_scope_and_no_other(slack, channel, scope, doing):
    slack.scopes = set(SCOPES) - {scope}
    with pytest.raises(ChannelError, match="missing_scope") as caught:
        await doing(channel)
    assert not caught.value.permanent  # it passes when the scope was added
    slack.scopes = {scope, "chat:write"}
    await doing(channel)
