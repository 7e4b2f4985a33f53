"""A store that fails at chosen calls: before the call took effect, after it, or long before."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from dialogs import StoreError, StoreUnavailable
from dialogs.stores import Claim, Store, Stored
from dialogs.testing import FakeClock


@dataclass(frozen=True)
class Failure:
    """Which calls fail, and how.

    Args:
        first: the number of the first call that fails, from 1.
        calls: how many calls fail, one after another.
        made: whether the call takes effect all the same.
        late: after how many further calls it takes effect, when its caller has long given up; 0:
            at once.
        takes_s: how long the caller waits until it is told, in seconds.
    """

    first: int
    calls: int = 1
    made: bool = False
    late: int = 0
    takes_s: float = 0.0

    def __str__(self) -> str:
        effect = f"made {self.late} calls later" if self.late else "made" if self.made else "lost"
        return f"call {self.first} and {self.calls - 1} more {effect}, in {self.takes_s:g} s"


class FlakyStore:
    """Another store, some of whose calls fail with `StoreUnavailable`.

    Args:
        inner: the other one.
        failure: which calls fail; None: none does.
        clock: shows how long they take.

    Attributes:
        calls: the names of the calls, in order.
        failed: how many of them failed.
    """

    def __init__(self, inner: Store, failure: Failure | None, clock: FakeClock) -> None:
        self.inner = inner
        self.failure = failure
        self.clock = clock
        self.calls: list[str] = []
        self.failed = 0
        self._later: list[tuple[int, Callable[[], Awaitable[Any]]]] = []

    async def setup(self) -> None:
        await self.inner.setup()

    async def close(self) -> None:
        await self.inner.close()

    async def claim(self, chat_id: str, **facts: Any) -> Claim:
        return await self._call("claim", lambda: self.inner.claim(chat_id, **facts))

    async def commit(self, claim: Claim, body: bytes, **facts: Any) -> Claim:
        return await self._call("commit", lambda: self.inner.commit(claim, body, **facts))

    async def release(self, claim: Claim) -> None:
        await self._call("release", lambda: self.inner.release(claim))

    async def load(self, chat_id: str, **facts: Any) -> Stored | None:
        return await self._call("load", lambda: self.inner.load(chat_id, **facts))

    async def due(self, **facts: Any) -> list[str]:
        return await self._call("due", lambda: self.inner.due(**facts))

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        async def read() -> list[Stored]:
            return [stored async for stored in self.inner.scan(status, now=now)]

        for stored in await self._call("scan", read):
            yield stored

    async def delete(self, chat_id: str) -> bool:
        return await self._call("delete", lambda: self.inner.delete(chat_id))

    async def _call(self, name: str, make: Callable[[], Awaitable[Any]]) -> Any:
        self.calls.append(name)
        number, failure = len(self.calls), self.failure
        try:
            if failure is None or not 0 <= number - failure.first < failure.calls:
                return await make()
            self.failed += 1
            if failure.late:
                self._later.append((number + failure.late, make))
            elif failure.made:
                await make()
        finally:
            await self._make_late_ones(number)
        self.clock.advance(failure.takes_s)
        raise StoreUnavailable("FlakyStore", name, "it was told to fail")

    async def _make_late_ones(self, number: int) -> None:
        """What was on its way for long arrives, right after a later call."""
        now = [make for at, make in self._later if at <= number]
        self._later = [(at, make) for at, make in self._later if at > number]
        for make in now:
            # Nobody is there to hear that it was refused.
            with contextlib.suppress(StoreError):
                await make()
