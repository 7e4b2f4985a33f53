"""Round trips of many conversations, joined into pipelines.

Commands queue; one pipeline is under way at a time, and what queues meanwhile goes into the next.
So one connection carries all the conversations of a process, and a thousand that come at once
cost a few round trips, not a thousand.

A command is sent once. It is sent a second time in one case only: where the server answered that
it does not know the script, and so has done nothing.

Importing this needs redis-py.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError

from dialogs.errors import StoreUnavailable, reason_of
from dialogs.stores.redis.clients import Client, checked, client_of, connected
from dialogs.stores.redis.scripts import Script

# A pipeline takes no more than this, so that the first of a crowd does not wait for the last.
_MOST = 200


class _Command(NamedTuple):
    """One command on its way.

    Args:
        operation: what the store was asked for, for errors.
        script: the script that it runs; None: a plain command.
        parts: the command's parts; of a script, what follows its name.
        deadline: when its time is up, on the event loop's clock.
        answer: what its caller waits for.
    """

    operation: str
    script: Script | None
    parts: tuple[bytes, ...]
    deadline: float
    answer: asyncio.Future[Any]


class Pipelines:
    """Sends commands, many at a time.

    Args:
        server: the server's URL, or the caller's client, which is the caller's to close.
        cluster: whether the URL is that of a cluster's node.
        name: the store, as text, for errors.
        timeout_s: how long a command may take, from the asking on, in seconds.

    Raises:
        UsageError: the URL cannot be read, or the client repeats commands or decodes responses.
    """

    def __init__(self, server: str | Client, *, cluster: bool, name: str, timeout_s: float) -> None:
        self._url = server if isinstance(server, str) else None
        self._cluster = cluster
        self._name = name
        self._timeout_s = timeout_s
        self._server = connected(
            client_of(server, cluster=cluster) if isinstance(server, str) else checked(server)
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: deque[_Command] = deque()
        self._sending: asyncio.Task[None] | None = None

    def ask(self, operation: str, script: Script | None, *parts: bytes) -> asyncio.Future[Any]:
        """Queue a command; what is returned must be awaited, and may be cancelled.

        Args:
            operation: what the store was asked for, for errors.
            script: the script to run; None: a plain command.
            parts: of a script, the number of keys, the keys, the arguments.

        Raises:
            StoreUnavailable: (when awaited) it could not be sent, or was not answered in time, or
                the server refused it.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        answer: asyncio.Future[Any] = loop.create_future()
        deadline = loop.time() + self._timeout_s
        self._queue.append(_Command(operation, script, parts, deadline, answer))
        if self._sending is None:
            self._sending = loop.create_task(self._send_all())
        return answer

    @property
    def under_way(self) -> bool:
        """Whether a pipeline is under way, which what is asked now will follow."""
        return self._sending is not None

    async def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        while self._sending is not None and self._loop is asyncio.get_running_loop():
            await asyncio.wait([self._sending])
        if self._url is None or self._loop is not asyncio.get_running_loop():
            # Not ours to close, never opened, or gone with the loop that they belonged to.
            return
        await self._server.close()

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connections belong to an event loop; those of the last one have ended with it."""
        if self._loop is not None:
            self._queue = deque()
            self._sending = None
            if self._url is not None:
                self._server = connected(client_of(self._url, cluster=self._cluster))
        self._loop = loop

    async def _send_all(self) -> None:
        queue = self._queue
        try:
            while queue:
                await self._send(self._next_of(queue))
        finally:
            self._sending = None
            if queue:
                self._fail(queue, asyncio.CancelledError("the event loop is closing"))
                queue.clear()

    def _next_of(self, queue: deque[_Command]) -> list[_Command]:
        """What goes into the next pipeline, without what nobody waits for any more."""
        now = asyncio.get_running_loop().time()
        commands: list[_Command] = []
        while queue and len(commands) < _MOST:
            command = queue.popleft()
            if command.deadline <= now:
                self._fail([command], TimeoutError())
            elif not command.answer.done():
                commands.append(command)
        return commands

    async def _send(self, commands: list[_Command]) -> None:
        """One pipeline: whatever comes of it is told to those who wait."""
        if not commands:
            return
        try:
            # Of the one that was asked last: none is given up before its time.
            async with asyncio.timeout_at(commands[-1].deadline):
                replies = await self._answers(commands)
        except Exception as error:  # noqa: BLE001 - each caller gets it, as StoreUnavailable
            self._fail(commands, error)
            return
        except BaseException as error:
            self._fail(commands, error)
            raise
        for command, reply in zip(commands, replies, strict=True):
            if isinstance(reply, Exception):
                self._fail([command], reply)
            elif not command.answer.done():
                command.answer.set_result(reply)

    async def _answers(self, commands: list[_Command]) -> list[Any]:
        replies = await self._server.round_trip(
            [
                (b"EVALSHA", command.script.sha, *command.parts)
                if command.script
                else command.parts
                for command in commands
            ]
        )
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            # A server that was restarted knows no scripts. Nothing was done, so all may be sent
            # again, this time with their text, which the server keeps.
            again = [commands[at] for at in unknown]
            answered = await self._server.round_trip(
                [
                    (b"EVAL", command.script.text, *command.parts)
                    for command in again
                    if command.script
                ]
            )
            for at, reply in zip(unknown, answered, strict=True):
                replies[at] = reply
        return replies

    def _fail(self, commands: Iterable[_Command], error: BaseException) -> None:
        if isinstance(error, TimeoutError):
            reason = f"the server did not answer within {self._timeout_s:g} seconds"
        else:
            reason = reason_of(error).rstrip(".")
        for command in commands:
            if not command.answer.done():
                # One for each: an exception that is raised in many places mixes their tracebacks.
                unavailable = StoreUnavailable(self._name, command.operation, reason)
                unavailable.__cause__ = error
                command.answer.set_exception(unavailable)
