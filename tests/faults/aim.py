"""Crash points: a worker that kills or stops itself right before or after its n-th step outside.

Every claim, commit, release, send and effect is such a step, and they are counted together. What
the timers look for is not counted, since nobody can tell how often they look.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dialogs.stores import Claim, Store

BEFORE, AFTER = "before", "after"


class Aim:
    """Counts the steps outside, and strikes at one of them.

    Args:
        number: at which one, from 1; None: at none.
        when: "before" or "after" it.
        stops: stop, until continued, rather than be killed.
        warn: called right before the process stops.

    Attributes:
        steps: how many there were.
    """

    def __init__(
        self,
        number: int | None = None,
        when: str = BEFORE,
        *,
        stops: bool = False,
        warn: Callable[[], None] = lambda: None,
    ) -> None:
        self.number = number
        self.when = when
        self.stops = stops
        self.warn = warn
        self.steps = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """One step outside."""
        self.steps += 1
        number = self.steps
        self._strike(number, BEFORE)
        yield
        self._strike(number, AFTER)

    def _strike(self, number: int, when: str) -> None:
        if (number, when) != (self.number, self.when):
            return
        if self.stops:
            self.warn()
        os.kill(os.getpid(), signal.SIGSTOP if self.stops else signal.SIGKILL)


class Around:
    """A store that hands everything on to another one."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class AimedStore(Around):
    """Another store, whose turns are counted."""

    def __init__(self, inner: Store, aim: Aim) -> None:
        super().__init__(inner)
        self.aim = aim

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        with self.aim.step():
            return await self.inner.claim(chat_id, now=now, lease_s=lease_s)

    async def commit(self, claim: Claim, body: bytes, **facts: Any) -> Claim:
        with self.aim.step():
            return await self.inner.commit(claim, body, **facts)

    async def release(self, claim: Claim) -> None:
        with self.aim.step():
            await self.inner.release(claim)
