"""A conversation as one bytes value: all that is known between two turns.

It holds the dialog's log and what stands around it: the status, what is waited for, what was said
and not yet sent, the message ids that were seen, what came too early. Nothing is done here; a turn
(`turn.py`) makes the next conversation from this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from math import isfinite
from operator import attrgetter
from types import NoneType
from typing import Any, Self
from zlib import crc32

from dialogs.codec import dump, encode, load, load_native
from dialogs.errors import Corrupt, UnknownFormat, reason_of
from dialogs.standing import Digression, Entry, Pending, Status


@dataclass(slots=True)
class Conversation:
    """One participant's conversation. A turn changes a copy of it, never this one.

    Args:
        ended: how the last run ended; None while one is open, and before the first.
        run: the number of the run: how often a dialog began here, from 1; 0 before the first.
        root: the name of the dialog that it was begun with; "" is the orchestrator's own.
        serial: the number of the last message or wait; the next one gets the next.
        log: the open run's log; None where none is open.
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
        history: the last messages of both sides, where an orchestrator keeps them.
        pending: what the run's dialog waits for; None where it does not.
        digression: the interrupt's dialog that is open; None where there is none.
    """

    ended: Status | None = None
    run: int = 0
    root: str = ""
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
    history: list[Entry] = field(default_factory=list)
    pending: Pending | None = None
    digression: Digression | None = None

    @property
    def status(self) -> Status:
        """Where it stands."""
        if self.error:
            return Status.ERROR
        if not self.is_open:
            return self.ended or Status.INITIATED
        return Status.WAITING_FOR_RESPONSE if self.asking is not None else Status.PROCESSING

    @property
    def is_open(self) -> bool:
        """Whether a run has begun and not ended."""
        return self.pending is not None

    @property
    def asking(self) -> Pending | None:
        """What waits for the client's next message, the digression first."""
        wait = self.pending if self.digression is None else self.digression.pending
        return wait if wait is not None and wait.for_client else None

    @property
    def prompt(self) -> str | None:
        """The name of the wait that the client's next message answers; None where none does."""
        wait = self.asking
        return None if wait is None else str(wait.number)

    @property
    def waiting(self) -> str:
        """What it waits for and where, for people; "" where it does not wait."""
        return ", and ".join(str(wait) for wait in self._waits)

    def is_past(self, now: float) -> bool:
        """Whether the time of a wait has passed."""
        return any(wait.is_past(now) for wait in self._waits)

    @property
    def deadline(self) -> float | None:
        """When the time of a wait passes, or is tried again, in UTC seconds; None where never."""
        times = [wait.deadline for wait in self._waits if wait.deadline is not None]
        # What failed is past already: it is tried again at retry_at, and not in a circle till then.
        return max(min(times), self.retry_at or 0.0) if times else None

    @property
    def wake_at(self) -> float | None:
        """When something is to be done without an event, in UTC seconds; None where never."""
        times = [] if self.deadline is None else [self.deadline]
        if self.outbox:
            times.append(self.updated_at if self.resend_at is None else self.resend_at)
        return min(times, default=None)

    @property
    def _waits(self) -> list[Pending]:
        """What is waited for, the digression first."""
        waits = [] if self.pending is None else [self.pending]
        return waits if self.digression is None else [self.digression.pending, *waits]

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
        copy = Conversation(*_all_of_it(self))
        for name, value in changes.items():
            setattr(copy, name, value)
        return copy

    # --- bytes --------------------------------------------------------------------------------

    def encode(self) -> bytes:
        """Its bytes.

        Raises:
            NotSerializable: a message, a payload or a result is no data that the log can keep.
        """
        head = list(_facts_of(self))
        history = [
            [entry.number, entry.by_client, entry.at, entry.message] for entry in self.history
        ]
        words = [*_words_of(self), history]
        pending, aside = self.pending, self.digression
        head.append(None if pending is None else pending.facts())
        words.append([] if pending is None else pending.messages)
        if aside is not None:
            head += (aside.dialog, aside.cancel, aside.key, aside.log, aside.pending.facts())
            words += (aside.opening, aside.pending.messages)
        body = dump([head, encode(words, around=_AROUND)])
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
            # Without extension types: what the library knows by itself needs none.
            head, packed = load_native(body)
            words = load(packed)
            _check(head, words)
            return cls._of(head, words)
        except Exception as error:
            raise Corrupt(f"A conversation's structure is wrong: {reason_of(error)}.") from error

    @classmethod
    def _of(cls, head: list[Any], words: list[Any]) -> Self:
        facts = len(_FACTS)
        conversation = cls(*head[:facts], *words[: len(_WORDS)])
        conversation.ended = Status(conversation.ended) if conversation.ended else None
        pending, *aside = head[facts:]
        history, messages, *asked = words[len(_WORDS) :]
        conversation.history = [Entry(*entry) for entry in history]
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
_AROUND = 4
"""How many lists stand around a message or a result in a conversation."""
_NAMES = [item.name for item in fields(Conversation)]
_WORDS = _NAMES[_NAMES.index("opening") : _NAMES.index("history")]
"""Fields with values of the author's and the client's."""
_FACTS = _NAMES[: _NAMES.index("opening")]
"""Fields that msgpack has natively."""
_all_of_it, _facts_of, _words_of = (attrgetter(*names) for names in (_NAMES, _FACTS, _WORDS))


def _checksum(body: bytes) -> bytes:
    return crc32(body, FORMAT).to_bytes(4, "big")


# --- what foreign bytes may be ------------------------------------------------------------------

_Kinds = tuple[set[Any], ...]
_TIME = {float, int}
_MAYBE_TIME = {float, int, NoneType}
_MAYBE_TEXT = {str, NoneType}
_FACT_KINDS: _Kinds = (
    *(_MAYBE_TEXT, {int}, {str}, {int}, {bytes, NoneType}, {int}, {dict}),  # ended ... seen
    *({str}, {int}, _MAYBE_TIME, {int}, _MAYBE_TIME, _TIME, _TIME),  # error ... updated_at
)
_WAIT_KINDS: _Kinds = ({str}, {int}, {list}, _MAYBE_TIME, {list})
_ASIDE_KINDS: _Kinds = ({str}, {bool}, {str}, {bytes}, {list})
_WORD_KINDS: _Kinds = ({list}, {list}, {list}, {list})  # outbox ... history
_ENTRY_KINDS: _Kinds = ({int}, {bool}, _TIME)


def _check(head: list[Any], words: list[Any]) -> None:
    """Refuse what nobody of this library has written, whatever the checksum says.

    Raises:
        Exception: something is of another kind.
    """
    facts = head[: len(_FACTS)]
    pending, *aside = head[len(_FACTS) :]
    _of_kinds(facts, _FACT_KINDS)
    seen = facts[_FACTS.index("seen")]
    _all_of(str, seen)
    _all_of(bytes, seen.values())
    if aside:
        _of_kinds(aside, _ASIDE_KINDS)
    for wait in filter(None, [pending, aside[-1] if aside else None]):
        _of_kinds(wait, _WAIT_KINDS)
        _all_of(str, (text for pair in wait[2] for text in pair))
        _all_of(int, wait[4])
    outbox, _, signals, history = words[2:6]
    _of_kinds(words[2:6], _WORD_KINDS)
    _all_of(int, (number for number, _ in outbox))
    _all_of(str, (name for name, _ in signals))
    for entry in history:
        _of_kinds(entry[:3], _ENTRY_KINDS)


def _of_kinds(values: list[Any], kinds: _Kinds) -> None:
    for value, fitting in zip(values, kinds, strict=True):
        kind = type(value)
        if kind not in fitting or (kind is float and not isfinite(value)):
            raise TypeError(f"{value!r} is of another kind")


def _all_of(kind: type, values: Iterable[Any]) -> None:
    if not {kind}.issuperset(map(type, values)):
        raise TypeError(f"not all of them are of the kind {kind.__name__}")
