"""Clients of the web channel for the tests: over REST, in this process; and over a real socket."""

import asyncio
import contextlib
import itertools
import json

import httpx
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from dialogs.channels.web import create_app
from dialogs.stores import MemoryStore
from tests.channels.web.site import SECRET, orchestrator_of


def app_of(orchestrator, **options):
    return create_app(
        orchestrator, **{"secret": SECRET, "poll_s": 0.05, "timers": False, **options}
    )


def site(**options):
    """The app of the tests' dialogs, over a store of its own."""
    return app_of(orchestrator_of(MemoryStore()), **options)


def client_of(app, *, base="http://chat.example", **options):
    """A client of an app in this process; what the app raises is an answer of 500 to it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base, **options)


def client_at(url, **options):
    """A client of an app that is served."""
    return httpx.AsyncClient(base_url=url, timeout=60, **options)


class Client:
    """A person with a token.

    Attributes:
        id: their conversation's id.
        token: its token.
    """

    def __init__(self, http):
        self.http = http
        self._ids = itertools.count(1)

    async def start(self):
        answer = await self.http.post("conversations")
        assert answer.status_code == 201, answer.text
        started = answer.json()
        self.id, self.token = started["id"], started["token"]
        return started["turn"]

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    async def post(self, path="messages", **body):
        return await self.http.post(
            f"conversations/{self.id}/{path}", json=body or None, headers=self.headers
        )

    async def say(self, text, **more):
        more.setdefault("message_id", f"m{next(self._ids)}")
        answer = await self.post(text=text, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def press(self, message, index, **more):
        button = {"message": message["number"], "index": index}
        answer = await self.post(button=button, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path="", **query):
        return await self.http.get(
            f"conversations/{self.id}{path}", headers=self.headers, params=query
        )

    async def read(self, **query):
        answer = await self.get(**query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextlib.asynccontextmanager
async def serving(app):
    """Serve an app with uvicorn, in this process; gives its address."""
    config = uvicorn.Config(
        app, port=0, log_level="warning", ws="websockets-sansio", timeout_keep_alive=60
    )
    server = app.state.server = uvicorn.Server(config)
    running = asyncio.ensure_future(server.serve())
    while not server.started:
        assert not running.done(), running.exception()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def met(app):
    """Serve an app to a person who has begun a conversation; gives its address, and the person."""
    async with serving(app) as url, client_at(url) as http:
        client = Client(http)
        await client.start()
        yield url, client


class Socket:
    """A live socket.

    Attributes:
        heard: the frames that came so far.
    """

    def __init__(self, connection):
        self.connection = connection
        self.heard = []

    async def send(self, **frame):
        await self.connection.send(json.dumps(frame))

    async def next(self, kind=None):
        """The next frame; of a kind, the next one of that kind."""
        while True:
            async with asyncio.timeout(60):
                frame = json.loads(await self.connection.recv())
            self.heard.append(frame)
            if kind in (None, frame["type"]):
                return frame

    async def closed(self):
        """The code that the server closes it with."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.next()
        return self.connection.close_code

    @property
    def texts(self):
        """What was said, as far as it was heard here."""
        return [
            message["text"]
            for frame in self.heard
            if frame["type"] == "news"
            for message in frame["messages"]
        ]


@contextlib.asynccontextmanager
async def live(url, token, *, after=0, **options):
    """Open a socket and say hello; without a token, only open it."""
    address = url.replace("http", "ws", 1) + "live"
    async with connect(address, proxy=None, open_timeout=60, **options) as connection:
        socket = Socket(connection)
        if token is not None:
            await socket.send(type="hello", token=token, after=after)
        yield socket
