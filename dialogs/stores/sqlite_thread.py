"""The thread that SQLiteStore works in: SQLite blocks, and an event loop must not.

Jobs queue up while the disk is busy with the ones before; what has queued up is then done in one
transaction, so that many conversations share one wait for the disk. Nothing of SQLiteStore's
tables is known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dialogs.errors import StoreUnavailable
from dialogs.stores import sqlite_files

T = TypeVar("T")

# More of them keep the first one waiting, and save little.
_LARGEST_BATCH = 256

_NO_RIGHTS = "Let this process read and write the file and its folder."
_REMEDIES = {
    "REPLACED": "Stop the programs that use a file before you move it. The next call opens what is "
    "there by then.",
    "SQLITE_NOTADB": "Give the path of an SQLite database, or of a file that is not there yet.",
    "SQLITE_FULL": "Make room on the disk, then try again with the same message_id.",
    "SQLITE_CORRUPT": "Restore the file from a copy; PRAGMA integrity_check tells what is damaged.",
    "SQLITE_CANTOPEN": _NO_RIGHTS,
    "SQLITE_READONLY": _NO_RIGHTS,
    "SQLITE_BUSY": "Another process keeps the file locked: find it, or give a longer timeout. "
    "Then try again with the same message_id.",
}


class _Replaced(OSError):
    """What was committed now would go where nobody looks for it."""

    sqlite_errorname = "REPLACED"


class Need(enum.IntEnum):
    """What a job needs of its transaction."""

    READ = 0
    WRITE = 1
    """It is kept when the process is killed; when the machine goes down, it may be lost."""
    DURABLE = 2
    """It has reached the disk when the job is done."""


@dataclass(slots=True, eq=False)
class _Job:
    """Work for the thread; without `work`, it is asked to end."""

    operation: str
    need: Need
    work: Callable[[sqlite3.Connection], Any] | None
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class SQLiteThread:
    """One connection, and the thread that it belongs to.

    Args:
        path: the file; made where it is not there, its folder too.
        name: the store, as text, for errors.
        prepare: creates what the store needs, on a new connection; may be run again.
        timeout_s: how long to wait for locks that other processes hold, in seconds.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        prepare: Callable[[sqlite3.Connection], None],
        timeout_s: float,
    ) -> None:
        self._path = path
        self._name = name
        self._prepare = prepare
        self._timeout_s = timeout_s
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._opened: sqlite_files.Identity = None
        self._synchronous = Need.READ
        # A forked process has this object, and not its thread.
        self._pid = os.getpid()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def is_here(self) -> bool:
        """Whether the thread is one of this process."""
        return self._pid == os.getpid()

    def do(
        self, operation: str, need: Need, work: Callable[[sqlite3.Connection], T]
    ) -> asyncio.Future[T]:
        """Have something done in the thread.

        Args:
            operation: what it is, for errors.
            need: what it needs of its transaction.
            work: does it. It may be called twice, the first time for nothing.

        Returns:
            The result of `work`, or what it raised; SQLite's errors as `StoreUnavailable`. One
            that is cancelled was done or not.
        """
        return self._put(operation, need, work)

    def end(self) -> asyncio.Future[None]:
        """Have the thread end after what it was given before, and close the connection."""
        return self._put("close", Need.READ, None)

    def _put(
        self, operation: str, need: Need, work: Callable[[sqlite3.Connection], Any] | None
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(operation, need, work, future))
        return future

    # ------------------------------------------------------------------ in the thread

    def _run(self) -> None:
        going_on = True
        while going_on:
            jobs = self._next_jobs()
            last = jobs[-1]
            going_on = last.work is not None
            batch = [job for job in jobs if job.work and not job.future.cancelled()]
            # Apart, and first: what only reads need not wait for other processes' writing.
            reads = [job for job in batch if job.need is Need.READ]
            for part in (reads, [job for job in batch if job.need is not Need.READ]):
                if part:
                    self._perform(part)
            if not going_on:
                self._disconnect()
            _settle(jobs)

    def _next_jobs(self) -> list[_Job]:
        """All that wait, and at least one; a job that ends the thread comes last."""
        jobs = [self._jobs.get()]
        with contextlib.suppress(queue.Empty):
            while jobs[-1].work is not None and len(jobs) < _LARGEST_BATCH:
                jobs.append(self._jobs.get_nowait())
        return jobs

    def _perform(self, batch: Sequence[_Job]) -> None:
        """Do jobs in one transaction; one by one where one of them breaks it."""
        try:
            connection = self._begin(max(job.need for job in batch))
            if all(_attempt(job, connection) for job in batch):
                connection.execute("COMMIT")
                return
            # SQLite may have rolled it back by itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except Exception as error:  # noqa: BLE001 - a thread that died would keep all waiting
            # What is left of the transaction goes with the connection.
            self._disconnect()
            for job in batch:
                job.error = self._told(job, error)
            return
        if len(batch) == 1:
            batch[0].error = self._told(batch[0], batch[0].error)
            return
        for job in batch:
            job.result = job.error = None
            self._perform([job])

    def _begin(self, need: Need) -> sqlite3.Connection:
        connection = self._connection or self._connect()
        if need is Need.DURABLE and sqlite_files.identity(self._path) != self._opened:
            raise _Replaced(f"{self._path.name} was moved, replaced or deleted while it was open")
        if need is not Need.READ and need is not self._synchronous:
            # In WAL mode NORMAL does not wait for the disk, and FULL waits at every commit.
            mode = "FULL" if need is Need.DURABLE else "NORMAL"
            connection.execute(f"PRAGMA synchronous = {mode}")
            self._synchronous = need
        connection.execute("BEGIN" if need is Need.READ else "BEGIN IMMEDIATE")
        return connection

    def _connect(self) -> sqlite3.Connection:
        sqlite_files.make(self._path)
        sqlite_files.check_not_inherited(self._path, self._name)
        connection = sqlite3.connect(self._path, timeout=self._timeout_s, isolation_level=None)
        try:
            self._use_wal(connection)
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._opened = sqlite_files.opened(self, self._path)
        self._synchronous = Need.READ
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # SQLite does not wait by itself here, when others open the file at the same time.
                busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
            else:
                return

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
            sqlite_files.closed(self)

    def _told(self, job: _Job, error: BaseException | None) -> BaseException | None:
        """What the one who waits for a job is told; each has an error of its own."""
        if not isinstance(error, (sqlite3.Error, OSError)):
            return error
        code = getattr(error, "sqlite_errorname", "SQLITE_CANTOPEN")
        remedy = next((text for name, text in _REMEDIES.items() if code.startswith(name)), None)
        told = StoreUnavailable(self._name, job.operation, str(error), remedy)
        told.__cause__ = error
        return told


def _attempt(job: _Job, connection: sqlite3.Connection) -> bool:
    """Do a job. Whatever else it raises is its own result; SQLite's errors break a transaction."""
    try:
        job.result = job.work(connection) if job.work else None
    except sqlite3.ProgrammingError as error:
        # Values that SQLite cannot keep, found before anything was done.
        job.error = error
    except sqlite3.Error as error:
        job.error = error
        return False
    except Exception as error:  # noqa: BLE001 - it is raised where the job is awaited
        job.error = error
    return True


def _settle(jobs: Sequence[_Job]) -> None:
    """Wake those who wait, each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in jobs:
        by_loop[job.future.get_loop()].append(job)
    for loop, settled in by_loop.items():
        # A loop that was closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_here, settled)


def _settle_here(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.settle()
