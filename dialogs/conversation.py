"""A conversation as one bytes value: all that is known between two turns.

It holds the dialog's log and what stands around it: the status, what is waited for, what was said
and not yet sent, the message ids that were seen, what came too early. Nothing is done here; a turn
(`turn.py`) makes the next conversation from this one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self
from zlib import crc32

from dialogs.codec import dump, encode, load
from dialogs.errors import Corrupt, UnknownFormat, reason_of


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
        messages: what was said when it began: the prompt, said again after a digression.
    """

    step: str
    number: int
    place: tuple[tuple[str, str], ...]
    deadline: float | None
    messages: list[Any]

    @property
    def for_client(self) -> bool:
        """Whether the client's message answers it."""
        return self.step == "get_client_response"

    def is_for_signal(self, name: str) -> bool:
        """Whether the signal of this name answers it."""
        return self.step == f"wait_for_signal {name}"

    def is_past(self, now: float) -> bool:
        """Whether its time has passed."""
        return self.deadline is not None and self.deadline <= now

    def facts(self) -> list[Any]:
        """All of it but its messages, as msgpack has it natively."""
        return [self.step, self.number, self.place, self.deadline]

    @classmethod
    def of(cls, facts: list[Any], messages: list[Any]) -> Self:
        """What `facts` gave, with its messages."""
        step, number, place, deadline = facts
        return cls(step, number, tuple((name, at) for name, at in place), deadline, messages)

    def __str__(self) -> str:
        """The wait and where it stands, for people."""
        place = " > ".join(f"{name} ({at})" if at else name for name, at in self.place)
        return f"{self.step} in {place}" if place else self.step


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


@dataclass(slots=True)
class Conversation:
    """One participant's conversation. A turn changes a copy of it, never this one.

    Args:
        status: where it stands.
        run: the number of the run: how often a dialog began here, from 1; 0 before the first.
        serial: the number of the last message or wait; the next one gets the next.
        log: the run's log; None where no turn of it was saved.
        digressions: how many interrupts were called.
        seen: the encoded replies to the last message ids.
        error: the traceback of the last turn, where it failed; "" where it did not.
        failures: how many turns failed, one after another.
        retry_at: before when a timer is not tried again after a failure, in UTC seconds, or None.
        resends: how often sending the outbox has failed, one time after another.
        resend_at: when it is sent again, in UTC seconds; None: at once.
        opened_at: when the run began, in UTC seconds.
        updated_at: when the last turn was, in UTC seconds.
        opening: the message that began the run, or None.
        result: what the dialog returned, once it is COMPLETED.
        outbox: what was said and not yet sent, each with its number.
        inbox: messages that came while nothing waited for one.
        signals: signals that nobody waited for yet, each as its name and payload.
        pending: what the run's dialog waits for; None where it does not.
        digression: the interrupt's dialog that is open; None where there is none.
    """

    status: Status = Status.INITIATED
    run: int = 0
    serial: int = 0
    log: bytes | None = None
    digressions: int = 0
    seen: dict[str, bytes] = field(default_factory=dict)
    error: str = ""
    failures: int = 0
    retry_at: float | None = None
    resends: int = 0
    resend_at: float | None = None
    opened_at: float = 0.0
    updated_at: float = 0.0
    opening: Any = None
    result: Any = None
    outbox: list[tuple[int, Any]] = field(default_factory=list)
    inbox: list[Any] = field(default_factory=list)
    signals: list[tuple[str, Any]] = field(default_factory=list)
    pending: Pending | None = None
    digression: Digression | None = None

    @property
    def is_open(self) -> bool:
        """Whether a run has begun and not ended."""
        return self.log is not None and not self.status.is_over

    @property
    def standing(self) -> Status:
        """The status that a conversation has from what it waits for."""
        if self.status.is_over:
            return self.status
        if not self.is_open:
            return Status.INITIATED
        return Status.WAITING_FOR_RESPONSE if self.asking is not None else Status.PROCESSING

    @property
    def asking(self) -> Pending | None:
        """What waits for the client's next message, the digression first."""
        wait = next(iter(self._waits), None)
        return wait if wait is not None and wait.for_client else None

    @property
    def prompt(self) -> str | None:
        """The name of the wait that the client's next message answers; None where none does."""
        return str(self.asking.number) if self.asking is not None else None

    @property
    def waiting(self) -> str:
        """What it waits for and where, for people; "" where it does not wait."""
        return ", and ".join(str(wait) for wait in self._waits)

    @property
    def deadline(self) -> float | None:
        """When the time of a wait passes, or is tried again, in UTC seconds; None: never."""
        times = [wait.deadline for wait in self._waits if wait.deadline is not None]
        # What failed is past already: it is tried again at retry_at, and not in a circle till then.
        return max(min(times), self.retry_at or 0.0) if times else None

    @property
    def wake_at(self) -> float | None:
        """When something is to be done without an event, the outbox included; None: never."""
        times = [] if self.deadline is None else [self.deadline]
        if self.outbox:
            times.append(self.updated_at if self.resend_at is None else self.resend_at)
        return min(times, default=None)

    @property
    def _waits(self) -> list[Pending]:
        """What is waited for, the digression first."""
        waits = [self.digression.pending if self.digression else None, self.pending]
        return [wait for wait in waits if wait is not None]

    @classmethod
    def new(cls, now: float) -> Self:
        """A conversation in which nothing has happened.

        Args:
            now: the time, in UTC seconds. Its numbers begin there, so that those of a forgotten
                conversation do not come again: receivers know messages and prompts by them.
        """
        return cls(serial=int(now * 1000))

    def replace(self, **changes: Any) -> Conversation:
        """The same conversation, with other values for some of its fields."""
        return replace(self, **changes)

    # --- bytes --------------------------------------------------------------------------------

    def encode(self) -> bytes:
        """Its bytes.

        Raises:
            NotSerializable: a message, a payload or a result is no data that the log can keep.
        """
        head = [getattr(self, name) for name in _FACTS]
        words = [getattr(self, name) for name in _WORDS]
        pending, aside = self.pending, self.digression
        head.append(None if pending is None else pending.facts())
        words.append([] if pending is None else pending.messages)
        if aside is not None:
            head += (aside.dialog, aside.cancel, aside.key, aside.log, aside.pending.facts())
            words += (aside.opening, aside.pending.messages)
        body = dump([head, encode(words)])
        return MAGIC + bytes([FORMAT]) + _checksum(body) + body

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The conversation of these bytes.

        Raises:
            UnknownFormat: they are no conversation, or one of a newer format.
            Corrupt: they were damaged.
        """
        if len(data) < _START or data[:3] != MAGIC:
            raise UnknownFormat(
                f"{len(data)} bytes that start with {data[:4]!r} are not a conversation.",
                f"Every conversation starts with {MAGIC!r}.",
            )
        if data[3] != FORMAT:
            raise UnknownFormat(
                f"A conversation has format {data[3]}, and this library reads format {FORMAT}.",
                "It was written by another version of this library.",
            )
        body = data[_START:]
        if _checksum(body) != data[4:_START]:
            raise Corrupt("A conversation's checksum does not fit its bytes.")
        try:
            head, words = load(body)
            return cls._of(head, load(words))
        except Exception as error:
            raise Corrupt(f"A conversation's structure is wrong: {reason_of(error)}.") from error

    @classmethod
    def _of(cls, head: list[Any], words: list[Any]) -> Self:
        facts = len(_FACTS)
        conversation = cls(*head[:facts], *words[: len(_WORDS)])
        conversation.status = Status(conversation.status)
        pending, *aside = head[facts:]
        messages, *asked = words[len(_WORDS) :]
        if pending is not None:
            conversation.pending = Pending.of(pending, messages)
        if aside:
            dialog, cancel, key, log, wait = aside
            opening, messages = asked
            conversation.digression = Digression(
                dialog, opening, cancel, key, log, Pending.of(wait, messages)
            )
        return conversation


MAGIC = b"DLC"
FORMAT = 1
_START = 8
_NAMES = [item.name for item in fields(Conversation)]
_WORDS = _NAMES[_NAMES.index("opening") : _NAMES.index("pending")]
"""Fields with values of the author's and the client's."""
_FACTS = _NAMES[: _NAMES.index("opening")]
"""Fields that msgpack has natively."""


def _checksum(body: bytes) -> bytes:
    return crc32(body, FORMAT).to_bytes(4, "big")
