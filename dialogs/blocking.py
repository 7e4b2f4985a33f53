"""The orchestrator for programs that do not await: Flask, Django's sync views, scripts.

An event loop runs in a thread of its own, and every call waits there for its turn. Nothing of what
the orchestrator does is done twice here.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, ParamSpec, Self, TypeVar

from dialogs.conversation import Conversation
from dialogs.events import Turn
from dialogs.loop_thread import LoopThread, Work
from dialogs.orchestrator import Orchestrator
from dialogs.standing import Status

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
        self.orchestrator = orchestrator
        self._loop = LoopThread(orchestrator, type(self).__name__)

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
        self._loop.open()

    def close(self) -> None:
        """Stop the timers, wait for the calls of other threads, and close the store.

        Does nothing where it is not open, and in a process that was forked from one where it is.
        """
        self._loop.close()

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

    def say(self, chat_id: str, message: Any, *, message_id: str | None = None) -> Turn:
        """Say something to the client beside the dialog. See `Orchestrator.say`."""
        return self._call(self.orchestrator.say, chat_id, message, message_id=message_id)

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
        timers = Work(self.orchestrator.run_timers)
        self._loop.begin(timers, endless=True).add_done_callback(_tell_of_failure)

    def run_timers(self) -> None:
        """Fire what is due, again and again, until Ctrl-C, or until another thread closes it."""
        with contextlib.suppress(concurrent.futures.CancelledError):
            self._loop.do(self.orchestrator.run_timers, endless=True)

    def fire_due(self) -> list[Turn]:
        """Fire every timer that is due, once. See `Orchestrator.fire_due`."""
        return self._call(self.orchestrator.fire_due)

    # --- to the event loop --------------------------------------------------------------------

    def _call(
        self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return self._loop.do(functools.partial(work, *args, **kwargs))


def _tell_of_failure(timers: concurrent.futures.Future[None]) -> None:
    if not timers.cancelled() and timers.exception() is not None:
        logger.error("The timers stopped.", exc_info=timers.exception())
