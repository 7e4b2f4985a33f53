"""Who hears of what: the open conversations of this process, and the sockets that follow them.

The transcript is in the store. A feed reads it again when something of this process happened to
the conversation, and every `poll_s` seconds, for what other processes did; where it has changed,
those who follow it are woken, and say what is new to them. Nobody keeps a queue: a slow socket
skips to the newest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dialogs.channels.web.problems import Refused
from dialogs.channels.web.rights import PREFIX
from dialogs.conversation import Conversation
from dialogs.errors import DialogsError
from dialogs.orchestrator import Orchestrator

logger = logging.getLogger("dialogs")

TYPING_S = 0.05
"""How long a turn runs before it is told that one does; most are over by then."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Feed:
    """One open conversation.

    Args:
        chat_id: whose.
        conversation: as it was read last.
        followers: what is set when there may be news, one for each socket.
        woken: set when it is to be read again.
        reading: held while it is read, so that a later reading is a newer one.
    """

    chat_id: str
    conversation: Conversation | None = None
    followers: set[asyncio.Event] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tell(self) -> None:
        """Wake those who follow."""
        for follower in self.followers:
            follower.set()


class Feeds:
    """The feeds of a process; the orchestrator's sender, too: a message said is a reason to look.

    Args:
        orchestrator: has the conversations.
        poll_s: how often it is asked for what other processes did, in seconds.
        most: how many sockets may follow one conversation.
    """

    prefix = PREFIX

    def __init__(self, orchestrator: Orchestrator, *, poll_s: float, most: int) -> None:
        self._orchestrator = orchestrator
        self._poll_s = poll_s
        self._most = most
        self._feeds: dict[str, Feed] = {}
        self._running: dict[str, int] = {}
        self._turns: set[asyncio.Task[Any]] = set()
        self._polls: set[asyncio.Task[Any]] = set()

    def look(self, chat_id: str) -> None:
        """Nothing is sent: what was said is in the transcript, which is read again."""
        feed = self._feeds.get(chat_id)
        # Of a turn that runs here, the end is a reason to look, too: once is enough.
        if feed is not None and not self.is_typing(chat_id):
            feed.woken.set()

    # --- turns --------------------------------------------------------------------------------

    def is_typing(self, chat_id: str) -> bool:
        """Whether a turn of the conversation runs in this process."""
        return chat_id in self._running

    async def during(self, chat_id: str, turn: Coroutine[Any, Any, T]) -> T:
        """Run a turn, and let those who follow know; it goes on where its caller is gone."""
        task = asyncio.ensure_future(self._run(chat_id, turn))
        self._turns.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, turn: asyncio.Task[Any]) -> None:
        self._turns.discard(turn)
        if not turn.cancelled():
            turn.exception()  # where its caller is gone, the conversation keeps it

    async def _run(self, chat_id: str, turn: Coroutine[Any, Any, T]) -> T:
        self._running[chat_id] = self._running.get(chat_id, 0) + 1
        typing = asyncio.get_running_loop().call_later(TYPING_S, self._tell, chat_id)
        try:
            return await turn
        finally:
            typing.cancel()
            self._running[chat_id] -= 1
            if not self._running[chat_id]:
                del self._running[chat_id]
            if chat_id in self._feeds:
                await self.read(self._feeds[chat_id])
                self._tell(chat_id)

    def _tell(self, chat_id: str) -> None:
        feed = self._feeds.get(chat_id)
        if feed is not None:
            feed.tell()

    async def settle(self) -> None:
        """Wait for the turns that run, and stop looking for others."""
        await asyncio.gather(*self._turns, return_exceptions=True)
        for polling in self._polls:
            polling.cancel()
        await asyncio.gather(*self._polls, return_exceptions=True)

    # --- following ----------------------------------------------------------------------------

    @asynccontextmanager
    async def following(self, chat_id: str, news: asyncio.Event) -> AsyncIterator[Feed]:
        """Follow a conversation: `news` is set whenever there may be some.

        Raises:
            Refused: too many follow it already.
        """
        feed = self._feeds.get(chat_id)
        if feed is None:
            feed = self._feeds[chat_id] = Feed(chat_id)
            polling = asyncio.ensure_future(self._poll(feed))
            self._polls.add(polling)
            polling.add_done_callback(self._polls.discard)
        if len(feed.followers) >= self._most:
            raise Refused(
                429,
                "The conversation is open in too many places.",
                f"It may be open in {self._most} at once.",
                "Close it elsewhere.",
            )
        feed.followers.add(news)
        try:
            yield feed
        finally:
            feed.followers.discard(news)
            if not feed.followers:
                self._feeds.pop(chat_id, None)
                feed.woken.set()

    async def read(self, feed: Feed) -> None:
        """Read a conversation again; where it has changed, wake those who follow it."""
        async with feed.reading:
            try:
                conversation = await self._orchestrator.conversation(feed.chat_id)
            except DialogsError as error:
                logger.warning("Conversation %r could not be read: %s", feed.chat_id, error)
                return
            if conversation == feed.conversation:
                return
            feed.conversation = conversation
        feed.tell()

    async def _poll(self, feed: Feed) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await feed.woken.wait()
            if not feed.followers:
                return
            feed.woken.clear()
            await self.read(feed)
