"""The orchestrator for programs that do not await: Flask, Django's sync views, scripts.

An event loop runs in a thread of its own, and every call waits there for its turn. Nothing of what
the orchestrator does is done twice here.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from types import ModuleType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from dialogs.conversation import Conversation
from dialogs.errors import UsageError, missing_extra
from dialogs.events import Turn
from dialogs.orchestrator import Orchestrator
from dialogs.standing import Status

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("dialogs")


class BlockingOrchestrator:
    """An orchestrator whose methods wait, for synchronous programs.

    Any number of threads may use it at once. Calls for one conversation are taken in the order in
    which they came, and others do not wait for them. Exceptions are raised as they are. Ctrl-C
    during a call cancels its turn, which then has happened or has not.

    As a context manager it sets the store up, and at the end stops its timers, waits for calls of
    other threads, and closes the store. Where a program has no place for a `with`, such as a WSGI
    module, `open()` and `close()` do the same: `atexit.register(conversations.close)`.

    **Fork first, then open.** Threads and connections do not survive a fork, so servers that fork
    (gunicorn with `--preload`, uWSGI) make and open it in every process, such as in gunicorn's
    `post_fork`. A process that was forked later gets a `UsageError`.

    **One event loop has all the turns.** A step that blocks keeps every conversation of this
    process waiting, unless the orchestrator was made with `threads=True`: then what dialogs `call`
    runs in threads.

    Args:
        orchestrator: what it asks; it is kept under this name. Use it through this object only,
            apart from `attach` and `add_root`, and do not open it by itself.

    Raises:
        UsageError: anyio is not installed.

    >>> from dialogs import BlockingOrchestrator, Orchestrator
    >>> from dialogs import dialog, get_client_response, send_message
    >>> from dialogs.stores import MemoryStore
    >>> @dialog
    ... def greet():
    ...     yield send_message("Who is there?")
    ...     name = yield get_client_response()
    ...     return f"Hello, {name}!"
    >>> with BlockingOrchestrator(Orchestrator(greet, store=MemoryStore())) as conversations:
    ...     print(conversations.handle_message("user-42", "hi").messages)
    ...     print(conversations.handle_message("user-42", "Ada").result)
    ['Who is there?']
    Hello, Ada!
    """

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._from_thread = _from_thread()
        self.orchestrator = orchestrator
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self._resources = contextlib.ExitStack()
        self._timers: list[concurrent.futures.Future[None]] = []
        self._pid = self._loop_thread = 0

    # --- opening and closing ------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def open(self) -> None:
        """Start the event loop's thread, and create what the store needs.

        Raises:
            UsageError: it is open, here or in the process that this one was forked from.
            StoreError: the store failed.
        """
        self._check_process()
        with self._lock:
            if self._portal is not None:
                raise UsageError(
                    "The BlockingOrchestrator was opened twice.",
                    "It has one event loop, and closes it once.",
                    "Open it when the program starts, and share it between the threads.",
                )
            with contextlib.ExitStack() as resources:
                loop = resources.enter_context(self._from_thread.start_blocking_portal("asyncio"))
                portal = resources.enter_context(loop.wrap_async_context_manager(self._serving()))
                self._resources = resources.pop_all()
            self._pid = os.getpid()
            self._portal = portal

    def close(self) -> None:
        """Stop the timers, wait for the calls of other threads, and close the store.

        Does nothing where it is not open, and in a process that was forked from one where it is.
        """
        if self._pid != os.getpid():
            return
        self._check_thread()
        with self._lock:
            if self._portal is None:
                return
            self._portal, self._pid = None, 0
            timers, self._timers = self._timers, []
        for timer in timers:
            timer.cancel()
        self._resources.close()

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[BlockingPortal]:
        """Takes calls; ends when the last one is done, and closes the orchestrator after it."""
        thread = threading.current_thread()
        thread.name, self._loop_thread = "dialogs", threading.get_ident()
        async with self.orchestrator, self._from_thread.BlockingPortal() as portal:
            yield portal

    # --- events -------------------------------------------------------------------------------

    def handle_message(
        self,
        chat_id: str,
        message: Any,
        *,
        message_id: str | None = None,
        in_reply_to: str | None = None,
        root: str | None = "",
    ) -> Turn:
        """Give a conversation the client's message. See `Orchestrator.handle_message`."""
        given = {"message_id": message_id, "in_reply_to": in_reply_to, "root": root}
        return self._call(self.orchestrator.handle_message, chat_id, message, **given)

    def start(self, chat_id: str, *, root: str = "") -> Turn:
        """Begin a conversation without a message. See `Orchestrator.start`."""
        return self._call(self.orchestrator.start, chat_id, root=root)

    def signal(
        self, chat_id: str, name: str, payload: Any = None, *, message_id: str | None = None
    ) -> Turn:
        """Give a conversation a signal. See `Orchestrator.signal`."""
        return self._call(self.orchestrator.signal, chat_id, name, payload, message_id=message_id)

    def cancel(self, chat_id: str) -> Turn:
        """End a conversation as CANCELLED. See `Orchestrator.cancel`."""
        return self._call(self.orchestrator.cancel, chat_id)

    def forget(self, chat_id: str) -> bool:
        """Delete a conversation. See `Orchestrator.forget`."""
        return self._call(self.orchestrator.forget, chat_id)

    # --- looking ------------------------------------------------------------------------------

    def conversation(self, chat_id: str) -> Conversation | None:
        """A conversation as it was committed last. See `Orchestrator.conversation`."""
        return self._call(self.orchestrator.conversation, chat_id)

    def conversations(self, status: Status | str | None = None) -> list[tuple[str, Conversation]]:
        """All conversations, or those of one status, in a list. See `Orchestrator.conversations`.

        All are in memory then. Where there are too many for that, ask for one status, or use the
        Orchestrator itself in a program of its own.
        """
        return self._listed(lambda: self.orchestrator.conversations(status))

    def check(self) -> list[tuple[str, Exception | None]]:
        """Whom the code of this process would leave behind. See `Orchestrator.check`."""
        return self._listed(self.orchestrator.check)

    def _listed(self, each: Callable[[], AsyncIterator[T]]) -> list[T]:
        async def found() -> list[T]:
            return [one async for one in each()]

        return self._call(found)

    # --- timers -------------------------------------------------------------------------------

    def start_timers(self) -> None:
        """Fire what is due in the background, until it is closed. See `Orchestrator.run_timers`.

        Other processes on the same store may do so too. When it is closed, a timer that is just
        being fired is undone, and fired by whoever comes next.
        """
        self._start(self.orchestrator.run_timers, timers=True).add_done_callback(_tell_of_failure)

    def run_timers(self) -> None:
        """Fire what is due, again and again, until Ctrl-C, or until another thread closes it."""
        with contextlib.suppress(concurrent.futures.CancelledError):
            _result(self._start(self.orchestrator.run_timers, timers=True))

    def fire_due(self) -> list[Turn]:
        """Fire every timer that is due, once. See `Orchestrator.fire_due`."""
        return self._call(self.orchestrator.fire_due)

    # --- to the event loop --------------------------------------------------------------------

    def _call(
        self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return _result(self._start(functools.partial(work, *args, **kwargs)))

    def _start(
        self, work: Callable[[], Coroutine[Any, Any, T]], *, timers: bool = False
    ) -> concurrent.futures.Future[T]:
        """Have something done in the event loop, after all that was started before.

        The lock keeps that order, and keeps the loop open until it has got the work.
        """
        self._check_process()
        self._check_thread()
        with self._lock:
            if self._portal is None:
                raise UsageError(
                    "The BlockingOrchestrator is not open.",
                    "It was used before open(), or after close(): outside of its `with` block.",
                    "Write `with BlockingOrchestrator(...) as conversations:` around its use, or "
                    "open it when the program starts and close it when the program ends.",
                )
            future = self._portal.start_task_soon(_contained, work)
            if timers:
                self._timers.append(future)
            return future

    def _check_process(self) -> None:
        if self._pid not in (0, os.getpid()):
            raise UsageError(
                "This process was forked from one in which the BlockingOrchestrator was open.",
                "Its event loop and its connections stayed in the other process.",
                "Make and open one in each process, after the fork: in gunicorn's post_fork, say, "
                "or without --preload.",
            )

    def _check_thread(self) -> None:
        if self._pid and self._loop_thread == threading.get_ident():
            raise UsageError(
                "The BlockingOrchestrator was called by what it runs itself, such as a dialog.",
                "It would wait for its own event loop, which waits for it.",
                "There, await the same method of the Orchestrator.",
            )


class _Escaped(Exception):
    """Carries what would end the event loop, with the calls of all others, such as SystemExit."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


async def _contained(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return await work()
    except (SystemExit, KeyboardInterrupt) as error:
        raise _Escaped(error) from None


def _result(future: concurrent.futures.Future[T]) -> T:
    """Wait for what was started; leave no turn behind that nobody waits for."""
    try:
        return future.result()
    except _Escaped as escaped:
        raise escaped.error from None
    except BaseException:
        future.cancel()
        raise


def _tell_of_failure(timers: concurrent.futures.Future[None]) -> None:
    if not timers.cancelled() and timers.exception() is not None:
        logger.error("The timers stopped.", exc_info=timers.exception())


def _from_thread() -> ModuleType:
    try:
        from anyio import from_thread  # noqa: PLC0415 - needs an extra
    except ImportError:
        raise missing_extra("BlockingOrchestrator", "anyio", "blocking") from None
    return from_thread
