"""When Slack is told that an event has arrived, and what is promised then."""

import asyncio

import pytest

from dialogs import Busy, Orchestrator, call, dialog, get_client_response, send_message
from dialogs.channels.slack import SlackChannel, listening
from tests.channels.slack.slack_people import User
from tests.senders import UnsteadyStore


class Kitchen:
    """Something slow outside."""

    def __init__(self):
        self.entered, self.open = asyncio.Event(), asyncio.Event()

    async def cook(self):
        self.entered.set()
        await self.open.wait()
        return "soup"


@pytest.fixture
def kitchen():
    return Kitchen()


@pytest.fixture
def store():
    return UnsteadyStore()


@pytest.fixture
def at_once(monkeypatch):
    """Failed turns are tried again without waiting, and once."""
    monkeypatch.setattr(listening, "RETRIES_S", (0.0,))


@pytest.fixture
def ack_within():
    return 60


early = pytest.mark.parametrize("ack_within", [0.2])
"""Events are acknowledged before their turns are done: those wait for the kitchen."""


@pytest.fixture
def channel(store, served, kitchen, slack, ack_within):
    @dialog
    def order(opening):
        if opening == "fail":
            raise LookupError("this error is wanted")
        if opening == "slow":
            yield send_message(f"Here is {(yield call(kitchen.cook))}.")
        yield send_message("What else?")
        yield get_client_response()

    orchestrator = Orchestrator(order, store=store, patience=0.05)
    return SlackChannel(orchestrator, served, ack_within=ack_within)


@pytest.fixture
def ada(slack, channel):
    return User(slack, "ada")


async def test_a_quick_turn_is_committed_when_its_event_is_acknowledged(ada, channel):
    status = await ada.post(ada.message("hello"))
    assert status == 200
    conversation = await channel.orchestrator.conversation(ada.chat_id)
    assert conversation.prompt is not None


@early
async def test_a_slow_turn_is_acknowledged_in_time_and_goes_on(ada, channel, kitchen, slack):
    assert await ada.post(ada.message("slow")) == 200
    await asyncio.wait_for(kitchen.entered.wait(), 60)
    assert await ada.heard() == []
    kitchen.open.set()
    await channel.settle()
    assert await ada.heard() == ["Here is soup.", "What else?"]


@early
async def test_settling_waits_for_turns_under_way(ada, channel, kitchen):
    await ada.post(ada.message("slow"))
    settling = asyncio.ensure_future(channel.settle())
    await asyncio.sleep(0)
    assert not settling.done()
    kitchen.open.set()
    await asyncio.wait_for(settling, 60)
    assert len(await ada.heard()) == 2


async def test_what_people_say_among_themselves_is_no_work_for_the_store(slack, channel, store):
    ada = User(slack, "ada", "C0GENERAL")
    await ada.post(ada.message("lunch?"))
    await ada.post(ada.message("yes", thread_ts="1600000000.000001"))
    assert set(store.calls) == {"load"}


async def test_an_event_that_the_store_failed_is_sent_again_by_slack(ada, channel, store):
    event = ada.message("hello")
    store.fail("claim", "before")
    assert await ada.post(event) == 503
    assert await ada.post(event, retry=1) == 200
    assert await ada.heard() == ["What else?"]


async def test_a_turn_whose_commit_was_not_confirmed_counts_once(ada, channel, store):
    event = ada.message("hello")
    store.fail("commit", "after")
    assert await ada.post(event) == 503
    assert await ada.post(event, retry=1) == 200
    assert await ada.heard() == ["What else?"]


async def test_an_event_for_a_busy_conversation_is_sent_again_by_slack(ada, channel, monkeypatch):
    async def busy(*_, **__):
        raise Busy(ada.chat_id, 30)

    with monkeypatch.context() as patch:
        patch.setattr(channel.orchestrator, "handle_message", busy)
        assert await ada.post(ada.message("hello")) == 503
    assert await ada.post(ada.message("hello")) == 200


async def test_a_dialogs_own_error_is_logged_and_not_sent_again(ada, channel, caplog):
    assert await ada.post(ada.message("fail")) == 200
    assert "this error is wanted" in caplog.text


@early
async def test_a_slow_turn_that_the_store_fails_is_tried_again(
    ada, channel, store, kitchen, at_once
):
    """Slack was told that all is well: it does not send the event again."""
    await ada.post(ada.message("slow"))
    store.fail("commit", "before")
    kitchen.open.set()
    await channel.settle()
    assert await ada.heard() == ["Here is soup.", "What else?"]


@early
@pytest.mark.usefixtures("at_once")
async def test_a_slow_turn_that_the_store_always_fails_is_lost_and_logged(
    ada, channel, store, kitchen, caplog
):
    await ada.post(ada.message("slow"))
    for _ in range(2):
        store.fail("commit", "before")
    kitchen.open.set()
    await channel.settle()
    assert "was lost" in caplog.text
    assert await ada.heard() == []


@early
async def test_a_slow_turn_that_fails_is_logged(ada, channel, kitchen, caplog, monkeypatch):
    async def burnt():
        kitchen.entered.set()
        await kitchen.open.wait()
        raise LookupError("burnt, as it should be")

    monkeypatch.setattr(kitchen, "cook", burnt)
    await ada.post(ada.message("slow"))
    kitchen.open.set()
    await channel.settle()
    assert "burnt" in caplog.text


async def test_a_turn_goes_on_where_slack_hangs_up(ada, channel, kitchen, slack):
    posting = asyncio.ensure_future(ada.post(ada.message("slow")))
    await kitchen.entered.wait()
    posting.cancel()
    kitchen.open.set()
    await channel.settle()
    assert await ada.heard() == ["Here is soup.", "What else?"]
