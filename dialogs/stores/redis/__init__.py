"""Conversations in Redis, or in a Redis Cluster: `RedisStore`.

How they lie there is told in `scripts`; how round trips are joined, in `pipelines`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from dialogs.errors import UsageError, missing_extra
from dialogs.spans import Span, seconds
from dialogs.stores.base import Claim, Stored, busy, conflict, new_token
from dialogs.stores.redis import scripts
from dialogs.stores.redis.keys import (
    Partition,
    decoded,
    encoded,
    in_full,
    milliseconds,
    partitions,
    place_of,
    stored_in,
)

if TYPE_CHECKING:
    from dialogs.stores.redis.clients import Client

# How long what was claimed outlasts its lease, in seconds, for a commit that comes late.
_GRACE_S = 3_600

# How many chat ids a scan asks one partition for, and how many bodies it holds at a time.
_PAGE = 250


class RedisStore:
    """Keeps conversations in Redis 6.2 or newer.

    A claim is one round trip and a commit is one, and those that many conversations make at the
    same time are sent together. Conversations are spread over 64 slots, so a cluster shares them
    out. A store belongs to one event loop at a time.

    **Durability is the server's setting.** With `appendonly no`, Redis's default, a crash of the
    Redis process loses all since its last snapshot; a production server has `appendonly yes`. With
    it, `appendfsync always` writes through before the commit is answered, so that what was
    committed survives a crash of the machine; with `everysec`, a crash of the machine loses the
    last second or two, one of the Redis process nothing; with `no`, the system decides when to
    write. Replicas follow with a delay, so a failover may lose the last commits whatever the
    setting. What is lost is lost by whole commits: a conversation is then as it was one or more
    turns before. `maxmemory-policy` must be `noeviction`; any other lets Redis throw
    conversations away.

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://`, with user, password and database.
        prefix: what all keys begin with. Stores with different prefixes share nothing.
        timeout: how long a round trip may take, in seconds or as a timedelta. Where the server
            stalls, one that had to wait for another may take twice as long to fail.
        cluster: whether the URL is that of one of a cluster's nodes.
        client: a `redis.asyncio` client of your own, in place of the URL. It must not repeat
            commands nor decode responses, and is yours to close.

    Raises:
        UsageError: redis-py is not installed, or an argument does not do.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379",
        *,
        prefix: str = "dialogs",
        timeout: Span = 5.0,
        cluster: bool = False,
        client: Client | None = None,
    ) -> None:
        try:
            from dialogs.stores.redis import clients, pipelines  # noqa: PLC0415 - an extra
        except ImportError:
            raise missing_extra("RedisStore", "redis", "redis") from None
        timeout_s = seconds(timeout, "RedisStore(timeout={!r})")
        if "{" in prefix:
            raise UsageError(
                f"RedisStore was given the prefix {prefix!r}.",
                "A brace decides in which slot of a cluster a key lies.",
                "Choose a prefix without braces.",
            )
        where = "its own client" if client is not None else repr(clients.without_secrets(url))
        self._name = f"RedisStore({where}, prefix={prefix!r})"
        self._pipelines = pipelines.Pipelines(
            url if client is None else client, cluster=cluster, name=self._name, timeout_s=timeout_s
        )
        self._partitions = partitions(prefix)

    def __repr__(self) -> str:
        return self._name

    async def setup(self) -> None:
        """Ask the server whether it answers. It needs nothing created."""
        await self._read("setup", b"")

    async def close(self) -> None:
        """Close the connections, of a client that is not the caller's own."""
        await self._pipelines.close()

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        """Read a conversation and take its lease. See `Store`."""
        chat = encoded(chat_id)
        keys = self._partition_of(chat)
        token = new_token()
        answer = self._pipelines.ask(
            "claim",
            scripts.CLAIM,
            *(b"2", keys.conversations + chat, keys.held),
            *(chat, in_full(now), in_full(now + lease_s), token.encode()),
            milliseconds(lease_s + _GRACE_S),
        )
        try:
            reply = await answer
        except asyncio.CancelledError:
            # It may have been sent. Nobody will use the lease, so nobody should wait for its end.
            if self._pipelines.under_way:
                self._release(chat, token).add_done_callback(_look_away)
            raise
        if isinstance(reply, bytes):
            raise busy(chat_id, float(reply), now)
        body, revision = reply
        return Claim(chat_id, body, int(revision), token)

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
        """Write a conversation, if nothing took its lease since the claim. See `Store`."""
        chat = encoded(claim.chat_id)
        keys = self._partition_of(chat)
        until = now if hold_s is None else now + hold_s
        committed = Claim(claim.chat_id, body, claim.revision + 1, claim.token)
        written = await self._pipelines.ask(
            "commit",
            scripts.COMMIT,
            *(b"6", keys.conversations + chat, *keys[1:]),
            *(chat, claim.token.encode(), b"%d" % claim.revision, b"%d" % committed.revision),
            # A body of a wrong type fails here, alone, and not the pipeline that it would be in.
            *(bytes(body), encoded(status), in_full(wake_at), in_full(expires_at)),
            b"" if hold_s is None else in_full(until),
            b"" if expires_at is None else milliseconds(max(expires_at, until) - now),
        )
        if not written:
            raise conflict(claim)
        return committed

    async def release(self, claim: Claim) -> None:
        """Give a lease back and write nothing. See `Store`."""
        await self._release(encoded(claim.chat_id), claim.token)

    async def load(self, chat_id: str, *, now: float) -> Stored | None:
        """Read a conversation without a claim. See `Store`."""
        chat = encoded(chat_id)
        return stored_in(await self._read("load", chat), chat, now)

    async def due(self, *, now: float, limit: int) -> list[str]:
        """The chat ids of conversations whose time has come. See `Store`.

        Removes some of what has expired, too.
        """
        answers = await asyncio.gather(
            *(
                self._pipelines.ask(
                    "due",
                    scripts.DUE,
                    *(b"3", keys.due, keys.held, keys.expiry),
                    *(in_full(now), b"%d" % limit),
                )
                for keys in self._partitions
            )
        )
        found: list[tuple[float, bytes]] = []
        expired: list[bytes] = []
        for turns, gone in answers:
            found += zip(map(float, turns[1::2]), turns[::2], strict=True)
            expired += gone
        await self._clean("due", expired, now)
        return [decoded(chat) for _, chat in sorted(found)[:limit]]

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        """Every conversation, or every one of a status. See `Store`."""
        chats: list[bytes] = []
        async for page in self._pages(status):
            chats += page
            while len(chats) >= _PAGE:
                for stored in await self._stored_of(chats[:_PAGE], status, now):
                    yield stored
                del chats[:_PAGE]
        for stored in await self._stored_of(chats, status, now):
            yield stored

    async def delete(self, chat_id: str) -> bool:
        """Forget a conversation, lease and all. See `Store`."""
        chat = encoded(chat_id)
        keys = self._partition_of(chat)
        there = await self._pipelines.ask(
            "delete", scripts.DELETE, b"6", keys.conversations + chat, *keys[1:], chat
        )
        return bool(there)

    def _partition_of(self, chat: bytes) -> Partition:
        return self._partitions[place_of(chat)]

    def _read(self, operation: str, chat: bytes) -> asyncio.Future[Any]:
        key = self._partition_of(chat).conversations + chat
        return self._pipelines.ask(operation, None, b"HMGET", key, b"b", b"r", b"s", b"w", b"e")

    def _release(self, chat: bytes, token: str) -> asyncio.Future[Any]:
        keys = self._partition_of(chat)
        return self._pipelines.ask(
            "release",
            scripts.RELEASE,
            *(b"3", keys.conversations + chat, keys.held, keys.due),
            *(chat, token.encode()),
        )

    async def _clean(self, operation: str, chats: list[bytes], now: float) -> None:
        """Remove what expired or is missing, and what the indexes still know of it."""
        cleaned = []
        for chat in chats:
            keys = self._partition_of(chat)
            cleaned.append(
                self._pipelines.ask(
                    operation,
                    scripts.CLEAN,
                    *(b"6", keys.conversations + chat, *keys[1:], chat, in_full(now)),
                )
            )
        await asyncio.gather(*cleaned)

    async def _pages(self, status: str | None) -> AsyncIterator[list[bytes]]:
        """Chat ids, a page at a time, each once. No page takes the server long."""

        def ask(keys: Partition, cursor: bytes) -> asyncio.Future[Any]:
            if status is None:
                return self._pipelines.ask(
                    "scan", scripts.EVERY, b"1", keys.status, cursor, b"%d" % _PAGE
                )
            return self._pipelines.ask(
                "scan",
                scripts.OF_STATUS,
                b"1",
                keys.by_status,
                cursor,
                b"%d" % _PAGE,
                encoded(status),
            )

        start = b"0" if status is None else b"["
        # A small store is known after this one pipeline.
        first = await asyncio.gather(*(ask(keys, start) for keys in self._partitions))
        for keys, (cursor, page) in zip(self._partitions, first, strict=True):
            seen = set(page)
            yield list(seen)
            following = cursor
            while following is not None:
                following, more = await ask(keys, following)
                yield list(set(more) - seen)
                seen.update(more)

    async def _stored_of(self, chats: list[bytes], status: str | None, now: float) -> list[Stored]:
        """Those of some chat ids that are there, and still of that status."""
        fields = await asyncio.gather(*(self._read("scan", chat) for chat in chats))
        found = [
            (chat, stored_in(each, chat, now)) for chat, each in zip(chats, fields, strict=True)
        ]
        await self._clean("scan", [chat for chat, stored in found if stored is None], now)
        return [stored for _, stored in found if stored and status in (None, stored.status)]


def _look_away(answer: asyncio.Future[Any]) -> None:
    """Let nobody be told of an error that nobody waits for."""
    if not answer.cancelled():
        answer.exception()
