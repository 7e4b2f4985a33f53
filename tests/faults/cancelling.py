"""A caller that is cancelled at a chosen moment, as when a client hangs up, and asks again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from dialogs import Busy
from dialogs.stores import Claim, Store, Stored
from dialogs.testing import FakeClock
from tests.faults.flaky_store import FlakyStore
from tests.faults.retelling import Hangup, Sender, Telling, Told, finish
from tests.faults.scripts import Event, Script

T = TypeVar("T")


class Moments:
    """The moments of a run at which something is waited for; at one of them, a task is cancelled.

    Args:
        chosen: the number of that moment, from 1; 0: at none.
        task: the task; None where nobody asks.
        passed: how many there were.
    """

    def __init__(self, chosen: int) -> None:
        self.chosen = chosen
        self.task: asyncio.Task[Any] | None = None
        self.passed = 0

    async def come(self) -> None:
        """Wait for a moment."""
        if self.task is None:
            return
        self.passed += 1
        if self.passed == self.chosen:
            self.task.cancel()
        await asyncio.sleep(0)


class UnhurriedStore:
    """Another store, each call of which has a moment before it took effect, and one after.

    Args:
        inner: the other one.
        moments: the moments.
    """

    def __init__(self, inner: Store, moments: Moments) -> None:
        self.inner = inner
        self.moments = moments

    async def setup(self) -> None:
        await self.inner.setup()

    async def close(self) -> None:
        await self.inner.close()

    async def claim(self, chat_id: str, **facts: Any) -> Claim:
        await self.moments.come()
        claim = await self.inner.claim(chat_id, **facts)
        try:
            await self.moments.come()
        except asyncio.CancelledError:
            await self.inner.release(claim)  # as the protocol has it: nobody has this claim
            raise
        return claim

    async def commit(self, claim: Claim, body: bytes, **facts: Any) -> Claim:
        return await self._slowly(lambda: self.inner.commit(claim, body, **facts))

    async def release(self, claim: Claim) -> None:
        await self._slowly(lambda: self.inner.release(claim))

    async def load(self, chat_id: str, **facts: Any) -> Stored | None:
        return await self._slowly(lambda: self.inner.load(chat_id, **facts))

    async def due(self, **facts: Any) -> list[str]:
        return await self._slowly(lambda: self.inner.due(**facts))

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        async for stored in self.inner.scan(status, now=now):
            yield stored

    async def delete(self, chat_id: str) -> bool:
        return await self._slowly(lambda: self.inner.delete(chat_id))

    async def _slowly(self, make: Callable[[], Awaitable[T]]) -> T:
        await self.moments.come()
        result = await make()
        await self.moments.come()
        return result


class _UnhurriedSender(Sender):
    """Keeps what was sent, with a moment before and one after.

    Args:
        moments: the moments.
    """

    def __init__(self, moments: Moments) -> None:
        super().__init__()
        self.moments = moments

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        await self.moments.come()
        await super().send_message(chat_id, message, delivery_id=delivery_id)
        await self.moments.come()


class _Cancelled(Telling):
    """A script whose caller is cancelled once.

    Args:
        moments: when.
        rest: what `Telling` takes.
    """

    def __init__(self, moments: Moments, *rest: Any) -> None:
        super().__init__(*rest)
        self.moments = moments

    async def _ask(self, event: Event, message_id: str) -> Any:
        task = self.moments.task = asyncio.create_task(super()._ask(event, message_id))
        try:
            return await task
        except Busy:
            self._wrong("the lease was not given back")
            raise
        except asyncio.CancelledError:
            self.store.failed += 1
            await self.orchestrator._leases.settle()
            raise Hangup from None
        finally:
            self.moments.task = None


async def tell_cancelled(script: Script, inner: Store, chat_id: str, at: int) -> tuple[Told, int]:
    """Let a script happen to a conversation, with one caller who is cancelled and asks again.

    Args:
        script: the script.
        inner: where the conversation is kept.
        chat_id: a conversation that is not there yet.
        at: the moment at which the caller is cancelled; 0: at none.

    Returns:
        What came of it, and how many moments there were.
    """
    moments = Moments(at)
    store = FlakyStore(UnhurriedStore(inner, moments), None, FakeClock())
    sender = _UnhurriedSender(moments)
    told = await finish(_Cancelled(moments, script, store, chat_id, sender))
    return told, moments.passed
