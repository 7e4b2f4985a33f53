"""The bot against the tests' Slack: over HTTP behind FastAPI and uvicorn, and over Socket Mode."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from examples.slack_bot import over_http, over_socket
from tests.channels.slack.conftest import patience  # noqa: F401 - a fixture
from tests.channels.slack.fake_slack import APP_TOKEN, BOT, SECRET, TOKEN, FakeSlack
from tests.channels.slack.slack_people import User, callback
from tests.waiting import until


@pytest.fixture
async def slack():
    async with FakeSlack() as slack:
        yield slack


def bolt(slack):
    return AsyncApp(client=AsyncWebClient(token=TOKEN, base_url=slack.url), signing_secret=SECRET)


@asynccontextmanager
async def web_server(slack, file):
    web = over_http.create_app(bolt(slack), file)
    server = uvicorn.Server(uvicorn.Config(web, port=0, ws="none", log_level="warning"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    slack.events_url = f"http://127.0.0.1:{port}/slack/events"
    yield
    server.should_exit = True
    await serving


async def test_a_pizza_is_ordered_over_http_and_across_a_restart(slack, tmp_path):
    ada = User(slack, "ada")
    async with web_server(slack, str(tmp_path / "bot.db")):
        await ada.say("Hello!")
        await ada.press("Funghi")
    async with web_server(slack, str(tmp_path / "bot.db")):
        await ada.say("two")
        await ada.say("2")
        await ada.press("Yes")
    assert await ada.heard() == [
        "Which pizza would you like?\n✓ Funghi",
        "How many?",
        "Please answer with a whole number. How many?",
        "2 x Funghi, 18 euros. Shall I order?\n✓ Yes",
        "On its way!",
    ]


async def test_a_thread_orders_over_socket_mode(slack, tmp_path):
    bot = asyncio.create_task(over_socket.main(bolt(slack), APP_TOKEN, str(tmp_path / "bot.db")))
    await until(lambda: slack.sockets)
    ada, bob = User(slack, "ada", "C0GENERAL"), User(slack, "bob", "C0GENERAL")
    mention = ada.message(f"<@{BOT}> Friday!")
    ada.thread = bob.thread = mention["ts"]
    for event in (mention, ada.message("Funghi"), bob.message("Margherita")):
        await slack.through_socket("events_api", callback(event))
    message, block, element = bob.buttons("Order them")[-1]
    action = {"type": "button", "block_id": block["block_id"], "action_ts": slack.ts()}
    action |= {"action_id": element["action_id"]}
    await slack.through_socket("interactive", bob.interaction(message, action))
    assert await ada.heard() == [
        "Friday! Say which pizza you would like, each of you.",
        "That makes 1.\nOrder them",
        "That makes 2.\n<@UBOB>\n✓ Order them",
        "Ordered: Funghi, Margherita.",
    ]
    bot.cancel()
    with suppress(asyncio.CancelledError):
        await bot
