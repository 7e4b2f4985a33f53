"""Servers that echo what people write: each with a dialog, and as the bare framework alone.

The platform, the people and the server share one event loop. A message's text is its key.
"""

from __future__ import annotations

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections import defaultdict
from contextlib import AsyncExitStack, nullcontext, suppress
from typing import Any

import aiohttp
import uvicorn
from aiohttp import web
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.conversations import body_after, put
from dialogs import Orchestrator, dialog, get_client_response, send_message
from dialogs.channels.slack import SlackChannel
from dialogs.channels.web import create_app
from dialogs.stores import MemoryStore
from tests.channels.slack.fake_slack import SECRET, TOKEN, FakeSlack
from tests.channels.slack.slack_people import User, callback

PATIENCE_S = 120
"""How long a crowd may take to be answered before something is broken."""

HISTORY = 100
WITHOUT_END = 1e9


@dialog
def echo() -> Any:
    while True:
        said = yield get_client_response()
        yield send_message(said)


class Echo(ABC):
    """A server that echoes, and people who write to it: each again when they were answered."""

    def __init__(self) -> None:
        self.stack = AsyncExitStack()

    @abstractmethod
    async def open(self) -> None: ...

    async def close(self) -> None:
        await self.stack.aclose()

    async def fresh(self, people: list[list[str]]) -> None:
        """Let there be people, and what each of them will write."""
        async with asyncio.timeout(PATIENCE_S):
            await self.gather(people)

    @abstractmethod
    async def gather(self, people: list[list[str]]) -> None: ...

    async def run(self) -> list[list[str]]:
        """Let them write; returns what each of them was told."""
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.gather(*self.talks())

    @abstractmethod
    def talks(self) -> list[Any]: ...


# --- Slack ------------------------------------------------------------------------------------


class Platform(FakeSlack):
    """A Slack that passes on what is posted."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)

    def do_chat_post_message(self, arguments: Any) -> Any:
        answer = super().do_chat_post_message(arguments)
        assert isinstance(answer, dict), answer
        self.posted[arguments["channel"]].put_nowait(arguments["text"])
        return answer

    def forget(self) -> None:
        for kept in (self.channels, self.calls, self.acks, self.posted, self.connections):
            kept.clear()


class SlackEcho(Echo):
    """A Bolt app behind aiohttp, with one session for all its calls of Slack."""

    async def open(self) -> None:
        self.platform = await self.stack.enter_async_context(Platform())
        session = await self.stack.enter_async_context(aiohttp.ClientSession())
        client = AsyncWebClient(token=TOKEN, base_url=self.platform.url, session=session)
        app = AsyncApp(client=client, signing_secret=SECRET)
        await self.listen(app)
        runner = web.AppRunner(app.web_app(), access_log=None)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.platform.events_url = f"{address}/slack/events"
        self.names = map(str, itertools.count(1))

    @abstractmethod
    async def listen(self, app: AsyncApp) -> None: ...

    async def gather(self, people: list[list[str]]) -> None:
        # New people each time: a channel remembers what it posted to the others.
        self.platform.forget()
        self.users = [User(self.platform, next(self.names)) for _ in people]
        self.events = [
            [callback(user.message(text), f"Ev-{user.id}-{text}") for text in texts]
            for user, texts in zip(self.users, people, strict=True)
        ]

    def talks(self) -> list[Any]:
        return list(map(self._talk, self.users, self.events))

    async def _talk(self, user: User, events: list[Any]) -> list[str]:
        told = []
        for event in events:
            assert await self.platform.send(event) == 200
            told.append(await self.platform.posted[user.channel].get())
        return told


class BareSlack(SlackEcho):
    async def listen(self, app: AsyncApp) -> None:
        @app.event("message")
        async def answer(event: Any, client: AsyncWebClient) -> None:
            await client.chat_postMessage(channel=event["channel"], text=event["text"])


class DialogsSlack(SlackEcho):
    """The channel, with conversations that have some turns already.

    Args:
        turns: how many.
    """

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.turns = turns
        self.store = MemoryStore()
        self.chat_ids: list[str] = []

    async def listen(self, app: AsyncApp) -> None:
        self.body = await body_after(self.turns, echo)
        channel = SlackChannel(Orchestrator(echo, store=self.store), app)
        await self.stack.enter_async_context(channel)

    async def gather(self, people: list[list[str]]) -> None:
        await super().gather(people)
        for chat_id in self.chat_ids:
            await self.store.delete(chat_id)
        self.chat_ids = [user.chat_id for user in self.users]
        await put(self.store, self.chat_ids, self.body)


# --- WebSockets -------------------------------------------------------------------------------


class Server(uvicorn.Server):
    """One that leaves signals to this process."""

    def capture_signals(self) -> Any:
        return nullcontext()


class WebEcho(Echo):
    """An app behind uvicorn, with a WebSocket for each person."""

    async def open(self) -> None:
        config = uvicorn.Config(await self.app(), port=0, log_level="warning", access_log=False)
        server = Server(config)
        serving = asyncio.ensure_future(server.serve())
        while not server.started:
            assert not serving.done(), "uvicorn did not start"
            await asyncio.sleep(0.01)
        self.stack.push_async_callback(self._stop, server, serving)
        port = server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        # Without a limit: a crowd has more sockets than one session opens by default.
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.session = await self.stack.enter_async_context(session)
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def _stop(self, server: Server, serving: asyncio.Future[None]) -> None:
        server.should_exit = True
        await serving

    async def close(self) -> None:
        await self._hang_up()
        await super().close()

    async def _hang_up(self) -> None:
        await asyncio.gather(*(socket.close() for socket in self.sockets))
        self.sockets.clear()

    @abstractmethod
    async def app(self) -> FastAPI: ...

    async def gather(self, people: list[list[str]]) -> None:
        await self._hang_up()
        self.people = people
        for _ in people:
            self.sockets.append(await self.session.ws_connect(f"{self.address}/live"))

    def talks(self) -> list[Any]:
        return list(map(self._talk, self.sockets, self.people))

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse, texts: list[str]) -> list[str]:
        told = []
        for text in texts:
            await socket.send_json({"type": "message", "message_id": text, "text": text})
            answered = False
            while not answered:
                frame = await socket.receive_json()
                told += said_in(frame)
                answered = frame["type"] == "answered"
        return told


def said_in(frame: Any) -> list[str]:
    """What a frame says to a person, from either server."""
    if "text" in frame:
        return [frame["text"]]
    return [entry["text"] for entry in frame.get("messages", ()) if not entry["by_client"]]


class BareWeb(WebEcho):
    async def app(self) -> FastAPI:
        app = FastAPI()

        @app.websocket("/live")
        async def live(socket: WebSocket) -> None:
            await socket.accept()
            with suppress(WebSocketDisconnect):
                while True:
                    heard = await socket.receive_json()
                    await socket.send_json({**heard, "type": "answered"})

        return app


class DialogsWeb(WebEcho):
    """The web channel, with conversations that have some turns already.

    Args:
        turns: how many.
    """

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.turns = turns
        self.store = MemoryStore()
        self.started: list[dict[str, Any]] = []

    async def app(self) -> FastAPI:
        self.body = await body_after(self.turns, echo, history=HISTORY)
        return create_app(
            Orchestrator(echo, store=self.store, history=HISTORY),
            secret="a secret of the benchmarks",  # noqa: S106 - guards nothing
            messages_per_minute=WITHOUT_END,
            starts_per_minute=WITHOUT_END,
            connections_per_minute=WITHOUT_END,
        )

    async def gather(self, people: list[list[str]]) -> None:
        await super().gather(people)
        while len(self.started) < len(people):
            async with self.session.post(f"{self.address}/conversations") as answer:
                self.started.append(await answer.json())
        started = self.started[: len(people)]
        await put(self.store, [f"web:{each['id']}" for each in started], self.body)
        for socket, each in zip(self.sockets, started, strict=True):
            await socket.send_json({"type": "hello", "token": each["token"]})
            for frame in ("welcome", "news"):
                assert (await socket.receive_json())["type"] == frame
