"""One worker's turns over a store.

    claim -> turn -> commit -> send -> commit what was sent

What a turn is stands in `turn.py`; here it meets the store (`leases.py`), the senders
(`delivery.py`) and the event loop. A crash at any point loses nothing: either the turn did not
happen, or its messages are sent later.
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from dialogs.conversation import Conversation
from dialogs.delivery import Delivery
from dialogs.drivers import adrive
from dialogs.errors import Busy, InboxFull, StepFailed, StoreError, UsageError
from dialogs.events import Happening, Turn, Woken, words_of
from dialogs.flow import Flow
from dialogs.leases import Leases, decode, is_cancellation
from dialogs.progress import goes_on
from dialogs.stores.base import Claim
from dialogs.turn import failed, take_turn

logger = logging.getLogger("dialogs")


class _Line(asyncio.Lock):
    """Those who wait for their turn of one conversation.

    Attributes:
        owner: the task whose turn it is.
    """

    owner: asyncio.Task[Any] | None = None

    def go_on(self) -> None:
        """Let the next one have its turn."""
        self.owner = None
        self.release()


@dataclass(frozen=True)
class Worker:
    """Takes turns. Those of one conversation keep the order in which they were asked for.

    Args:
        leases: the way to the store.
        flow: what the conversations run.
        delivery: sends what is said.
        apologize: the apology for an exception, or a function that takes the chat id and the
            exception and returns one; None: nothing is said.

    Attributes:
        watchers: told of every conversation that waits for a time, after its turn.
    """

    leases: Leases
    flow: Flow
    delivery: Delivery
    apologize: Any = None
    watchers: list[Callable[[str, float], None]] = field(default_factory=list)
    _lines: weakref.WeakValueDictionary[str, _Line] = field(
        default_factory=weakref.WeakValueDictionary
    )

    async def happen(self, chat_id: str, event: Happening, *, patience_s: float) -> Turn:
        """Let an event happen to a conversation.

        Args:
            chat_id: whose.
            event: the event.
            patience_s: how long to wait for turns before this one, here and at other workers.

        Raises:
            Busy: another worker held the conversation for longer than that.
            UsageError: a step of this conversation's own turn asks for it.
            Exception: what `Orchestrator.handle_message` raises.
        """
        give_up = time.monotonic() + patience_s
        line = self._lines.get(chat_id)
        if line is None:
            line = self._lines[chat_id] = _Line()
            await line.acquire()
        else:
            await self._queue(line, chat_id, patience_s)
        line.owner = task = asyncio.current_task()
        try:
            return await self._happen(chat_id, event, give_up)
        finally:
            if line.owner is task:  # else its lease was over, and others went on
                line.go_on()

    async def _queue(self, line: _Line, chat_id: str, patience_s: float) -> None:
        """Wait for the turns of this conversation that this worker was asked for before."""
        if line.owner is not None and line.owner is asyncio.current_task():
            raise UsageError(
                f"A turn of conversation {chat_id!r} was asked for from inside a turn of it.",
                "One turn at a time runs a conversation: this one would wait for itself.",
                "Ask for it after the turn, or in a task that the turn does not wait for.",
            )
        try:
            async with asyncio.timeout(patience_s):
                await line.acquire()
        except TimeoutError:
            raise Busy(chat_id, self.leases.lease_s) from None

    async def _happen(self, chat_id: str, event: Happening, give_up: float) -> Turn:
        claim = await self.leases.claim(chat_id, give_up)
        loop, lease_s = asyncio.get_running_loop(), self.leases.lease_s
        overdue = loop.call_later(lease_s, self._go_on, chat_id, asyncio.current_task())
        try:
            claim, before, after, turn = await self._take(claim, event)
        except Exception:
            await self.leases.release(claim)
            raise
        except BaseException:
            # In the background: where this task was cancelled, it cannot wait for it.
            self.leases.in_background(self.leases.release(claim))
            raise
        finally:
            overdue.cancel()
        if self.delivery.can_send(chat_id, after):
            await self.delivery.deliver(claim, before, after)
        if after is not before:
            self.delivery.tell(chat_id)
            if after.deadline is not None:
                for watch in self.watchers:
                    watch(chat_id, after.deadline)
        if isinstance(turn, Exception):
            raise turn
        return turn

    async def misfits(self) -> AsyncIterator[tuple[str, Exception | None]]:
        """The conversations that do not go on where they wait, with this code. See `check`."""
        async for chat_id, conversation in self.leases.scan(None):
            try:
                replay = goes_on(conversation, self.flow, chat_id)
                if not await adrive(replay, self.leases.world):
                    yield chat_id, None
            except Exception as error:  # noqa: BLE001 - whatever the code raises, it says so
                yield chat_id, error

    def _go_on(self, chat_id: str, owner: asyncio.Task[Any] | None) -> None:
        """Let the others have their turns, where one still runs whose lease is over."""
        logger.warning(
            "A turn of conversation %r has run for %g s, its whole lease: others may have theirs "
            "now, and it is refused at its end if one does.",
            chat_id,
            self.leases.lease_s,
        )
        line = self._lines.get(chat_id)
        if line is not None and line.owner is owner:
            line.go_on()

    async def _take(
        self, claim: Claim, event: Happening
    ) -> tuple[Claim, Conversation, Conversation, Turn | Exception]:
        """Take the turn and commit it.

        Returns:
            The claim, where it is still held; the conversation before and after; and what came
            of it.
        """
        chat_id, now = claim.chat_id, self.leases.now()
        before = Conversation.new(now) if claim.body is None else decode(chat_id, claim.body)
        turn: Turn | Exception
        try:
            effects = take_turn(
                before,
                event,
                self.flow,
                chat_id=chat_id,
                now=now,
                sends=self.delivery.senders.need(chat_id),
                can_await=True,
            )
            after, turn = await adrive(effects, self.leases.world)
            body = after.encode() if after is not before else b""
        except InboxFull:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if is_cancellation(error):
                raise
            if isinstance(error, asyncio.CancelledError):
                error = _lost(error)
            # A timer that goes on failing has nobody to answer: it apologizes once.
            again = isinstance(event, Woken) and before.retry_at is not None
            apology = None if again else self._apology(chat_id, error)
            after = failed(before, error, apology, now=self.leases.now(), history=self.flow.history)
            turn = error
            body = after.encode()
        hold = self.delivery.can_send(chat_id, after)
        if body:
            try:
                claim = await self.leases.commit(claim, after, body, hold=hold)
            except StoreError as trouble:
                if not isinstance(turn, Exception):
                    raise
                # What matters to the caller is the dialog's error, not that it was not kept.
                logger.warning("The error of conversation %r was not kept: %s", chat_id, trouble)
                raise turn from None
        elif not hold:
            await self.leases.release(claim)
        return claim, before, after, turn

    def _apology(self, chat_id: str, error: Exception) -> Any:
        """What is said about an exception; None: nothing."""
        if not self.delivery.senders:
            return None
        try:
            return words_of(self.apologize, "the apology of on_error=", chat_id, error)
        except Exception:
            logger.exception("on_error= failed on %r in conversation %r.", error, chat_id)
            return None


def _lost(error: asyncio.CancelledError) -> StepFailed:
    """The error of a turn in which something was cancelled that nobody had cancelled it for."""
    lost = StepFailed("CancelledError", "what it awaited was cancelled, and the turn was not")
    lost.__cause__ = error
    return lost
