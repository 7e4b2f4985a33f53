"""A Slack, and a Bolt app that talks to it, behind real HTTP."""

import contextlib

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from dialogs import Orchestrator
from dialogs.channels.slack import SlackChannel
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.channels.slack.conversing import main
from tests.channels.slack.fake_slack import SECRET, TOKEN, FakeSlack


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """On a slow machine, too, an event is acknowledged after its turn, and a call is answered."""
    defaults = SlackChannel.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "ack_within", 60.0)
    monkeypatch.setitem(defaults, "timeout", 60.0)


@pytest.fixture
async def slack():
    async with FakeSlack() as slack:
        yield slack


@pytest.fixture
def app(slack):
    return AsyncApp(client=AsyncWebClient(token=TOKEN, base_url=slack.url), signing_secret=SECRET)


@pytest.fixture
async def served(slack, app):
    """The app, behind Bolt's own web server; Slack sends its events there."""
    async with serving(slack, app):
        yield app


@contextlib.asynccontextmanager
async def serving(slack, app):
    runner = web.AppRunner(app.web_app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.events_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


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
