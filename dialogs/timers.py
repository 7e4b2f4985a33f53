"""Wakes the conversations whose time has come, and those with messages that were not sent."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from dialogs.errors import Busy, Conflict, StoreError, StoreUnavailable
from dialogs.events import Turn, Woken
from dialogs.leases import is_cancellation
from dialogs.turn import backoff
from dialogs.worker import Worker

logger = logging.getLogger("dialogs")

BATCH = 100
"""How many due conversations are asked for at once."""

AT_ONCE = 100
"""How many of them are woken at the same time; one that hangs counts until its lease is over."""


class Timers:
    """The timers of a worker.

    A conversation that stays due although it was woken (its bytes cannot be read, or another
    process has its sender) rests for a while, longer each time. Neither does one that hangs keep
    the others waiting.

    Args:
        worker: takes the turns.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._leases = worker.leases
        self._resting: dict[str, tuple[int, float]] = {}

    async def run(self, poll_s: float) -> None:
        """Fire what is due, every `poll_s` seconds, until cancelled.

        What turns of this process make due sooner than that is fired at its time.
        """
        loop, waking = asyncio.get_running_loop(), _Waking(self._fire, self._leases.lease_s)

        def watch(chat_id: str, deadline: float) -> None:
            left_s = deadline - self._leases.now()
            if left_s < poll_s and asyncio.get_running_loop() is loop:
                # A millisecond late: a moment too soon, it would be woken for nothing.
                loop.call_later(max(left_s, 0.0) + 0.001, fire, chat_id)

        def fire(chat_id: str) -> None:
            if watch in self._worker.watchers:
                waking.start(chat_id)

        self._worker.watchers.append(watch)
        try:
            while True:
                try:
                    await self._pass(waking, poll_s)
                except StoreError as error:
                    logger.warning("What is due could not be read: %s", error)
                except Exception:
                    logger.exception("What is due could not be woken.")
                await asyncio.sleep(poll_s)
        finally:
            self._worker.watchers.remove(watch)
            await waking.cancel()

    async def fire_due(self) -> list[Turn]:
        """Wake what is due, once; returns the turns that came of it."""
        waking = _Waking(self._wake, self._leases.lease_s)
        try:
            return await self._pass(waking, None)
        finally:
            await waking.cancel()

    async def _pass(self, waking: _Waking, patience_s: float | None) -> list[Turn]:
        """Wake what is due and not being woken, and wait for each batch, but no longer than that.

        Returns:
            The turns that are over by then.
        """
        tried = set(waking.tasks)
        turns: list[Turn] = []
        while True:
            limit = BATCH + len(tried) + len(self._resting)
            due = await self._leases.store.due(now=self._leases.now(), limit=limit)
            fresh = [chat_id for chat_id in due if chat_id not in tried]
            tried.update(fresh)
            if not fresh:
                self._forget(due)
                return turns
            awake = [chat_id for chat_id in fresh if not self._rests(chat_id)]
            # Not in the same order in every worker: they would meet at each conversation.
            random.shuffle(awake)
            batch = [waking.start(chat_id) for chat_id in awake]
            over = (await asyncio.wait(batch, timeout=patience_s))[0] if batch else ()
            turns += [turn for task in over if (turn := task.result()) is not None]

    # --- one conversation ---------------------------------------------------------------------

    async def _wake(self, chat_id: str) -> Turn | None:
        try:
            return await self._worker.happen(chat_id, Woken(), patience_s=0.0)
        except Busy:
            pass  # whoever holds it sees to it
        except (Conflict, StoreUnavailable) as error:
            # It is not to blame: it is woken again as soon as can be.
            self._resting.pop(chat_id, None)
            logger.warning("A timer of conversation %r was not fired: %s", chat_id, error)
        except (Exception, asyncio.CancelledError) as error:
            if is_cancellation(error):
                raise
            logger.exception("A timer of conversation %r failed.", chat_id)
        return None

    async def _fire(self, chat_id: str) -> Turn | None:
        """Wake it, where nobody looks at the turn."""
        turn = await self._wake(chat_id)
        if turn is not None and turn.messages and not self._worker.delivery.senders:
            logger.warning(
                "A timer of conversation %r said %d message(s), and there is no sender to send "
                "them. Give the Orchestrator a sender, or call fire_due() and deliver what it "
                "returns.",
                chat_id,
                len(turn.messages),
            )
        return turn

    # --- what stays due -----------------------------------------------------------------------

    def _rests(self, chat_id: str) -> bool:
        """Whether a conversation rests; where not, it does from now on, if it stays due."""
        now = self._leases.now()
        times, until = self._resting.get(chat_id, (0, now))
        if now < until:
            return True
        # Woken for the first time, it does not rest yet: its next time may come at once.
        self._resting[chat_id] = times + 1, now + backoff(times) if times else now
        return False

    def _forget(self, due: list[str]) -> None:
        """Forget those that are no longer due."""
        still = set(due)
        self._resting = {
            chat_id: rest for chat_id, rest in self._resting.items() if chat_id in still
        }


class _Waking:
    """Conversations that are being woken, some at a time.

    Args:
        wake: wakes one.
        lease_s: for how long one of them counts.

    Attributes:
        tasks: those that are being woken, or wait for that, by chat id.
    """

    def __init__(self, wake: Callable[[str], Awaitable[Turn | None]], lease_s: float) -> None:
        self._wake = wake
        self._lease_s = lease_s
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.tasks: dict[str, asyncio.Task[Turn | None]] = {}

    def start(self, chat_id: str) -> asyncio.Task[Turn | None]:
        """Wake a conversation in a task of its own, if it is not being woken."""
        if chat_id in self.tasks:
            return self.tasks[chat_id]
        task = self.tasks[chat_id] = asyncio.ensure_future(self._in_turn(chat_id))
        task.add_done_callback(lambda _: self.tasks.pop(chat_id))
        return task

    async def _in_turn(self, chat_id: str) -> Turn | None:
        async with self._gate:
            waking = asyncio.ensure_future(self._wake(chat_id))
            try:
                await asyncio.wait([waking], timeout=self._lease_s)
            except asyncio.CancelledError:
                waking.cancel()
        return await waking

    async def cancel(self) -> None:
        """Cancel what is left, and wait for it to be undone."""
        left = list(self.tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
