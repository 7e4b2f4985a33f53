"""The processes that sandboxes run in, one pool for a process.

It is made when a sandbox is first needed, so that processes which are forked before that make their
own. After it, a fork cannot: Monty runs on threads that serve the process which started them, and
a sandbox in the child would hang for ever. It is an error there.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from dialogs.errors import UsageError, missing_extra

T = TypeVar("T")

_WORKERS = max(1, min(4, os.cpu_count() or 1))
_CHECKOUT_S = 10.0  # how long a call waits for a free worker
_GRACE_S = 0.25  # a worker that does not stop by itself is killed so many seconds after its time
_KILL_S = 5.0  # and in any case after so many
_CALLS_PER_WORKER = 1_000


class Workers:
    """The sandbox's processes, and the threads that wait for them."""

    def __init__(self) -> None:
        self.pool = load_monty().Monty(
            max_processes=_WORKERS,
            checkout_timeout=_CHECKOUT_S,
            request_timeout=_KILL_S,
            feed_duration_limit_grace=_GRACE_S,
            turn_duration_limit_grace=_GRACE_S,
            max_checkouts_per_worker=_CALLS_PER_WORKER,
        )
        self.pool.__enter__()
        self.threads = ThreadPoolExecutor(_WORKERS, "dialogs-sandbox")

    def close(self) -> None:
        """End the processes."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.pool.__exit__(None, None, None)


_lock = threading.Lock()
_workers: Workers | None = None
_of_parents: list[Workers] = []


def workers_of_this_process() -> Workers:
    """The workers, started when they are first asked for.

    Raises:
        UsageError: Monty is not installed, or the process was forked from one that used it.
    """
    global _workers  # noqa: PLW0603 - one for the process
    with _lock:
        if _of_parents:
            raise UsageError(
                "This process was forked from one that had run code in a sandbox before.",
                "The threads that the sandbox needs stayed behind.",
                "Load files before the fork and run conversations after it, or spawn processes "
                "instead.",
            )
        if _workers is None:
            _workers = Workers()
        return _workers


def _after_fork() -> None:
    global _lock, _workers  # noqa: PLW0603 - one for the process
    _lock = threading.Lock()
    if _workers is not None:
        # Kept, since dropping it here would end workers that belong to the parent.
        _of_parents.append(_workers)
        _workers = None


@atexit.register
def _close() -> None:
    if _workers is not None:
        _workers.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@functools.cache
def load_monty() -> Any:
    """Monty's package.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import pydantic_monty  # noqa: PLC0415 - an extra
    except ImportError:
        raise missing_extra("Code in data", "pydantic-monty", "workflows") from None
    return pydantic_monty


async def in_thread(fn: Callable[[], T]) -> T:
    """Call a function that blocks on a sandbox, on whichever event loop runs."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        answer: T = await trio.to_thread.run_sync(fn)
        return answer
    import asyncio  # noqa: PLC0415 - slow to import, and sync runs never need it

    threads = workers_of_this_process().threads
    return await asyncio.get_running_loop().run_in_executor(threads, fn)
