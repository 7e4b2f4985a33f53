"""The long run: every fault on every store, again and again with other seeds, and its figures."""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialogs.stores import MemoryStore
from tests.faults.crowds import crowd, many_timers, same_message
from tests.faults.flaky_store import Failure
from tests.faults.history import History
from tests.faults.load import Figures
from tests.faults.nursery import Nursery
from tests.faults.places import PATIENCE_S, Place
from tests.faults.restarts import POLL_S, timers_across_restarts
from tests.faults.retelling import tell
from tests.faults.runs import killed_at_random, server_killed, struck_everywhere
from tests.faults.scripts import SCRIPTS
from tests.faults.verdict import faults
from tests.faults.worker import Job
from tests.servers.mongo import MongoServer
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

KINDS = ("memory", "sqlite", "redis", "postgres", "mongo")


@dataclass
class Row:
    """What became of one fault on one store.

    Args:
        store: the store.
        fault: the fault.
        runs: how often it was run.
        figures: all runs' together.
        found: what was wrong.
        took_s: how long all runs took, in seconds.
        note: what else there is to say of the last run.
    """

    store: str
    fault: str
    runs: int = 0
    figures: Figures = field(default_factory=Figures)
    found: list[str] = field(default_factory=list)
    took_s: float = 0.0
    note: str = ""


@dataclass
class Ground:
    """One store, and the faults that happen to it.

    Args:
        kind: the store.
        server: its server; None where it has none.
        folder: for files.
        nursery: forks the workers.
        slack_s: how much longer than its lease, or its poll interval, something may take on this
            machine, in seconds.
    """

    kind: str
    server: Any
    folder: Path
    nursery: Nursery
    slack_s: float

    def job(self, timeout_s: float = PATIENCE_S) -> Job:
        """A job at a place of its own."""
        name = f"faults_{uuid.uuid4().hex}"
        where = str(self.folder / f"{name}.db")
        if self.server is not None:
            where = self.server.dsn if self.kind == "postgres" else self.server.url
        place = Place(self.kind, where, name, timeout_s)
        return Job(place, self.folder / f"{name}.journal")

    def faults(self) -> dict[str, Callable[[Row, int], Awaitable[None]]]:
        """By name, what runs a fault once with a seed and writes into its row."""
        if self.kind == "memory":
            return {"the store fails at each call": self._flaky}
        chosen = {
            "50 messages at once": self._crowd,
            "the same message 20 times": self._same,
            "a timer across kill -9": self._restart,
        }
        if self.server is not None:
            chosen["the server killed under load"] = self._server_killed
        if self.kind == "mongo":
            return chosen  # the tests' server is too slow for more
        return chosen | {
            "1,000 timers at once": self._timers,
            "the store fails at each call": self._flaky,
            "a worker killed at each step": self._struck,
            "a worker stopped at each step": self._stopped,
            "workers killed at random": self._killed,
        }

    async def _killed(self, row: Row, seed: int) -> None:
        self._judge(row, *await killed_at_random(self.nursery, self.job(), seed=seed))

    async def _struck(self, row: Row, _seed: int) -> None:
        self._judge(row, *await struck_everywhere(self.nursery, self.job(), at_once=6))

    async def _stopped(self, row: Row, _seed: int) -> None:
        run = struck_everywhere(self.nursery, self.job(), stops=True, at_once=6)
        self._judge(row, *await run)

    async def _server_killed(self, row: Row, seed: int) -> None:
        job = self.job(timeout_s=0.5)
        history, figures = await server_killed(self.nursery, job, self.server, seed=seed)
        row.figures += figures
        row.found += faults(history)
        row.note = f"{history.errors['StoreUnavailable']} StoreUnavailable"

    def _judge(self, row: Row, history: History, figures: Figures) -> None:
        row.figures += figures
        row.found += faults(history)
        lease_s = self.job().lease_s
        if figures.slowest_s > lease_s + self.slack_s:
            row.found.append(f"stuck for {figures.slowest_s:.2f} s, with a lease of {lease_s:g} s")

    async def _crowd(self, row: Row, _seed: int) -> None:
        row.figures += Figures(conversations=1, turns=52)
        row.found += await crowd(self.nursery, self.job())

    async def _same(self, row: Row, _seed: int) -> None:
        row.figures += Figures(conversations=1, turns=20, duplicates=19)
        row.found += await same_message(self.nursery, self.job())

    async def _timers(self, row: Row, _seed: int) -> None:
        row.figures += Figures(conversations=1_000, turns=2_000)
        row.found += await many_timers(self.nursery, self.job())

    async def _restart(self, row: Row, _seed: int) -> None:
        fired = await timers_across_restarts(self.nursery, self.job())
        row.figures += Figures(conversations=2, turns=4, kills=2)
        row.found += [f"{one}" for one in fired if one.status != "TIMED_OUT"]
        row.found += [f"{one}" for one in fired if not 0 <= one.late_s <= POLL_S + self.slack_s]
        late = max(one.late_s for one in fired)
        row.note = f"{late:.2f} s late, polled every {POLL_S:g} s"

    async def _flaky(self, row: Row, _seed: int) -> None:
        store = MemoryStore() if self.kind == "memory" else self.job().place.open()
        await store.setup()
        names = (f"chat-{n}" for n in itertools.count())
        failed = 0
        for script in SCRIPTS:
            good = await tell(script, store, next(names), None)
            for first, made in itertools.product(range(1, good.calls + 1), (False, True)):
                told = await tell(script, store, next(names), Failure(first, made=made))
                row.figures += Figures(conversations=1, turns=len(told.turns))
                failed += told.failed
                row.found += told.wrong
                if told.outcome() != good.outcome():
                    row.found.append(f"{script}: another outcome where call {first} failed")
        row.note = f"{failed} calls failed"
        await store.close()


@contextlib.contextmanager
def server_of(kind: str, folder: Path) -> Iterator[Any]:
    """The server of a store, stopped afterwards; None where it needs none."""
    match kind:
        case "redis":
            server: Any = RedisServer(folder)
        case "postgres":
            server = PostgresServer()
        case "mongo":
            server = MongoServer(folder)
        case _:
            yield None
            return
    with server:
        yield server


async def run_for(ground: Ground, *, seed: int, until: float) -> AsyncIterator[Row]:
    """Run every fault of a store once, and again with other seeds until the time is over.

    Args:
        ground: the store and its faults.
        seed: the first seed.
        until: when to stop, as `time.monotonic` has it.

    Yields:
        The row of each fault, after each of its runs.
    """
    chosen = ground.faults()
    rows = {fault: Row(ground.kind, fault) for fault in chosen}
    for round_ in itertools.count():
        for fault, run in chosen.items():
            if round_ and time.monotonic() > until:
                return
            row, started = rows[fault], time.monotonic()
            try:
                await run(row, seed + round_)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
                row.found.append(f"seed {seed + round_}: {error!r}")
            row.runs += 1
            row.took_s += time.monotonic() - started
            yield row
