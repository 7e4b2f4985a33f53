"""Who may send events: Slack alone. Real signatures over real HTTP, against the whole app."""

import json
import time

import pytest

from dialogs import Orchestrator, dialog, get_client_response, send_message
from dialogs.channels.slack import SlackChannel
from dialogs.stores import MemoryStore
from tests.channels.slack.fake_slack import SECRET, signed
from tests.channels.slack.slack_people import User, callback


@dialog
def echo(opening):
    yield send_message(f"You said {opening!r}.")
    while True:
        said = yield get_client_response()
        yield send_message(f"And then {said!r}.")


@pytest.fixture
async def channel(served):
    async with SlackChannel(Orchestrator(echo, store=MemoryStore()), served) as channel:
        yield channel


@pytest.fixture
def ada(slack, channel):
    return User(slack, "ada")


@pytest.fixture
def said(ada):
    """A direct message, as the bytes that Slack would send."""
    return json.dumps(callback(ada.message("hello")))


JSON = {"Content-Type": "application/json"}


async def nothing_happened(slack, channel):
    conversations = [each async for each in channel.orchestrator.conversations()]
    return not conversations and slack.count("chat.postMessage") == 0


async def test_an_event_that_slack_signed_is_heard(slack, channel, ada, said):
    status, _ = await slack.post(said, {**JSON, **signed(said)})
    assert status == 200
    assert await ada.heard() == ["You said 'hello'."]


FORGED = {
    "none": lambda data: {},
    "of another secret": lambda data: signed(data, secret="another"),
    "of other bytes": lambda data: signed(data + " "),
    "no signature": lambda data: {**signed(data), "X-Slack-Signature": ""},
    "of no version": lambda data: {
        **signed(data),
        "X-Slack-Signature": signed(data)["X-Slack-Signature"].removeprefix("v0="),
    },
    "with letters that no signature has": lambda data: {
        **signed(data),
        "X-Slack-Signature": "v0=\xe9",
    },
    "for another time": lambda data: {
        **signed(data),
        "X-Slack-Request-Timestamp": str(int(time.time()) + 60),
    },
    "for no time": lambda data: {**signed(data), "X-Slack-Request-Timestamp": "soon"},
    "without a time": lambda data: {"X-Slack-Signature": signed(data)["X-Slack-Signature"]},
    "older than five minutes": lambda data: signed(data, at=int(time.time()) - 301),
    "from the future": lambda data: signed(data, at=int(time.time()) + 3_600),
}


@pytest.mark.parametrize("signature", FORGED)
async def test_a_wrong_or_old_signature_is_refused(slack, channel, said, signature):
    status, text = await slack.post(said, {**JSON, **FORGED[signature](said)})
    assert status >= 400
    assert SECRET not in text
    assert await nothing_happened(slack, channel)


async def test_a_forged_press_is_refused(slack, channel, ada):
    await ada.say("hello")
    form = "payload=" + json.dumps({"type": "block_actions", "actions": [{}]})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _ = await slack.post(form, {**headers, **signed(form, secret="another")})
    assert status == 401


async def test_a_recorded_request_that_is_replayed_later_is_refused(slack, channel, ada, said):
    """Whoever has recorded a request with its signature can do nothing with it later."""
    recorded = {**JSON, **signed(said, at=int(time.time()) - 310)}
    status, _ = await slack.post(said, recorded)
    assert status == 401
    assert await nothing_happened(slack, channel)


async def test_a_recorded_request_that_is_replayed_at_once_counts_once(slack, channel, ada, said):
    recorded = {**JSON, **signed(said)}
    for _ in range(3):
        status, _ = await slack.post(said, recorded)
        assert status == 200
    assert await ada.heard() == ["You said 'hello'."]


async def test_the_address_is_verified_with_its_challenge(slack, channel):
    data = json.dumps({"token": "old", "challenge": "3eZbrw1aB", "type": "url_verification"})
    status, text = await slack.post(data, {**JSON, **signed(data)})
    assert status == 200
    assert "3eZbrw1aB" in text


async def test_a_challenge_that_slack_did_not_sign_is_refused(slack, channel):
    data = json.dumps({"challenge": "3eZbrw1aB", "type": "url_verification"})
    status, text = await slack.post(data, {**JSON, **signed(data, secret="another")})
    assert status == 401
    assert "3eZbrw1aB" not in text


NONSENSE = [
    "",
    "[]",
    "null",
    "{}",
    "not json",
    json.dumps({"type": "event_callback"}),
    json.dumps({"type": "event_callback", "event": None}),
    json.dumps({"type": "event_callback", "event": {"type": "message"}}),
    json.dumps({"type": "event_callback", "event": {"type": "message", "channel": "D1"}}),
    json.dumps({"type": "block_actions", "actions": []}),
    json.dumps({"type": "block_actions", "actions": [{"action_id": "dialogs:x:y"}]}),
]


@pytest.mark.parametrize("data", NONSENSE)
async def test_nonsense_begins_nothing_and_harms_nobody(slack, channel, ada, data):
    await slack.post(data, {**JSON, **signed(data)})
    assert await nothing_happened(slack, channel)
    await ada.say("hello")
    assert await ada.heard() == ["You said 'hello'."]
