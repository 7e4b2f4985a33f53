"""The step that waits for the client: a turn ends at it, and an event of a later one answers it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dialogs.errors import UsageError
from dialogs.steps import Step


class GetClientResponse(Step[Any]):
    """Wait for the client's next message. See `get_client_response`."""

    __slots__ = ("timeout_s",)

    key = "get_client_response"

    def __init__(self, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s


_UNTIMED = GetClientResponse(None)


def get_client_response(timeout: float | timedelta | None = None) -> Step[Any]:
    """Wait for the client's next message. Answer: that message.

    Args:
        timeout: how long to wait, in seconds or as a timedelta, before `ResponseTimeout` is
            thrown at this step; None waits for ever. Something with a clock has to fire it: the
            runners have none, so they never do.

    Raises:
        UsageError: the timeout is not above zero.
    """
    if timeout is None:
        return _UNTIMED
    timeout_s = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not timeout_s > 0:
        raise UsageError(
            f"get_client_response(timeout={timeout!r}) cannot wait.",
            "A timeout is a time above zero, in seconds or as a timedelta.",
            "Give a time above zero, or None to wait for ever.",
        )
    return GetClientResponse(timeout_s)
