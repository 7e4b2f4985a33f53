"""The WebSocket: what is new, as it happens, and messages the other way.

    client: {"type": "hello", "token"?: ..., "after": number}    first, within 10 seconds
    server: {"type": "welcome", "id": ..., "token"?: ...}
    server: {"type": "news", "messages": [...], "standing": {...}, "typing": false}
    client: {"type": "message", "message_id": ..., "text": ... | "button": {...}}
    server: {"type": "answered", "message_id": ..., "duplicate": false, "stale": false}
          | {"type": "refused", "message_id": ..., "problem": {...}}
    client: {"type": "start", "root"?: ...}                      answered, or refused
    client: {"type": "watch", "view": ...}
    server: {"type": "view", "view": ..., "value": ...}          at once, and when it has changed
    client: {"type": "ping"} -> {"type": "pong"}

News and views come before the answer that they belong to. A client keeps a message until it is
answered, and sends it again, under its message_id, over the next connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import WebSocket
from pydantic import TypeAdapter, ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from dialogs.channels.web.api import address_of
from dialogs.channels.web.feeds import Feed
from dialogs.channels.web.limits import Limit
from dialogs.channels.web.problems import Refused, refusal_of
from dialogs.channels.web.rights import PREFIX, new_id
from dialogs.channels.web.schemas import Begin, Frame, Hello, Ping, Say, Watch
from dialogs.channels.web.talk import Talk, not_there
from dialogs.channels.web.tokens import Pass
from dialogs.channels.web.views import entries_after, sleeps_a_moment, standing_of
from dialogs.events import Turn

HELLO_S = 10.0
"""How long a socket may take to say who it is."""

SILENCE_S = 90.0
"""How long a socket may be silent; the page pings more often."""

USERS_S = 900.0
"""How long a socket stays open where the host knows its users: then it asks the host again."""

WAITING = 64
"""How many messages of one socket may wait for their turn."""

FRAMES_A_MINUTE = 600
"""How many frames a socket may send."""

INVALID, NO_TOKEN, SILENT, CROWDED, TOO_MANY, RENEW = 4400, 4401, 4408, 4409, 4429, 4440
TEXT_ONLY, TOO_LONG, FAILED = 1003, 1009, 1011

_UNTOLD = object()

T = TypeVar("T")
_hello: TypeAdapter[Hello] = TypeAdapter(Hello)
_frame: TypeAdapter[Say | Begin | Watch | Ping] = TypeAdapter(Frame)


class Closing(Exception):
    """The socket is to be closed.

    Args:
        code: the close code.
        reason: why, for people.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Line:
    """One socket, from its first frame to its last.

    Args:
        websocket: the socket, accepted.
        talk: the app.
    """

    def __init__(self, websocket: WebSocket, talk: Talk) -> None:
        self._websocket = websocket
        self._talk = talk
        self._after = 0
        self._told: dict[str, Any] | None = None
        self._watched: dict[str, Any] = {}
        self._viewed: object = _UNTOLD
        self._news = asyncio.Event()
        self._telling = asyncio.Lock()
        self._said: asyncio.Queue[Say | Begin | Watch] = asyncio.Queue(WAITING)
        self._frames = Limit(FRAMES_A_MINUTE, "frames")

    async def run(self) -> None:
        """Serve it until either side has enough."""
        try:
            await self._serve()
        except Closing as closing:
            await self._close(closing.code, closing.reason)
        except (WebSocketDisconnect, RuntimeError):
            # Starlette raises RuntimeError where it is used after the other side has left.
            if self._websocket.application_state is WebSocketState.CONNECTED:
                await self._close(FAILED, "")

    async def _close(self, code: int, reason: str) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason)

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(HELLO_S):
                hello = self._read(await self._receive(), _hello.validate_json)
        except TimeoutError:
            raise Closing(SILENT, "no hello came") from None
        token = self._new_token() if hello.token is None else hello.token
        try:
            held = self._talk.tokens.read(token, "ticket" if self._talk.users else "token")
        except Refused as refused:
            raise Closing(NO_TOKEN, refused.what) from None
        welcome = {"type": "welcome", "id": held.conversation_id}
        if not self._talk.users and held.left_s < self._talk.tokens.age_s / 2:
            token = self._talk.tokens.sign(held.conversation_id)
        if token != hello.token:
            welcome["token"] = token
        await self._send(welcome)
        self._after = hello.after
        try:
            async with self._talk.feeds.following(
                PREFIX + held.conversation_id, self._news
            ) as feed:
                await self._follow(feed, held)
        except Refused as refused:
            raise Closing(CROWDED, refused.what) from None

    async def _follow(self, feed: Feed, held: Pass) -> None:
        await self._talk.feeds.read(feed)
        self._news.set()
        jobs = [self._hear(), self._answer(feed, held.conversation_id), self._tell(feed, held)]
        tasks = [asyncio.ensure_future(job) for job in jobs]
        try:
            left_s = USERS_S if self._talk.users else held.left_s
            done, _ = await asyncio.wait(tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise Closing(RENEW, "connect again")
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _new_token(self) -> str:
        """The token of a new conversation; where the host knows its users, none begins here."""
        if self._talk.users:
            return ""
        try:
            self._talk.starts.take(address_of(self._websocket))
        except Refused as refused:
            raise Closing(TOO_MANY, refused.what) from None
        return self._talk.tokens.sign(new_id())

    # --- in -----------------------------------------------------------------------------------

    async def _receive(self) -> str:
        message = await self._websocket.receive()
        if message["type"] != "websocket.receive":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        if not isinstance(text, str):
            raise Closing(TEXT_ONLY, "frames are JSON, as text")
        if len(text.encode("utf-8", "replace")) > self._talk.max_message_bytes:
            raise Closing(TOO_LONG, f"a frame has {self._talk.max_message_bytes} bytes at most")
        return text

    def _read(self, text: str, validate: Callable[[str], T]) -> T:
        try:
            return validate(text)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, found["loc"]))
            reason = f"the frame is not understood: {place} {found['msg']}"
            raise Closing(
                INVALID, reason.encode("utf-8", "replace")[:120].decode("utf-8", "ignore")
            ) from None

    async def _hear(self) -> None:
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    text = await self._receive()
            except TimeoutError:
                raise Closing(SILENT, "nothing was heard for too long") from None
            try:
                self._frames.take("")
            except Refused as refused:
                raise Closing(TOO_MANY, refused.what) from None
            frame = self._read(text, _frame.validate_json)
            if isinstance(frame, Ping):
                await self._send({"type": "pong"})
                continue
            try:
                self._said.put_nowait(frame)
            except asyncio.QueueFull:
                raise Closing(TOO_MANY, "too many messages wait for their answers") from None

    # --- turns --------------------------------------------------------------------------------

    async def _answer(self, feed: Feed, conversation_id: str) -> None:
        """Give the conversation what was heard, one after another."""
        while True:
            frame = await self._said.get()
            message_id = frame.message_id if isinstance(frame, Say) else None
            answer: dict[str, Any] | None = None
            try:
                if isinstance(frame, Watch):
                    await self._watch(feed, conversation_id, frame.view)
                else:
                    turn = await self._turn(conversation_id, frame)
                    answer = {"type": "answered", "message_id": message_id}
                    answer |= {"duplicate": turn.duplicate, "stale": turn.stale}
            except Exception as error:  # noqa: BLE001 - a dialog may raise anything
                problem = refusal_of(error).document()
                answer = {"type": "refused", "message_id": message_id, "problem": problem}
            await self._tell_news(feed, conversation_id)
            if answer is not None:
                await self._send(answer)

    async def _turn(self, conversation_id: str, frame: Say | Begin) -> Turn:
        if isinstance(frame, Say):
            return await self._talk.say(conversation_id, frame)
        self._talk.messages.take(conversation_id)
        return await self._talk.start(conversation_id, frame.root or "")

    async def _watch(self, feed: Feed, conversation_id: str, view: str) -> None:
        """Let a view be told: now, and whenever it has changed."""
        self._talk.readings.take(conversation_id)
        if view not in self._talk.views:
            raise not_there(view)
        await self._talk.feeds.read(feed)
        self._watched[view] = self._viewed = _UNTOLD

    # --- out ----------------------------------------------------------------------------------

    async def _tell(self, feed: Feed, held: Pass) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._tell_news(feed, held.conversation_id)

    async def _tell_news(self, feed: Feed, conversation_id: str) -> None:
        """Send what this socket has not been told yet."""
        async with self._telling:
            entries = entries_after(feed.conversation, conversation_id, self._after)
            state = {
                "standing": standing_of(feed.conversation),
                "typing": self._talk.feeds.is_typing(feed.chat_id)
                or sleeps_a_moment(feed.conversation),
            }
            if entries or state != self._told:
                messages = [entry.model_dump() for entry in entries]
                await self._send({"type": "news", "messages": messages, **state})
                self._told = state
                self._after = max([self._after, *(entry.number or 0 for entry in entries)])
            await self._tell_views(feed)

    async def _tell_views(self, feed: Feed) -> None:
        """Send what is watched, where it is not what this socket was told last."""
        if self._viewed is feed.conversation:
            return
        self._viewed = feed.conversation
        for name, told in list(self._watched.items()):
            value = self._talk.view(name, feed.conversation)
            if value != told:
                await self._send({"type": "view", "view": name, "value": value})
                self._watched[name] = value

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._websocket.send_text(json.dumps(frame, ensure_ascii=False, allow_nan=False))
