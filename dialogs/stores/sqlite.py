"""Conversations in one SQLite file: for one machine, any number of processes.

A conversation is a row. One that was claimed and never committed has no body yet, and expires a
day after its lease, so that workers that are lost leave nothing behind for ever.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from dialogs.errors import UsageError
from dialogs.spans import Span, seconds
from dialogs.stores.base import Claim, Stored, busy, conflict, give_back, new_token
from dialogs.stores.sqlite_thread import Need, SQLiteThread

T = TypeVar("T")

_DAY_S = 86_400.0
_PAGE = 100
_REMOVED_AT_ONCE = 100

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS dialogs_conversations (
        chat_id TEXT NOT NULL PRIMARY KEY,
        token TEXT,
        leased_until REAL,
        revision INTEGER NOT NULL DEFAULT 0,
        status TEXT NOT NULL DEFAULT '',
        wake_at REAL,
        expires_at REAL,
        body BLOB
    )
    """,
    """
    CREATE INDEX IF NOT EXISTS dialogs_conversations_wake_at
    ON dialogs_conversations (wake_at) WHERE wake_at IS NOT NULL
    """,
    """
    CREATE INDEX IF NOT EXISTS dialogs_conversations_expires_at
    ON dialogs_conversations (expires_at) WHERE expires_at IS NOT NULL
    """,
    """
    CREATE INDEX IF NOT EXISTS dialogs_conversations_status
    ON dialogs_conversations (status, chat_id)
    """,
)

_IS_PREPARED = """
    SELECT count(*) FROM sqlite_master WHERE name IN (
        'dialogs_conversations', 'dialogs_conversations_wake_at',
        'dialogs_conversations_expires_at', 'dialogs_conversations_status'
    )
"""
_CLAIM = """
    INSERT INTO dialogs_conversations (chat_id, token, leased_until, expires_at)
    VALUES (:chat_id, :token, :leased_until, :forgotten_at)
    ON CONFLICT (chat_id) DO UPDATE
    SET token = excluded.token, leased_until = excluded.leased_until
    WHERE token IS NULL OR leased_until <= :now
    RETURNING body, revision, expires_at
"""
_LEASED_UNTIL = "SELECT leased_until FROM dialogs_conversations WHERE chat_id = ?"
_START_ANEW = """
    UPDATE dialogs_conversations
    SET body = NULL, revision = 0, status = '', wake_at = NULL, expires_at = :forgotten_at
    WHERE chat_id = :chat_id
"""
_COMMIT = """
    UPDATE dialogs_conversations
    SET body = ?, revision = revision + 1, status = ?, wake_at = ?, expires_at = ?,
        token = ?, leased_until = ?
    WHERE chat_id = ? AND token = ? AND revision = ?
"""
_RELEASE = """
    UPDATE dialogs_conversations SET token = NULL, leased_until = NULL
    WHERE chat_id = ? AND token = ? AND body IS NOT NULL
"""
_RELEASE_NEW = """
    DELETE FROM dialogs_conversations WHERE chat_id = ? AND token = ? AND body IS NULL
"""
# Not "body IS NOT NULL": SQLite 3.40 holds that to be true of every row that RETURNING returns.
_DELETE = "DELETE FROM dialogs_conversations WHERE chat_id = ? RETURNING typeof(body) = 'blob'"

_UNLEASED = "(token IS NULL OR leased_until <= :now)"
_THERE = "(body IS NOT NULL AND (expires_at IS NULL OR expires_at > :now))"
_STORED = "SELECT chat_id, body, revision, status, wake_at, expires_at FROM dialogs_conversations"
_LOAD = f"{_STORED} WHERE chat_id = :chat_id AND {_THERE}"
_DUE = f"""
    SELECT chat_id FROM dialogs_conversations
    WHERE wake_at <= :now AND {_UNLEASED} AND {_THERE} ORDER BY wake_at LIMIT :limit
"""  # noqa: S608 - constants
_REMOVE = f"""
    DELETE FROM dialogs_conversations WHERE chat_id IN (
        SELECT chat_id FROM dialogs_conversations
        WHERE expires_at <= :now AND {_UNLEASED} LIMIT {_REMOVED_AT_ONCE}
    )
"""  # noqa: S608 - constants


class SQLiteStore:
    """Keeps conversations in an SQLite file, which several processes of one machine may share.

    A commit has reached the disk when it returns (write-ahead log, `synchronous = FULL`): it
    outlives the process and a power cut, as far as the system's fsync reaches (on macOS, to the
    drive's cache). Claims and releases outlive the process only; when the machine goes down,
    nobody is left to hold a lease. Commits that many conversations make at once wait for the disk
    together.

    The file is opened when it is first used, made where it is not there, its folder too. A new
    file can be read and written by its owner only, since it has what people said; one that is
    there keeps its permissions. It may have tables of your own: the store's table and indexes
    begin with `dialogs_`. Network file systems are not for SQLite.

    Args:
        path: the file.
        timeout: how long to wait while another process writes: seconds, or a timedelta.

    Raises:
        UsageError: the path is ":memory:" or empty, or SQLite is older than 3.35.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: Span = 10.0) -> None:
        name = os.fspath(path)
        if name in {"", ":memory:"}:
            raise UsageError(
                f"SQLiteStore({name!r}) would keep nothing.",
                "SQLite forgets such a database with its connection.",
                "Use MemoryStore() for conversations in memory, or give the path of a file.",
            )
        if sqlite3.sqlite_version_info < (3, 35):
            raise UsageError(
                f"SQLiteStore needs SQLite 3.35 or newer; this is {sqlite3.sqlite_version}.",
                "Claims are made in one statement, with RETURNING.",
                "Use a Python that was built with a newer SQLite.",
            )
        self._name = f"SQLiteStore({name!r})"
        self._path = Path(name).absolute()
        self._timeout_s = seconds(timeout, "SQLiteStore(timeout={!r})")
        self._lock = threading.Lock()
        self._thread: SQLiteThread | None = None

    def __repr__(self) -> str:
        return self._name

    async def setup(self) -> None:
        """Open the file and create the table; the first use does it too."""
        await self._do("setup", Need.READ, lambda _: None)

    async def close(self) -> None:
        """Finish what is under way and close the file; it opens again when it is used again."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None and thread.is_here:
            await thread.end()

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        """Read a conversation and take its lease."""
        values = {
            "chat_id": chat_id,
            "token": new_token(),
            "leased_until": now + lease_s,
            "forgotten_at": now + lease_s + _DAY_S,
            "now": now,
        }
        try:
            return await self._do(
                "claim", Need.WRITE, lambda connection: _claim(connection, values)
            )
        except asyncio.CancelledError:
            give_back(self.release(Claim(chat_id, None, 0, str(values["token"]))))
            raise

    async def commit(
        self,
        claim: Claim,
        body: bytes,
        *,
        now: float,
        status: str,
        wake_at: float | None = None,
        expires_at: float | None = None,
        hold_s: float | None = None,
    ) -> Claim:
        """Write a conversation, if the claim was not lost; it is on the disk then."""
        lease = (None, None) if hold_s is None else (claim.token, now + hold_s)
        values = (body, status, wake_at, expires_at, *lease)
        condition = (claim.chat_id, claim.token, claim.revision)

        def work(connection: sqlite3.Connection) -> Claim:
            if connection.execute(_COMMIT, values + condition).rowcount != 1:
                raise conflict(claim)
            return Claim(claim.chat_id, body, claim.revision + 1, claim.token)

        return await self._do("commit", Need.DURABLE, work)

    async def release(self, claim: Claim) -> None:
        """Give a lease back; does nothing where the claim was lost."""
        values = (claim.chat_id, claim.token)

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(_RELEASE, values).rowcount == 0:
                connection.execute(_RELEASE_NEW, values)

        await self._do("release", Need.WRITE, work)

    async def load(self, chat_id: str, *, now: float) -> Stored | None:
        """Read a conversation without a claim."""
        values = {"chat_id": chat_id, "now": now}

        def work(connection: sqlite3.Connection) -> Stored | None:
            row = connection.execute(_LOAD, values).fetchone()
            return None if row is None else Stored(*row)

        return await self._do("load", Need.READ, work)

    async def due(self, *, now: float, limit: int) -> list[str]:
        """Whose time has come, those due longest first; removes up to 100 that have expired."""

        def work(connection: sqlite3.Connection) -> list[str]:
            connection.execute(_REMOVE, {"now": now})
            return [row[0] for row in connection.execute(_DUE, {"now": now, "limit": limit})]

        return await self._do("due", Need.WRITE, work)

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        """Every conversation, or every one of a status, 100 read at a time."""
        values: dict[str, Any] = {"now": now, "status": status}
        conditions = _THERE if status is None else f"status = :status AND {_THERE}"
        while True:
            page = await self._do("scan", Need.READ, _reading(conditions, dict(values)))
            for stored in page:
                yield stored
            if len(page) < _PAGE:
                return
            if "after" not in values:
                conditions = f"chat_id > :after AND {conditions}"
            values["after"] = page[-1].chat_id

    async def delete(self, chat_id: str) -> bool:
        """Forget a conversation, lease and all."""

        def work(connection: sqlite3.Connection) -> bool:
            return any(there for (there,) in connection.execute(_DELETE, (chat_id,)).fetchall())

        return await self._do("delete", Need.DURABLE, work)

    def _do(
        self, operation: str, need: Need, work: Callable[[sqlite3.Connection], T]
    ) -> asyncio.Future[T]:
        with self._lock:
            if self._thread is None or not self._thread.is_here:
                self._thread = SQLiteThread(self._path, self._name, _prepare, self._timeout_s)
            return self._thread.do(operation, need, work)


def _prepare(connection: sqlite3.Connection) -> None:
    if connection.execute(_IS_PREPARED).fetchone()[0] == len(_SCHEMA):
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("COMMIT")


def _claim(connection: sqlite3.Connection, values: dict[str, Any]) -> Claim:
    chat_id: str = values["chat_id"]
    rows = connection.execute(_CLAIM, values).fetchall()
    if not rows:
        [(leased_until,)] = connection.execute(_LEASED_UNTIL, (chat_id,)).fetchall()
        raise busy(chat_id, leased_until, values["now"])
    [(body, revision, expires_at)] = rows
    if expires_at is not None and expires_at <= values["now"]:
        connection.execute(_START_ANEW, values)
        body, revision = None, 0
    return Claim(chat_id, body, revision, values["token"])


def _reading(
    conditions: str, values: dict[str, Any]
) -> Callable[[sqlite3.Connection], list[Stored]]:
    query = f"{_STORED} WHERE {conditions} ORDER BY chat_id LIMIT {_PAGE}"
    return lambda connection: [Stored(*row) for row in connection.execute(query, values)]
