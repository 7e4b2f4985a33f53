"""One round trip of many commands, to a server or to a cluster, through redis-py.

The pipelines of redis-py would do for both. For one server they cost more than the commands that
they carry, so here is the same on its connections. Importing this needs redis-py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from dialogs.errors import UsageError

Client: TypeAlias = Redis | RedisCluster
Command: TypeAlias = Sequence[bytes]


class Connected(Protocol):
    """A server, or a cluster."""

    async def round_trip(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to some commands, each of which is sent once.

        An error that one of them alone met stands among the replies; what met all is raised.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class _Server:
    def __init__(self, client: Redis) -> None:
        self._client = client

    async def round_trip(self, commands: Sequence[Command]) -> list[Any]:
        pool: Any = self._client.connection_pool
        # Connected anew where the server has closed it since.
        connection = await pool.get_connection()
        replies: list[Any] = []
        try:
            await connection.send_packed_command(_packed(commands))
            for _ in commands:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as refused:
                    replies.append(refused)
            if any(map(_is_demoted, replies)):
                # A primary no more: the next round trip asks anew who has this address.
                await connection.disconnect(nowait=True)
        except BaseException:
            # Nobody may take the replies that are still to come for their own.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)
        return replies

    async def close(self) -> None:
        await self._client.aclose()


class _Cluster:
    def __init__(self, client: RedisCluster) -> None:
        self._client = client

    async def round_trip(self, commands: Sequence[Command]) -> list[Any]:
        pipeline = self._client.pipeline()
        for name, *parts in commands:
            pipeline.execute_command(name.decode(), *parts)
        lost = True
        try:
            replies: list[Any] = await pipeline.execute(raise_on_error=False)
            lost = any(map(_is_lost, replies))
        finally:
            if lost:
                # A node is gone: the next round trip asks the others who has its slots now.
                await self._client.aclose()
        return replies

    async def close(self) -> None:
        await self._client.aclose()


def connected(client: Client) -> Connected:
    """What carries commands through a client."""
    return _Cluster(client) if isinstance(client, RedisCluster) else _Server(client)


def client_of(url: str, *, cluster: bool) -> Client:
    """A client that repeats nothing, and leaves timeouts to who uses it.

    Raises:
        UsageError: the URL cannot be read.
    """
    kind = RedisCluster if cluster else Redis
    try:
        client: Client = kind.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
            # With protocol 3, redis-py does not look whether the server closed an idle connection.
            protocol=2,
            socket_timeout=None,
            socket_connect_timeout=None,
        )
    except (ValueError, TypeError, RedisError):
        # The error may quote the URL, and with it the password.
        raise UsageError(
            "RedisStore cannot read its URL.",
            "It is none of Redis, or has a character in it that must be percent-encoded.",
            "Write it as redis://user:password@host:6379/0, rediss:// for TLS, or unix://.",
        ) from None
    return client


def checked(client: Client) -> Client:
    """A caller's client, if it repeats nothing and leaves bytes as they are.

    Raises:
        UsageError: it does not.
    """
    settings = client.get_connection_kwargs()
    retry = client.retry if isinstance(client, RedisCluster) else settings.get("retry")
    if retry is not None and retry.get_retries():
        raise UsageError(
            "RedisStore was given a client that repeats commands.",
            "A commit whose answer was lost would be sent again, and refused for it.",
            "Make the client with retry=Retry(NoBackoff(), 0).",
        )
    if settings.get("decode_responses"):
        raise UsageError(
            "RedisStore was given a client that decodes responses.",
            "Conversations are bytes, not text.",
            "Make the client with decode_responses=False.",
        )
    return client


def without_secrets(url: str) -> str:
    """A URL without its password and its options, which may hold one."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "redis://..."
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"


def _packed(commands: Sequence[Command]) -> bytes:
    """Commands as they are sent: arrays of byte strings.

    Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
    """
    pieces = []
    for parts in commands:
        pieces.append(b"*%d\r\n" % len(parts))
        pieces += [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"".join(pieces)


def _is_demoted(reply: Any) -> bool:
    # In its text alone: where a script met it, its class is that of any other error.
    return isinstance(reply, ResponseError) and "READONLY" in str(reply)


def _is_lost(reply: Any) -> bool:
    return isinstance(reply, Exception) and not isinstance(reply, ResponseError)
