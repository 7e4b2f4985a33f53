"""Calls a function of the host's, again where it fails and should be tried again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import anyio
import stamina

from dialogs.errors import UsageError
from dialogs.performing import may_await
from dialogs.workflows.problems import StepError

Function = Callable[..., Any]


def tried(
    fn: Function, parameters: dict[str, Any], *, attempts: int, timeout_s: float | None
) -> Any:
    """Call a function; for `call()`, which records what came of it.

    Args:
        fn: the function, sync or async.
        parameters: its keyword arguments.
        attempts: how often it is tried.
        timeout_s: how long all attempts may take, in seconds; what blocks is not interrupted.

    Returns:
        What it returned; where the run can await, an awaitable of it.
    """
    if may_await():
        return _tried_async(fn, parameters, attempts, timeout_s)
    if attempts == 1:
        return fn(**parameters)
    for attempt in stamina.retry_context(**_retries(attempts, timeout_s)):
        with attempt:
            return fn(**parameters)
    raise AssertionError("unreachable")  # pragma: no cover


async def _tried_async(
    fn: Function, parameters: dict[str, Any], attempts: int, timeout_s: float | None
) -> Any:
    async for attempt in stamina.retry_context(**_retries(attempts, timeout_s)):
        with attempt:
            return await within(timeout_s, _called, fn, parameters)
    raise AssertionError("unreachable")  # pragma: no cover


async def _called(fn: Function, parameters: dict[str, Any]) -> Any:
    answer = fn(**parameters)
    return await answer if inspect.isawaitable(answer) else answer


async def within(timeout_s: float | None, fn: Function, *args: Any) -> Any:
    """Await an async function for so long.

    Raises:
        StepError: it took longer.
    """
    try:
        with anyio.fail_after(timeout_s):
            return await fn(*args)
    except TimeoutError:
        raise StepError("TooSlow", f"it took longer than {timeout_s:g} seconds") from None


def _retries(attempts: int, timeout_s: float | None) -> dict[str, Any]:
    return {
        "on": _is_worth_trying,
        "attempts": attempts,
        "timeout": timeout_s,
        "wait_initial": 0.1,
        "wait_jitter": 0.1,
        "wait_max": 2.0,
    }


def _is_worth_trying(error: Exception) -> bool:
    return not isinstance(error, UsageError | PermissionError | StepError)
