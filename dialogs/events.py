"""What can happen to a conversation, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dialogs.codec import copied
from dialogs.errors import NotSerializable
from dialogs.standing import Status


@dataclass(frozen=True, slots=True)
class Start:
    """The event that a conversation is begun without a message.

    Args:
        root: the name of the root that it begins; "" is the orchestrator's own.
    """

    root: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """The event that the client said something.

    Args:
        message: what, as `as_data` gives it.
        message_id: the platform's id of it; the same id again gets the same answer.
        in_reply_to: the prompt that it answers; None: whichever is pending.
        root: the name of the root that it may begin; "" is the orchestrator's own, None: none.
    """

    message: Any
    message_id: str | None = None
    in_reply_to: str | None = None
    root: str | None = ""


@dataclass(frozen=True, slots=True)
class Signalled:
    """The event that a signal came.

    Args:
        name: its name.
        payload: what it carries, as `as_data` gives it.
        message_id: its sender's id of it; the same id again gets the same answer.
    """

    name: str
    payload: Any = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The event that the host says something to the client, beside the dialog.

    Args:
        message: what, as `as_data` gives it.
        message_id: the host's id of it; the same id again gets the same answer.
    """

    message: Any
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Woken:
    """The event that the conversation was due."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The event that the conversation is ended from outside."""


Happening = Start | Said | Signalled | Told | Woken | Cancelled
"""What can happen to a conversation."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one event led to.

    Args:
        chat_id: whose conversation.
        messages: what was said, in order.
        status: where the conversation stands now.
        result: what the dialog returned, where it is COMPLETED.
        prompt: names the wait that the next message answers, for `in_reply_to`; None where none
            waits for one.
        kept: nothing waits for the event yet: it is kept for what will.
        duplicate: the message id was seen before; nothing ran, and this is what was answered.
        stale: the event answers something that is over; nothing ran, and nothing was kept of it.
        wake_at: when the time of its wait passes, in UTC seconds; None: never.
    """

    chat_id: str
    messages: list[Any] = field(default_factory=list)
    status: Status = Status.INITIATED
    result: Any = None
    prompt: str | None = None
    kept: bool = False
    duplicate: bool = False
    stale: bool = False
    wake_at: float | None = None


def words_of(given: Any, what: str, *facts: Any) -> Any:
    """What a host gave to be said at times: a message, or a function of these facts that makes one.

    Returns:
        The message, as `as_data` gives it; None: nothing is said.
    """
    return as_data(given(*facts) if callable(given) else given, what)


def as_data(value: Any, what: str) -> Any:
    """What somebody handed in, as it comes back from the log.

    Raises:
        NotSerializable: the log cannot keep it; `what` says what it is.
    """
    try:
        return copied(value)
    except NotSerializable as error:
        raise error.of(what) from None
