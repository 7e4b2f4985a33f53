"""The bare round trips that a turn over a store is measured by: read, then compare and set.

Each reads the bytes and their revision through the client that the store uses too, and writes the
bytes with the next revision where the revision is still the one that was read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import psycopg
import redis.asyncio


class Bare(Protocol):
    """Bytes under a key, in one database."""

    async def open(self) -> None: ...
    async def put(self, key: str, body: bytes) -> None: ...
    async def turn(self, key: str) -> bytes: ...
    async def close(self) -> None: ...


class BareSQLite:
    """sqlite3 off the event loop, in a thread, with the same settings as `SQLiteStore`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.thread = ThreadPoolExecutor(1)

    async def _do(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        def work() -> Any:
            return self.connection.execute(statement, values).fetchone()

        return await asyncio.get_running_loop().run_in_executor(self.thread, work)

    async def open(self) -> None:
        def work() -> None:
            self.connection = sqlite3.connect(self.path, isolation_level=None)
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
            self.connection.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, body BLOB, revision)")

        await asyncio.get_running_loop().run_in_executor(self.thread, work)

    async def put(self, key: str, body: bytes) -> None:
        await self._do("INSERT OR REPLACE INTO bare VALUES (?, ?, 1)", (key, body))

    async def turn(self, key: str) -> bytes:
        body, revision = await self._do("SELECT body, revision FROM bare WHERE id = ?", (key,))
        update = "UPDATE bare SET body = ?, revision = ? WHERE id = ? AND revision = ?"
        await self._do(f"{update} RETURNING 1", (body, revision + 1, key, revision))
        return bytes(body)

    async def close(self) -> None:
        self.thread.submit(self.connection.close).result()
        self.thread.shutdown()


COMPARE_AND_SET = """
if redis.call('HGET', KEYS[1], 'r') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'b', ARGV[2], 'r', ARGV[1] + 1)
return 1
"""


class BareRedis:
    """redis-py's asyncio client: HMGET, and a script that compares and sets."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> None:
        self.client: Any = redis.asyncio.Redis.from_url(self.url)
        self.script = await self.client.script_load(COMPARE_AND_SET)

    async def put(self, key: str, body: bytes) -> None:
        await self.client.hset(f"bare:{key}", mapping={"b": body, "r": 1})

    async def turn(self, key: str) -> bytes:
        body, revision = await self.client.hmget(f"bare:{key}", "b", "r")
        await self.client.evalsha(self.script, 1, f"bare:{key}", revision, body)
        return bytes(body)

    async def turns(self, keys: list[str]) -> None:
        """A turn of each key at once: all reads in a pipeline, all writes in another."""
        async with self.client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hmget(f"bare:{key}", "b", "r")
            found = await pipeline.execute()
        async with self.client.pipeline(transaction=False) as pipeline:
            for key, (body, revision) in zip(keys, found, strict=True):
                pipeline.evalsha(self.script, 1, f"bare:{key}", revision, body)
            assert all(await pipeline.execute())

    async def close(self) -> None:
        await self.client.aclose()


class BarePostgres:
    """psycopg's asyncio connection, autocommit, statements prepared."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def _do(self, statement: Any, values: tuple[Any, ...] = ()) -> Any:
        cursor = await self.connection.execute(statement, values, prepare=True, binary=True)
        return await cursor.fetchone()

    async def open(self) -> None:
        self.connection = await psycopg.AsyncConnection.connect(self.dsn, autocommit=True)
        await self.connection.execute("DROP TABLE IF EXISTS bare")
        table = "CREATE TABLE bare (id text PRIMARY KEY, body bytea, revision bigint)"
        await self.connection.execute(table)

    async def put(self, key: str, body: bytes) -> None:
        insert = "INSERT INTO bare VALUES (%s, %s, 1) ON CONFLICT (id) DO UPDATE"
        await self.connection.execute(f"{insert} SET body = excluded.body", (key, body))

    async def turn(self, key: str) -> bytes:
        body, revision = await self._do("SELECT body, revision FROM bare WHERE id = %s", (key,))
        update = "UPDATE bare SET body = %s, revision = %s WHERE id = %s AND revision = %s"
        await self._do(f"{update} RETURNING 1", (body, revision + 1, key, revision))
        return bytes(body)

    async def close(self) -> None:
        await self.connection.close()
