"""The steps that wait: a turn ends at one of them, and an event of a later turn answers it."""

from __future__ import annotations

from typing import Any

from dialogs.errors import UsageError
from dialogs.spans import Span, seconds
from dialogs.steps import Step


class Wait(Step[Any]):
    """A step that only an event can answer.

    Attributes:
        timeout_s: when to stop waiting, in seconds from the start of the wait; None: never.
    """

    __slots__ = ("timeout_s",)

    def __init__(self, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s


class GetClientResponse(Wait):
    """Wait for the client's next message. See `get_client_response`."""

    __slots__ = ()

    key = "get_client_response"


class WaitForSignal(Wait):
    """Wait for a signal. See `wait_for_signal`."""

    __slots__ = ("key", "name")

    def __init__(self, name: str, timeout_s: float | None) -> None:
        super().__init__(timeout_s)
        self.name = name
        self.key = f"wait_for_signal {name}"


class Sleep(Wait):
    """Let time pass. See `sleep`."""

    __slots__ = ()

    key = "sleep"


_UNTIMED = GetClientResponse(None)


def get_client_response(timeout: Span | None = None) -> Step[Any]:
    """Wait for the client's next message. Answer: that message.

    Args:
        timeout: how long to wait, in seconds or as a timedelta, before `ResponseTimeout` is
            thrown at this step; None waits for ever. The orchestrator fires it; the bare
            runners have no clock, so they never do.

    Raises:
        UsageError: the timeout is not above zero.
    """
    if timeout is None:
        return _UNTIMED
    return GetClientResponse(seconds(timeout, "get_client_response(timeout={!r})"))


def wait_for_signal(name: str, timeout: Span | None = None) -> Step[Any]:
    """Wait for something other than the client's message. Answer: the signal's payload.

    Needs the orchestrator, whose `signal(chat_id, name, payload)` answers it. A signal that comes
    before the dialog waits for it is kept.

    Args:
        name: the signal's name.
        timeout: as for `get_client_response`.

    Raises:
        UsageError: the name is no text, or the timeout is not above zero.
    """
    check_signal_name(name)
    if timeout is None:
        return WaitForSignal(name, None)
    return WaitForSignal(name, seconds(timeout, f"wait_for_signal({name!r}, timeout={{!r}})"))


def check_signal_name(name: Any) -> None:
    """Refuse what cannot name a signal.

    Raises:
        UsageError: it is no text, or an empty one.
    """
    if not isinstance(name, str) or not name:
        raise UsageError(
            f"{name!r} is no name of a signal.",
            "A signal is known by its name, a text.",
            'Give it one: wait_for_signal("paid"), and signal(chat_id, "paid").',
        )


def sleep(delay: Span) -> Step[None]:
    """Let time pass. Answer: None, once it has passed.

    Needs the orchestrator, whose timers wake the dialog. Messages that come meanwhile are kept,
    and answer the next waits.

    Args:
        delay: how long, in seconds or as a timedelta.

    Raises:
        UsageError: the delay is not above zero.
    """
    return Sleep(seconds(delay, "sleep({!r})"))
