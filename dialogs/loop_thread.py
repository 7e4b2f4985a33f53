"""An event loop in a thread of its own, which programs that do not await give work to.

Nothing of conversations is known here.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dialogs.errors import UsageError, missing_extra

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

T = TypeVar("T")


class LoopThread:
    """An event loop, and the thread that it runs in.

    Args:
        serving: is entered in the loop when it is opened, and left when all work is done.
        name: what the program has it under, for errors.

    Raises:
        UsageError: anyio is not installed.
    """

    def __init__(self, serving: AbstractAsyncContextManager[Any], name: str) -> None:
        self._from_thread = _from_thread(name)
        self._serving = serving
        self._name = name
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self._resources = contextlib.ExitStack()
        self._endless: list[Work[Any]] = []
        self._pid = self._thread = 0

    def open(self) -> None:
        """Start the thread. See `BlockingOrchestrator.open`."""
        self._check_process()
        with self._lock:
            if self._portal is not None:
                raise UsageError(
                    f"The {self._name} was opened twice.",
                    "It has one event loop, and closes it once.",
                    "Open it when the program starts, and share it between the threads.",
                )
            with contextlib.ExitStack() as resources:
                loop = resources.enter_context(self._from_thread.start_blocking_portal("asyncio"))
                portal = resources.enter_context(loop.wrap_async_context_manager(self._takes()))
                self._resources = resources.pop_all()
            self._pid = os.getpid()
            self._portal = portal

    def close(self) -> None:
        """Give up endless work, and end the thread once all other work is done.

        Does nothing where it is not open, and in a process that was forked from one where it is.
        """
        if self._pid != os.getpid():
            return
        self._check_thread()
        with self._lock:
            if self._portal is None:
                return
            self._portal, self._pid = None, 0
            endless, self._endless = self._endless, []
        for work in endless:
            work.give_up()
        self._resources.close()

    @contextlib.asynccontextmanager
    async def _takes(self) -> AsyncIterator[BlockingPortal]:
        """Takes work; ends when the last one is done, and leaves what it serves after it."""
        thread = threading.current_thread()
        thread.name, self._thread = "dialogs", threading.get_ident()
        async with self._serving, self._from_thread.BlockingPortal() as portal:
            yield portal

    def do(self, function: Callable[[], Coroutine[Any, Any, T]], *, endless: bool = False) -> T:
        """Have something done, after all that was given before, and wait for it.

        What interrupts the waiting, such as Ctrl-C, cancels it.

        Args:
            function: does it.
            endless: whether it ends only when the loop is closed.

        Raises:
            UsageError: it is not open, or this is its own thread, or a process forked too late.
            Exception: what the function raised.
        """
        work = Work(function)
        try:
            return self.begin(work, endless=endless).result()
        except _Escaped as escaped:
            raise escaped.error from None
        except BaseException:
            # It may have come before there was anything to wait for.
            work.give_up()
            raise

    def begin(self, work: Work[T], *, endless: bool = False) -> concurrent.futures.Future[T]:
        """Have work done, after all that was given before.

        The lock keeps that order, and keeps the loop open until it has got the work.
        """
        self._check_process()
        self._check_thread()
        with self._lock:
            if self._portal is None:
                raise UsageError(
                    f"The {self._name} is not open.",
                    "It was used before open(), or after close(): outside of its `with` block.",
                    f"Write `with {self._name}(...) as conversations:` around its use, or "
                    "open it when the program starts and close it when the program ends.",
                )
            if endless:
                self._endless.append(work)
            return self._portal.start_task_soon(work.run)

    def _check_process(self) -> None:
        if self._pid not in (0, os.getpid()):
            raise UsageError(
                f"This process was forked from one in which the {self._name} was open.",
                "Its event loop and its connections stayed in the other process.",
                "Make and open one in each process, after the fork: in gunicorn's post_fork, say, "
                "or without --preload.",
            )

    def _check_thread(self) -> None:
        if self._pid and self._thread == threading.get_ident():
            raise UsageError(
                f"The {self._name} was called by what it runs itself, such as a dialog.",
                "It would wait for its own event loop, which waits for it.",
                "There, await the same method of the Orchestrator.",
            )


class Work(Generic[T]):
    """Something to be done in the loop, which can be given up at any time, even before it began.

    Args:
        function: does it.
    """

    def __init__(self, function: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._function = function
        self._given_up: concurrent.futures.Future[None] = concurrent.futures.Future()

    def give_up(self) -> None:
        """Cancel it; it does nothing where it is done. For any thread."""
        self._given_up.cancel()

    async def run(self) -> T:
        """Do it. For the loop."""
        task: Any = asyncio.current_task()

        def cancel(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it is done
                task.get_loop().call_soon_threadsafe(task.cancel)

        # At once, where it was given up before it began.
        self._given_up.add_done_callback(cancel)
        try:
            return await self._function()
        except (SystemExit, KeyboardInterrupt) as error:
            raise _Escaped(error) from None


class _Escaped(Exception):
    """Carries what would end the event loop, with the work of all others, such as SystemExit."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def _from_thread(name: str) -> ModuleType:
    try:
        from anyio import from_thread  # noqa: PLC0415 - needs an extra
    except ImportError:
        raise missing_extra(name, "anyio", "blocking") from None
    return from_thread
