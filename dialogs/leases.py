"""A process's way to its store: claims that are waited for, commits, leases that are given back.

What a claim is stands in `stores/base.py`; here it meets a clock and an event loop.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any

from dialogs.conversation import Conversation
from dialogs.drivers import World
from dialogs.errors import Busy, LogError, StoreError
from dialogs.stores.base import Claim, Store

logger = logging.getLogger("dialogs")


@dataclass(frozen=True)
class Leases:
    """Claims conversations, one process's among others.

    Args:
        store: where the conversations are kept.
        world: tells the time.
        lease_s: for how long a conversation is claimed.
        ttl_s: how long an idle one is kept; None: for ever.
    """

    store: Store
    world: World
    lease_s: float
    ttl_s: float | None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def now(self) -> float:
        """The time, in UTC seconds."""
        return self.world.clock().timestamp()

    async def claim(self, chat_id: str, give_up: float) -> Claim:
        """Claim a conversation, and wait where another worker holds it.

        Args:
            chat_id: whose conversation.
            give_up: until when to wait, on the monotonic clock.

        Raises:
            Busy: it was held until then.
        """
        delay = 0.004
        while True:
            try:
                return await self.store.claim(chat_id, now=self.now(), lease_s=self.lease_s)
            except Busy:
                if time.monotonic() >= give_up:
                    raise
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            delay = min(delay * 1.5, 0.1)

    async def commit(self, claim: Claim, after: Conversation, body: bytes, *, hold: bool) -> Claim:
        """Commit a conversation.

        Args:
            claim: its claim.
            after: the conversation.
            body: its bytes.
            hold: whether the lease is kept, anew; if not, it is given back.
        """
        now, wake_at = self.now(), after.wake_at
        return await self.store.commit(
            claim,
            body,
            now=now,
            status=after.status.value,
            wake_at=wake_at,
            expires_at=None if self.ttl_s is None else max(now, wake_at or now) + self.ttl_s,
            hold_s=self.lease_s if hold else None,
        )

    async def release(self, claim: Claim) -> None:
        """Give a lease back; where the store cannot, it runs out."""
        try:
            await self.store.release(claim)
        except StoreError as error:
            logger.warning("A lease was not given back, and runs out: %s", error)

    # --- without a claim ----------------------------------------------------------------------

    async def load(self, chat_id: str) -> Conversation | None:
        """A conversation as it was committed last; None where there is none."""
        stored = await self.store.load(chat_id, now=self.now())
        return None if stored is None else decode(chat_id, stored.body)

    async def scan(self, status: str | None) -> AsyncIterator[tuple[str, Conversation]]:
        """Every conversation, or every one of a status, by chat id, in no order.

        Raises:
            LogError: one cannot be read: the first one, after all the others.
        """
        unreadable: LogError | None = None
        async for stored in self.store.scan(status, now=self.now()):
            try:
                conversation = decode(stored.chat_id, stored.body)
            except LogError as error:
                unreadable = unreadable or error
            else:
                yield stored.chat_id, conversation
        if unreadable is not None:
            raise unreadable

    # --- what nobody waits for ----------------------------------------------------------------

    def in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something in a task of its own, whatever becomes of this one."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait for what is under way in the background."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def decode(chat_id: str, body: bytes) -> Conversation:
    """The conversation of a store's bytes.

    Raises:
        LogError: they cannot be read; says whose they are.
    """
    try:
        return Conversation.decode(body)
    except LogError as error:
        error.what = f"Conversation {chat_id!r}: {error.what}"
        raise


def is_cancellation(error: BaseException) -> bool:
    """Whether this task is being cancelled, and not only something that it awaited."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)
