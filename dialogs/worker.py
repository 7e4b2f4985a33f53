"""One worker's turns over a store.

    claim -> turn -> commit -> send -> commit what was sent

What a turn is stands in `turn.py`, and what a claim is in `stores/base.py`; here they meet a clock,
a sender and the event loop. A conversation is committed with its messages before they are sent, so
a crash at any point loses nothing: either the turn did not happen, or its messages are sent later,
under the same delivery ids.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import weakref
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from dialogs.conversation import Conversation
from dialogs.drivers import World, adrive
from dialogs.errors import Busy, LogError, StoreError
from dialogs.events import Happening, Turn
from dialogs.flow import Flow
from dialogs.messages import Sender
from dialogs.stores.base import Claim, Store
from dialogs.turn import backoff, failed, take_turn

logger = logging.getLogger("dialogs")


@dataclass(frozen=True)
class Worker:
    """Takes turns. Those of one conversation keep the order in which they were asked for.

    Args:
        store: where the conversations are kept.
        flow: what they run.
        sender: sends what is said; None: nobody does.
        world: tells the time, and answers the steps that ask for it or for chance.
        lease_s: for how long a conversation is claimed.
        ttl_s: how long an idle one is kept; None: for ever.
        apologize: makes the apology for an exception; None: nothing is said.
    """

    store: Store
    flow: Flow
    sender: Sender | None
    world: World
    lease_s: float
    ttl_s: float | None
    apologize: Any = None
    _locks: weakref.WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=weakref.WeakValueDictionary
    )
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def now(self) -> float:
        """The time, in UTC seconds."""
        return self.world.clock().timestamp()

    async def settle(self) -> None:
        """Wait for what is under way in the background."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- one turn -----------------------------------------------------------------------------

    async def happen(self, chat_id: str, event: Happening, *, patience_s: float) -> Turn:
        """Let an event happen to a conversation.

        Args:
            chat_id: whose.
            event: the event.
            patience_s: how long to wait for another worker's turn.

        Raises:
            Busy: another worker held the conversation for longer than that.
            Exception: what `Orchestrator.handle_message` raises.
        """
        lock = self._locks.get(chat_id)
        if lock is None:
            lock = self._locks[chat_id] = asyncio.Lock()
        async with lock:
            claim = await self._claim(chat_id, patience_s)
            try:
                return await self._turn(claim, event)
            except BaseException:
                # In the background: where this task was cancelled, it cannot wait for it.
                self._in_background(self._release(claim))
                raise

    async def _claim(self, chat_id: str, patience_s: float) -> Claim:
        """Claim a conversation, and wait where another worker holds it."""
        give_up, delay = time.monotonic() + patience_s, 0.004
        while True:
            try:
                return await self.store.claim(chat_id, now=self.now(), lease_s=self.lease_s)
            except Busy:
                if time.monotonic() >= give_up:
                    raise
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            delay = min(delay * 1.5, 0.1)

    async def _turn(self, claim: Claim, event: Happening) -> Turn:
        chat_id, now = claim.chat_id, self.now()
        before = Conversation.new(now) if claim.body is None else decode(chat_id, claim.body)
        try:
            after, turn = await adrive(
                take_turn(before, event, self.flow, chat_id=chat_id, now=now, can_await=True),
                self.world,
            )
        except Exception as error:
            await self._fail(claim, before, error)
            raise
        if after is not before:
            claim = await self._commit(claim, after, hold=self._sends(after))
        elif not self._sends(after):
            await self.store.release(claim)
        if self._sends(after):
            await self._send(claim, after)
        return turn

    async def _fail(self, claim: Claim, before: Conversation, error: Exception) -> None:
        """Keep that a turn failed, and apologize."""
        apology = self.apologize(error) if callable(self.apologize) else self.apologize
        after = failed(before, error, apology, now=self.now())
        try:
            claim = await self._commit(claim, after, hold=self._sends(after))
            if self._sends(after):
                await self._send(claim, after)
        except StoreError as trouble:
            # What the caller gets is the error itself; this one only says what is not kept of it.
            logger.warning("The error of conversation %r was not kept: %s", claim.chat_id, trouble)

    async def _commit(self, claim: Claim, after: Conversation, *, hold: bool) -> Claim:
        now, wake_at = self.now(), after.wake_at
        return await self.store.commit(
            claim,
            after.encode(),
            now=now,
            status=after.status.value,
            wake_at=wake_at,
            expires_at=None if self.ttl_s is None else max(now, wake_at or now) + self.ttl_s,
            hold_s=self.lease_s if hold else None,
        )

    # --- sending ------------------------------------------------------------------------------

    def _sends(self, conversation: Conversation) -> bool:
        return self.sender is not None and bool(conversation.outbox)

    async def _send(self, claim: Claim, conversation: Conversation) -> None:
        """Send the outbox in order, and commit how far that went."""
        unsent, failures = list(conversation.outbox), 0
        try:
            while unsent:
                await self._send_one(claim.chat_id, *unsent[0])
                del unsent[0]
        except Exception as error:  # noqa: BLE001 - whatever a sender raises, it did not send
            failures = conversation.resends + 1
            logger.warning(
                "Message %d of conversation %r was not sent, and is sent again later: %r",
                unsent[0][0],
                claim.chat_id,
                error,
            )
        finally:
            after = conversation.replace(
                outbox=unsent,
                resends=failures,
                resend_at=self.now() + backoff(failures) if failures else None,
            )
            # In a task of its own, so that being cancelled does not lose what was sent.
            acknowledging = self._in_background(self._acknowledge(claim, after))
        await asyncio.shield(acknowledging)

    async def _send_one(self, chat_id: str, number: int, message: Any) -> None:
        if self.sender is not None:
            await self.sender.send_message(chat_id, message, delivery_id=f"{chat_id}/{number}")

    async def _acknowledge(self, claim: Claim, after: Conversation) -> None:
        try:
            await self._commit(claim, after, hold=False)
        except StoreError as error:
            # The turn has happened all the same; what was sent is sent once more.
            logger.warning("That messages were sent was not kept: %s", error)

    async def _release(self, claim: Claim) -> None:
        try:
            await self.store.release(claim)
        except StoreError as error:
            logger.warning("A lease was not given back, and runs out: %s", error)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


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
