"""Where a conversation stands: its status, what it waits for, what was said."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Self

from dialogs.errors import UsageError


class Status(enum.StrEnum):
    """Where a conversation stands."""

    INITIATED = "INITIATED"
    """Known, and no dialog has run yet."""
    WAITING_FOR_RESPONSE = "WAITING_FOR_RESPONSE"
    """The dialog waits for the client's message."""
    PROCESSING = "PROCESSING"
    """The dialog waits for a signal, or for time to pass."""
    COMPLETED = "COMPLETED"
    """The dialog has returned."""
    TIMED_OUT = "TIMED_OUT"
    """A wait's time passed, and the dialog did not catch it."""
    CANCELLED = "CANCELLED"
    """It was ended from outside."""
    ERROR = "ERROR"
    """The last turn raised an exception and was undone; the next event tries again."""

    @classmethod
    def named(cls, name: str) -> Self:
        """The status of this name.

        Raises:
            UsageError: there is none.
        """
        for status in cls:
            if status == name:
                return status
        raise UsageError(
            f"{name!r} is no status.",
            f"A conversation has one of: {', '.join(cls)}.",
            "Give one of them, such as Status.ERROR, or None for all conversations.",
        )

    @property
    def is_over(self) -> bool:
        """Whether the run has ended, and what comes next begins another one."""
        return self in (Status.COMPLETED, Status.TIMED_OUT, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Pending:
    """What an open dialog waits for.

    Args:
        step: the step, as logs know it, such as "get_client_response".
        number: names this wait among all of the conversation's.
        place: the dialogs that wait, outermost first, each as its name and "file:line".
        deadline: when its time has passed, in UTC seconds; None: never.
        said: the numbers of the messages that it was said with.
        messages: what was said when it began: the prompt, said again after a digression.
    """

    step: str
    number: int
    place: tuple[tuple[str, str], ...]
    deadline: float | None
    said: list[int]
    messages: list[Any]

    @property
    def for_client(self) -> bool:
        """Whether the client's message answers it."""
        return self.step == "get_client_response"

    def is_named(self, prompt: str) -> bool:
        """Whether this is the wait's own number, or that of a message that it was said with."""
        return prompt == str(self.number) or prompt in map(str, self.said)

    def is_for_signal(self, name: str) -> bool:
        """Whether the signal of this name answers it."""
        return self.step == f"wait_for_signal {name}"

    def is_past(self, now: float) -> bool:
        """Whether its time has passed."""
        return self.deadline is not None and self.deadline <= now

    def facts(self) -> list[Any]:
        """All of it but its messages, as msgpack has it natively."""
        return [self.step, self.number, self.place, self.deadline, self.said]

    @classmethod
    def of(cls, facts: list[Any], messages: list[Any]) -> Self:
        """What `facts` gave, with its messages."""
        step, number, place, deadline, said = facts
        return cls(step, number, tuple((name, at) for name, at in place), deadline, said, messages)

    def __str__(self) -> str:
        """The wait and where it stands, for people."""
        place = " > ".join(f"{name} ({at})" if at else name for name, at in self.place)
        return f"{self.step} in {place}" if place else self.step


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a conversation's history.

    Args:
        number: the number of the message, among all of the conversation's messages and waits.
        by_client: whether the client said it.
        at: when, in UTC seconds.
        message: what was said.
    """

    number: int
    by_client: bool
    at: float
    message: Any


@dataclass(frozen=True, slots=True)
class Digression:
    """An interrupt's dialog that converses, beside the main one.

    Args:
        dialog: its name.
        opening: the message that called it.
        cancel: whether its end is the conversation's.
        key: its part of the step keys.
        log: its log.
        pending: what it waits for.
    """

    dialog: str
    opening: Any
    cancel: bool
    key: str
    log: bytes
    pending: Pending
