"""Conversations in PostgreSQL, one row each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from dialogs.errors import UsageError
from dialogs.spans import Span, seconds
from dialogs.stores.base import Claim, Stored, busy, conflict, give_back, new_token
from dialogs.stores.postgres.connections import Connections, Pool
from dialogs.stores.postgres.statements import statements

# How many conversations `scan` reads at once, and how many expired ones `due` removes.
_BATCH = 100

# A claim that was neither committed nor released leaves a row without a body. It is removed so
# long after its lease, since a late commit is no reason to refuse.
_ABANDONED_S = 86_400.0


class PostgresStore:
    """Keeps conversations in a table of PostgreSQL, 12 or newer (tested with 16).

    It needs asyncio::

        store = PostgresStore("postgresql://bot@db.example/bot")
        await store.setup()
        orchestrator = Orchestrator(shop, store=store)

    A turn is two statements, each one round trip and a transaction of its own: nothing is locked
    between them. When a connection runs a statement for the sixth time it prepares it, which takes
    one round trip more, that once.

    Durability: a commit is on the server's disk before it returns, as far as the server's settings
    `fsync` and `synchronous_commit` say so; both are on unless somebody changed them. With
    `synchronous_standby_names` set, it is on a replica too, and a failover loses nothing; without,
    a failover may lose the last commits. Claims alone do not wait for the disk: one that a crash
    of the server forgets is a lost claim, and its commit is refused.

    Behind PgBouncer in transaction mode, or another pooler like it, give `prepare=False`, unless
    it follows prepared statements (PgBouncer 1.21 does, with `max_prepared_statements`). The store
    sets nothing and keeps nothing in a connection.

    A store belongs to the event loop it is first used in, until it is closed.

    Args:
        dsn: a URL or a libpq connection string; what it leaves out comes from PGHOST and the like.
            Several hosts with `target_session_attrs=read-write` follow a failover.
        table: the table's name, as `table` or `schema.table`; the schema must be there.
        timeout: how long a round trip may take, waiting for a connection included: seconds, or a
            timedelta.
        pool_size: how many connections it opens at most.
        prepare: whether statements are prepared on the server.
        pool: an AsyncConnectionPool of yours, open and in autocommit, to use instead of `dsn`,
            `pool_size` and `prepare`. `close` leaves it open.

    Raises:
        UsageError: psycopg is not installed, the dsn or the table's name cannot be read, or a
            number is not above 0.
    """

    def __init__(
        self,
        dsn: str = "",
        *,
        table: str = "dialogs_conversations",
        timeout: Span = 5.0,
        pool_size: int = 10,
        prepare: bool = True,
        pool: Pool | None = None,
    ) -> None:
        timeout_s = seconds(timeout, "PostgresStore(timeout={!r})")
        if pool_size < 1:
            raise UsageError(
                f"PostgresStore was given pool_size={pool_size}.",
                "Without connections it can do nothing.",
                "Give a number above 0.",
            )
        self._connections = Connections(
            dsn, size=pool_size, timeout_s=timeout_s, prepare=prepare, given=pool
        )
        self._statements = statements(table)

    def __repr__(self) -> str:
        return f"<{self._connections.name}, table {self._statements.table}>"

    async def setup(self) -> None:
        """Create the table and its indexes where there is no such table.

        Where it is there, nothing is changed and no right to create is needed.

        Raises:
            StoreUnavailable: it could not be created.
        """
        [[found]] = await self._run("setup", self._statements.exists, table=self._statements.table)
        if not found:
            await self._connections.run("setup", self._statements.create)

    async def close(self) -> None:
        """Close the connections. The next use opens new ones."""
        await self._connections.close()

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        """Read a conversation and take its lease, in one round trip.

        Raises:
            Busy: another claim's lease still runs.
        """
        token = new_token()
        leased_until = now + lease_s
        try:
            [[taken, body, revision, held_until]] = await self._run(
                "claim",
                self._statements.claim,
                chat_id=chat_id,
                now=now,
                token=token,
                leased_until=leased_until,
                abandoned_at=leased_until + _ABANDONED_S,
            )
        except asyncio.CancelledError:
            give_back(self.release(Claim(chat_id, None, 0, token)))
            raise
        if not taken:
            raise busy(chat_id, held_until, now)
        return Claim(chat_id, body, revision, token)

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
        """Write a conversation, if nothing took its lease since the claim, in one round trip.

        Raises:
            Conflict: the claim was lost. Nothing was written.
        """
        rows = await self._run(
            "commit",
            self._statements.commit,
            chat_id=claim.chat_id,
            token=claim.token,
            revision=claim.revision,
            body=body,
            status=status,
            wake_at=wake_at,
            expires_at=expires_at,
            leased_until=None if hold_s is None else now + hold_s,
        )
        if not rows:
            raise conflict(claim)
        return Claim(claim.chat_id, body, rows[0][0], claim.token)

    async def release(self, claim: Claim) -> None:
        """Give a lease back and write nothing; does nothing where the claim was lost."""
        await self._run(
            "release", self._statements.release, chat_id=claim.chat_id, token=claim.token
        )

    async def load(self, chat_id: str, *, now: float) -> Stored | None:
        """Read a conversation without a claim; None where there is none."""
        rows = await self._run("load", self._statements.load, chat_id=chat_id, now=now)
        return Stored(*rows[0]) if rows else None

    async def due(self, *, now: float, limit: int) -> list[str]:
        """The chat ids of those whose time has come and that nobody holds, longest due first.

        Removes up to 100 conversations that have expired.
        """
        rows = await self._run("due", self._statements.due, now=now, limit=limit, removed=_BATCH)
        return [chat_id for (chat_id,) in rows]

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        """Every conversation, or every one of a status, each once, read 100 at a time."""
        statement = self._statements.scan if status is None else self._statements.scan_status
        start = ""
        while True:
            rows = await self._run(
                "scan", statement, status=status, start=start, now=now, limit=_BATCH
            )
            for row in rows:
                yield Stored(*row)
            if len(rows) < _BATCH:
                return
            # The text that comes right after it, since none contains a NUL.
            start = rows[-1][0] + "\x01"

    async def delete(self, chat_id: str) -> bool:
        """Forget a conversation, lease and all; whether there was one."""
        rows = await self._run("delete", self._statements.delete, chat_id=chat_id)
        return bool(rows and rows[0][0])

    async def _run(self, operation: str, statement: bytes, **parameters: Any) -> list[Any]:
        return await self._connections.run(operation, statement, parameters)
