"""One worker's turns over a store.

    claim -> turn -> commit -> send -> commit what was sent

What a turn is stands in `turn.py`, and what a claim is in `stores/base.py`; here they meet a clock,
a sender and the event loop. A conversation is committed with its messages before they are sent, so
a crash at any point loses nothing: either the turn did not happen, or its messages are sent later,
under the same delivery ids.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import random
import time
import weakref
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from dialogs.conversation import Conversation
from dialogs.drivers import World, adrive
from dialogs.errors import Busy, ChannelError, InboxFull, LogError, StoreError
from dialogs.events import Happening, Turn, Woken, as_data
from dialogs.flow import Flow
from dialogs.senders import Senders
from dialogs.stores.base import Claim, Store
from dialogs.turn import backoff, failed, take_turn

logger = logging.getLogger("dialogs")


@dataclass(frozen=True)
class Worker:
    """Takes turns. Those of one conversation keep the order in which they were asked for.

    Args:
        store: where the conversations are kept.
        flow: what they run.
        senders: send what is said. Where there is none at all, the caller does; where there are
            others only, the message waits for a process that has the right one.
        world: tells the time, and answers the steps that ask for it or for chance.
        lease_s: for how long a conversation is claimed.
        ttl_s: how long an idle one is kept; None: for ever.
        apologize: makes the apology for an exception; None: nothing is said.
    """

    store: Store
    flow: Flow
    senders: Senders
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
            patience_s: how long to wait for turns before this one, here and at other workers.

        Raises:
            Busy: another worker held the conversation for longer than that.
            Exception: what `Orchestrator.handle_message` raises.
        """
        give_up = time.monotonic() + patience_s
        lock = self._locks.get(chat_id)
        if lock is None:
            lock = self._locks[chat_id] = asyncio.Lock()
            await lock.acquire()
        else:
            await self._queue(lock, chat_id, patience_s)
        try:
            return await self._happen(chat_id, event, give_up)
        finally:
            lock.release()

    async def _queue(self, lock: asyncio.Lock, chat_id: str, patience_s: float) -> None:
        """Wait for the turns of this conversation that this worker was asked for before."""
        try:
            async with asyncio.timeout(patience_s):
                await lock.acquire()
        except TimeoutError:
            raise Busy(chat_id, self.lease_s) from None

    async def _happen(self, chat_id: str, event: Happening, give_up: float) -> Turn:
        claim = await self._claim(chat_id, give_up)
        try:
            claim, before, after, turn = await self._take(claim, event)
        except Exception:
            await self._release(claim)
            raise
        except BaseException:
            # In the background: where this task was cancelled, it cannot wait for it.
            self._in_background(self._release(claim))
            raise
        if self._can_send(claim, after):
            await self._deliver(claim, before, after)
        if isinstance(turn, Exception):
            raise turn
        return turn

    async def _claim(self, chat_id: str, give_up: float) -> Claim:
        """Claim a conversation, and wait, on the monotonic clock, where another worker holds it."""
        delay = 0.004
        while True:
            try:
                return await self.store.claim(chat_id, now=self.now(), lease_s=self.lease_s)
            except Busy:
                if time.monotonic() >= give_up:
                    raise
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            delay = min(delay * 1.5, 0.1)

    async def _take(
        self, claim: Claim, event: Happening
    ) -> tuple[Claim, Conversation, Conversation, Turn | Exception]:
        """Take the turn and commit it.

        Returns:
            The claim, where it is still held; the conversation before and after; and what came
            of it.
        """
        chat_id, now = claim.chat_id, self.now()
        before = Conversation.new(now) if claim.body is None else decode(chat_id, claim.body)
        turn: Turn | Exception
        try:
            effects = take_turn(
                before,
                event,
                self.flow,
                chat_id=chat_id,
                now=now,
                sends=bool(self.senders),
                can_await=True,
            )
            after, turn = await adrive(effects, self.world)
            body = after.encode() if after is not before else b""
        except InboxFull:
            raise
        except Exception as error:  # noqa: BLE001 - it is kept, and raised to the caller
            # A timer that goes on failing has nobody to answer: it apologizes once.
            again = isinstance(event, Woken) and before.failures > 0
            apology, history = None if again else self._apology(error), self.flow.history
            after = failed(before, error, apology, now=self.now(), history=history)
            turn = error
            body = after.encode()
        if body:
            try:
                claim = await self._commit(claim, after, body, hold=self._can_send(claim, after))
            except StoreError as trouble:
                if not isinstance(turn, Exception):
                    raise
                # What matters to the caller is the dialog's error, not that it was not kept.
                logger.warning("The error of conversation %r was not kept: %s", chat_id, trouble)
                raise turn from None
        elif not self._can_send(claim, after):
            await self.store.release(claim)
        return claim, before, after, turn

    def _apology(self, error: Exception) -> Any:
        """What is said about an exception; None: nothing."""
        if not self.senders:
            return None
        try:
            apology = self.apologize(error) if callable(self.apologize) else self.apologize
            return as_data(apology, "the apology of on_error=")
        except Exception:
            logger.exception("on_error= failed while it answered %r.", error)
            return None

    async def _commit(self, claim: Claim, after: Conversation, body: bytes, *, hold: bool) -> Claim:
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

    # --- sending ------------------------------------------------------------------------------

    def _can_send(self, claim: Claim, conversation: Conversation) -> bool:
        return bool(conversation.outbox) and self.senders.of(claim.chat_id) is not None

    async def _deliver(self, claim: Claim, before: Conversation, after: Conversation) -> None:
        """Send the outbox in order, commit how far that went, and give the lease back."""
        unsent, failures = list(after.outbox), 0
        old = {number for number, _ in before.outbox}
        renew_at = self.now() + self.lease_s / 2
        try:
            while unsent:
                if self.now() >= renew_at:
                    # Before the lease runs out, and other workers send all of it once more.
                    so_far = after.replace(outbox=list(unsent))
                    claim = await self._commit(claim, so_far, so_far.encode(), hold=True)
                    renew_at = self.now() + self.lease_s / 2
                number, message = unsent[0]
                await self._send(claim.chat_id, number, message, again=number in old)
                del unsent[0]
        except (Exception, asyncio.CancelledError) as error:
            if is_cancellation(error):
                raise
            failures = after.resends + 1
            logger.warning(
                "Message %d of conversation %r was not sent, and is sent again later: %r",
                unsent[0][0],
                claim.chat_id,
                error,
            )
        finally:
            resend_at = self.now() + backoff(failures) if failures else None
            sent = after.replace(outbox=unsent, resends=failures, resend_at=resend_at)
            # In a task of its own, so that being cancelled does not lose what was sent.
            acknowledging = self._in_background(self._acknowledge(claim, sent))
        await asyncio.shield(acknowledging)

    async def _send(self, chat_id: str, number: int, message: Any, *, again: bool) -> None:
        sender = self.senders.of(chat_id)
        if sender is None:
            return
        resend = getattr(sender, "resend_message", None) if again else None
        # The prompt that is said again after a digression is this same object.
        message = copy.deepcopy(message) if isinstance(message, dict | list) else message
        try:
            send = sender.send_message if resend is None else resend
            await send(chat_id, message, delivery_id=f"{chat_id}/{number}")
        except ChannelError as error:
            if not error.permanent:
                raise
            logger.error("Message %d of conversation %r is given up: %s", number, chat_id, error)  # noqa: TRY400

    async def _acknowledge(self, claim: Claim, after: Conversation) -> None:
        try:
            await self._commit(claim, after, after.encode(), hold=False)
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


def is_cancellation(error: BaseException) -> bool:
    """Whether this task is being cancelled, and not only something that it awaited."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)


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
