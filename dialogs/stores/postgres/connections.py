"""Connections to PostgreSQL: one statement in, its rows out, and every failure named.

Nothing is sent but the statement: connections are in autocommit, the pool checks nothing, and no
setting is made. That a server has closed a connection is seen without asking it.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from dialogs.errors import DialogsError, StoreUnavailable, UsageError, missing_extra, reason_of

try:
    import psycopg
    from psycopg import errors
    from psycopg.conninfo import conninfo_to_dict
    from psycopg_pool import AsyncConnectionPool
except ImportError:  # the extra is not installed
    _INSTALLED = False
else:
    _INSTALLED = True
    # What comes of statements that were prepared on another connection than they are run on.
    _POOLER_ERRORS = (
        errors.DuplicatePreparedStatement,
        errors.InvalidSqlStatementName,
        errors.ProtocolViolation,
    )

Pool: TypeAlias = "AsyncConnectionPool[psycopg.AsyncConnection[Any]]"
Row: TypeAlias = tuple[Any, ...]

# How long after the timeout the server may take to give a statement up, in seconds.
_GRACE_S = 1.0

_KEPT_PREPARED = 5


class Connections:
    """The connections of one store, opened when needed, in the event loop of the first use.

    Args:
        dsn: how to connect.
        size: how many connections at most.
        timeout_s: how long one round trip may take, waiting for a connection included.
        prepare: whether statements that come often are prepared.
        given: the user's own pool, to use instead; it is never closed here.
    """

    def __init__(
        self, dsn: str, *, size: int, timeout_s: float, prepare: bool, given: Pool | None
    ) -> None:
        if not _INSTALLED:
            raise missing_extra("PostgresStore", "psycopg", "postgres") from None
        self._dsn = dsn
        self._size = size
        self._timeout_s = timeout_s
        self._prepare = prepare
        self._given = given
        self._pool: Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._refusal: Exception | None = None
        if given is not None:
            dsn = given.conninfo if isinstance(given.conninfo, str) else ""
        self._parameters = _parameters(dsn)
        self.name = f"PostgresStore({_place(self._parameters)})"

    async def run(
        self, operation: str, statement: bytes, parameters: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Run a statement, in one round trip.

        Args:
            operation: what it is for, for errors.
            statement: the statement; without parameters it may be several, all or none of which
                take effect.
            parameters: its parameters by name.

        Returns:
            The rows of its answer.

        Raises:
            StoreUnavailable: it failed, or was not answered in time.
            UsageError: the database cannot keep a text among the parameters.
        """
        try:
            # A statement that is not answered in time is cancelled, in the first timeout; a server
            # that does not answer that either loses its connection in the second one.
            async with asyncio.timeout(self._timeout_s + _GRACE_S):
                async with asyncio.timeout(self._timeout_s):
                    return await self._run(statement, parameters)
        except (psycopg.Error, OSError, UnicodeError) as error:
            raise self._explained(operation, error) from error

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        pool, self._pool, self._loop = self._pool, None, None
        if pool is not None and pool is not self._given:
            await pool.close()

    async def _run(self, statement: bytes, parameters: Mapping[str, Any] | None) -> list[Row]:
        pool = await self._opened()
        connection = await self._connection(pool)
        try:
            if parameters is None:
                await connection.execute(statement, prepare=False)
                return []
            cursor = await connection.execute(statement, parameters, binary=True)
            return await cursor.fetchall()
        except errors.ReadOnlySqlTransaction:
            # A primary no more: the pool connects anew, to whoever has this address by then.
            connection.pgconn.finish()
            raise
        finally:
            await pool.putconn(connection)

    async def _opened(self) -> Pool:
        loop = asyncio.get_running_loop()
        if self._pool is None:
            self._loop = loop
            self._pool = self._given or self._new_pool()
        if self._loop is not loop:
            raise UsageError(
                f"{self.name} is used in two event loops.",
                "Its connections belong to the one it was used in first.",
                "Make one store for each loop, or await store.close() before the next one.",
            )
        if self._given is None and self._pool.closed:
            await self._pool.open()
        return self._pool

    def _new_pool(self) -> Pool:
        defaults = {
            "fallback_application_name": "dialogs",
            "connect_timeout": max(2, round(self._timeout_s)),
        }
        return AsyncConnectionPool(
            self._dsn,
            connection_class=_connection_class(self._remember),
            kwargs={
                "autocommit": True,
                "prepare_threshold": _KEPT_PREPARED if self._prepare else None,
                **{key: value for key, value in defaults.items() if key not in self._parameters},
            },
            name="dialogs",
            open=False,
            min_size=1,
            max_size=self._size,
            timeout=self._timeout_s,
            # The pauses between attempts double: few of them, and whoever comes next tries anew.
            reconnect_timeout=self._timeout_s,
        )

    async def _connection(self, pool: Pool) -> psycopg.AsyncConnection[Any]:
        """A connection that the server has not closed, as far as this end was told."""
        while True:
            connection = await pool.getconn(self._timeout_s)
            if not connection.closed and not _has_news(connection.fileno()):
                break
            # Not its close(), which some pools take for giving it back.
            connection.pgconn.finish()
            await pool.putconn(connection)
        if not connection.autocommit:
            await pool.putconn(connection)
            raise UsageError(
                f"{self.name} was given a pool whose connections are not in autocommit.",
                "Every turn would take two round trips more, and nothing would be committed.",
                'Make it with AsyncConnectionPool(..., kwargs={"autocommit": True}).',
            )
        return connection

    def _remember(self, refusal: Exception | None) -> None:
        self._refusal = refusal

    def _explained(self, operation: str, error: Exception) -> DialogsError:
        if isinstance(error, (psycopg.DataError, errors.ProgramLimitExceeded, UnicodeError)):
            return UsageError(
                f"{self.name} cannot keep what {operation} was given: {_text_of(error)}.",
                "PostgreSQL keeps text in UTF-8, without NUL, and chat ids of up to 2,700 bytes.",
                "Use other chat ids; a database made with ENCODING 'UTF8' keeps all of Unicode.",
            )
        reason, remedy = _text_of(error), None
        # A timeout of the pool is an error of psycopg, one of the loop is an OSError.
        if isinstance(error, TimeoutError):
            reason = f"no answer within {self._timeout_s:g} seconds"
        if isinstance(error, (TimeoutError, psycopg.OperationalError)) and self._refusal:
            reason += f"; connecting failed with {_text_of(self._refusal)}"
        if isinstance(error, errors.UndefinedTable):
            remedy = "Create the table, once: await store.setup()."
        if isinstance(error, errors.InvalidSchemaName):
            remedy = "Create the schema, once, with CREATE SCHEMA, then: await store.setup()."
        if isinstance(error, _POOLER_ERRORS) and self._prepare and self._given is None:
            remedy = "Behind a pooler in transaction mode, give PostgresStore(..., prepare=False)."
        if isinstance(error, errors.UndefinedColumn):
            remedy = "The table is another program's: give this store a name of its own, table=."
        return StoreUnavailable(self.name, operation, reason, remedy)


def _connection_class(
    remember: Callable[[Exception | None], None],
) -> type[psycopg.AsyncConnection[Any]]:
    """Connections as the pool's workers make them, with what the workers leave out.

    Args:
        remember: told why connecting failed, which the pool keeps for itself, or that it did not.
    """

    class Connection(psycopg.AsyncConnection[Any]):
        @classmethod
        async def connect(cls, *args: Any, **kwargs: Any) -> Any:
            try:
                connection = await super().connect(*args, **kwargs)
            except psycopg.Error as error:
                remember(error)
                raise
            except asyncio.CancelledError:
                # A worker takes this for one more failure and goes on, so that a loop which ends
                # while the server is away waits for it without end. Told again, it stops.
                worker = asyncio.current_task()
                if worker is not None:
                    asyncio.get_running_loop().call_soon(worker.cancel)
                raise
            remember(None)
            return connection

    return Connection


def _has_news(socket: int) -> bool:
    """Whether the server said something unasked, which nearly always is that it is gone."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([socket], (), (), 0)[0])


def _parameters(dsn: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Its text may quote a password.
        raise UsageError(
            "PostgresStore was given a dsn that cannot be read.",
            "It is neither a URL nor a list of key=value.",
            'Write it like "postgresql://user:password@host:5432/database"; escape special '
            "characters of a password with urllib.parse.quote.",
        ) from None


def _place(parameters: Mapping[str, Any]) -> str:
    """Where a database is, without the user and the password."""
    host = parameters.get("host") or parameters.get("hostaddr") or "localhost"
    port = f":{parameters['port']}" if parameters.get("port") else ""
    database = f"/{parameters['dbname']}" if parameters.get("dbname") else ""
    return f"{host}{port}{database}"


def _text_of(error: Exception) -> str:
    """An error in one line, without the full stop, and without a look at the statement."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    text = f"{type(error).__name__}: {said}" if said else reason_of(error)
    return " ".join(text.split()).rstrip(".?")
