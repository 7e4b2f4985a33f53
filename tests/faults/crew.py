"""The workers of one run, as the load sees them: each answers, or is gone."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import time
from dataclasses import dataclass, field, replace
from typing import Any, Self

from tests.faults.nursery import Nursery
from tests.faults.places import PATIENCE_S
from tests.faults.worker import Job


class Gone(Exception):
    """A worker was killed, or stopped, before it answered."""


@dataclass(eq=False)
class Member:
    """One worker.

    Attributes:
        pid: its process.
        ready: when it was ready, by its clock, in UTC seconds.
        gone_at: when it was found gone, as `time.monotonic` has it; None while it is there.
        stopped: whether it stopped itself.
    """

    nursery: Nursery
    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ready: asyncio.Future[float]
    gone_at: float | None = None
    stopped: bool = False
    _listening: asyncio.Task[None] | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _asked: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _unanswered: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    async def fork(cls, nursery: Nursery, job: Job) -> Self:
        pid, connection = nursery.fork(job.data())
        reader, writer = await asyncio.open_connection(sock=connection, limit=2**24)
        ready = asyncio.get_running_loop().create_future()
        member = cls(nursery, pid, reader, writer, ready)
        member._listening = asyncio.create_task(member._listen())
        return member

    async def ask(self, chat_id: str, message: Any, message_id: str) -> dict[str, Any]:
        """Give a message; the answer has a "turn" or an "error".

        Raises:
            Gone: it was killed, or stopped, before it answered.
        """
        if self.gone_at is not None or self.stopped:
            raise Gone
        number = next(self._numbers)
        request = {
            "number": number,
            "chat_id": chat_id,
            "message": message,
            "message_id": message_id,
        }
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        self.writer.write(json.dumps(request).encode() + b"\n")
        return await asyncio.wait_for(future, PATIENCE_S)

    def kill(self) -> None:
        """Kill it where it is."""
        self.gone_at = self.gone_at or time.monotonic()
        self.nursery.send(self.pid, signal.SIGKILL)

    async def resume(self) -> list[dict[str, Any]]:
        """Let it go on after it stopped; what it answers in the end to what it was asked."""
        self.nursery.send(self.pid, signal.SIGCONT)
        return list(await asyncio.wait_for(asyncio.gather(*self._unanswered.values()), PATIENCE_S))

    async def end(self) -> None:
        """Kill it where it is still there, and close what is open."""
        self.kill()
        self.writer.close()
        if self._listening is not None:
            await self._listening

    async def _listen(self) -> None:
        while line := await self._line():
            answer = json.loads(line)
            if "ready" in answer:
                self.ready.set_result(answer["ready"])
            elif "stopped" in answer:
                self.stopped = True
                waiting = self._asked
                self._asked = {}
                for number, future in waiting.items():
                    self._unanswered[number] = asyncio.get_running_loop().create_future()
                    future.set_exception(Gone())
            else:
                self._settle(answer)
        self.gone_at = self.gone_at or time.monotonic()
        self.nursery.send(self.pid, signal.SIGKILL)
        for future in (self.ready, *self._asked.values(), *self._unanswered.values()):
            if not future.done():
                future.set_exception(Gone("the nursery's log may say why"))
                future.exception()  # not everybody waits for it

    def _settle(self, answer: dict[str, Any]) -> None:
        number = answer["number"]
        asked = self._asked.pop(number, None)
        future = self._unanswered[number] if asked is None else asked
        if not future.done():
            future.set_result(answer)

    async def _line(self) -> bytes:
        try:
            return await self.reader.readline()
        except ConnectionError:
            return b""


class Crew:
    """Workers on one store; one that is gone is replaced.

    Args:
        nursery: forks them.
        job: what all of them do.
        size: how many there are at a time.
    """

    def __init__(self, nursery: Nursery, job: Job, size: int = 2) -> None:
        self.nursery = nursery
        self.job = job
        self.size = size
        self.members: list[Member] = []
        self._all: list[Member] = []

    async def __aenter__(self) -> Self:
        for _ in range(self.size):
            self.members.append(await self.hire())
        for member in self.members:
            await asyncio.wait_for(member.ready, PATIENCE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self._all:
            await member.end()

    async def hire(self, **changes: Any) -> Member:
        """One more worker, with a job that differs in this; it is not one of the members."""
        member = await Member.fork(self.nursery, replace(self.job, **changes))
        self._all.append(member)
        return member

    async def kill(self, place: int) -> None:
        """Kill a member, and hire another in its place."""
        self.members[place].kill()
        self.members[place] = await self.hire()
