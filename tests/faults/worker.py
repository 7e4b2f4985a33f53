"""A worker: an orchestrator in a process of its own, which takes requests from a socket.

A request and its answer are JSON, one line each. The answer has the request's number, and the turn
or the name of the error that was raised.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dialogs import DialogsError, Orchestrator, StoreUnavailable
from dialogs.stores import Store
from tests.faults.aim import BEFORE, Aim, AimedStore
from tests.faults.broken import break_parts
from tests.faults.outside import Journal
from tests.faults.places import Place
from tests.faults.talks import talks


@dataclass(frozen=True)
class Job:
    """What a worker does.

    Args:
        place: where the conversations are.
        journal: the file of what is done and said outside.
        talk: the name of the dialog.
        lease_s: for how long a conversation is claimed.
        patience_s: how long an event waits for another worker.
        poll_s: how often the timers look; None: there are none.
        strike: the step outside that it is killed at, or stops at; None: none.
        when: "before" or "after" that step.
        stops: whether it stops there.
        broken: the part that is made not to work; "" for none.
    """

    place: Place
    journal: Path
    talk: str = "roll_call"
    lease_s: float = 1.0
    patience_s: float = 60.0
    poll_s: float | None = 0.1
    strike: int | None = None
    when: str = BEFORE
    stops: bool = False
    broken: str = ""

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"journal": str(self.journal)}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Job:
        place, journal = Place(**data["place"]), Path(data["journal"])
        return cls(**data | {"place": place, "journal": journal})


@dataclass
class _Worker:
    job: Job
    orchestrator: Orchestrator
    aim: Aim
    writer: asyncio.StreamWriter
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader) -> None:
        if self.job.poll_s is not None:
            self.start(self.orchestrator.run_timers())
        self.say(ready=time.time())
        while line := await reader.readline():
            # Tasks start in the order in which they were made.
            self.start(self.answer(**json.loads(line)))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, number: int, chat_id: str, message: Any, message_id: str) -> None:
        try:
            turn = await self.orchestrator.handle_message(chat_id, message, message_id=message_id)
        except DialogsError as error:
            self.say(number=number, error=type(error).__name__, text=str(error))
            return
        answer = {
            "messages": turn.messages,
            "status": turn.status,
            "result": turn.result,
            "duplicate": turn.duplicate,
            "wake_at": turn.wake_at,
            "steps": self.aim.steps,
        }
        self.say(number=number, turn=answer)

    def say(self, **facts: Any) -> None:
        self.writer.write(json.dumps(facts).encode() + b"\n")


async def _work(job: Job, connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)

    def warn() -> None:
        # Nothing is under way in the writer: what it was given it wrote at once.
        connection.send(b'{"stopped": true}\n')

    aim = Aim(job.strike, job.when, stops=job.stops, warn=warn)
    journal = Journal(job.journal, aim)
    store, sender = break_parts(job.broken, AimedStore(job.place.open(), aim), journal)
    orchestrator = Orchestrator(
        talks(journal)[job.talk],
        store=store,
        sender=sender,
        lease=job.lease_s,
        patience=job.patience_s,
        poll=job.poll_s or 1.0,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_exit(orchestrator)
        # On a busy machine the first connection may take longer than a round trip may.
        while not await _is_set_up(store):
            pass
        await _Worker(job, orchestrator, aim, writer).serve(reader)


async def _is_set_up(store: Store) -> bool:
    with contextlib.suppress(StoreUnavailable):
        await store.setup()
        return True
    return False


def work(data: dict[str, Any], connection: socket.socket) -> None:
    """Do a job, until the other end of the socket is closed."""
    connection.setblocking(False)
    asyncio.run(_work(Job.of(data), connection))
