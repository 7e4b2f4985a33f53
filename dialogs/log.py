"""The log: what one conversation's dialogs were answered so far, and its bytes.

A log is a stack of frames, the innermost last. A frame holds the records of one dialog that has
not finished; when it finishes, its frame goes and one record in its parent's frame stays.

`docs/log-format.md` describes the bytes. In short: the records' values stand one after another in
one flat section, so that one call decodes them all and a new one is added without touching the
old; everything else, which is small, is in the head.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Self
from zlib import crc32

from dialogs.codec import dump, load
from dialogs.errors import Corrupt, UnknownFormat, UsageError, reason_of
from dialogs.steps import SEND_MESSAGE, Choice, Now, RandInt, Uuid4
from dialogs.waits import GetClientResponse

MAGIC = b"DLG"
FORMAT = 1

_PREFIX = Struct(">3sBII")  # magic, format, checksum of all the other bytes, length of the head
_CHECKSUM_START = crc32(MAGIC + bytes([FORMAT]))
_AFTER_CHECKSUM = 8
_ARRAY = Struct(">BI")  # msgpack's header of an array: array32, number of elements
_ARRAY32 = 0xDD
_FRAME_TYPES = [
    [str, str, int, str, int, bytes, str, type(None)],
    [str, str, int, str, int, bytes, str, bytes],
]
_FRAME_FIELDS = len(_FRAME_TYPES[0])

_COUNTS = range(2**63)
_CHECKSUMS = range(2**32)
_INSIDE = "dialog "  # how the key of a step starts that is answered by a frame of its own

MAX_TABLE = 0xD800
"""How many entries a table may have: characters from there on are no text in UTF-8."""

# The steps' own keys, so that comparing them is mostly comparing two addresses.
_FIXED = {step.key: step.key for step in (GetClientResponse, Now, RandInt, Choice, Uuid4)}
_FIXED[SEND_MESSAGE] = SEND_MESSAGE

# What a record's outcome says, as bits.
CONSUMED = 1  # it consumed client input
FAILED = 2  # the step raised; the value is the exception

# Phases of a log.
RUNNING, FALLBACK, DONE = range(3)


@dataclass(slots=True)
class Frame:
    """The records of one dialog that has not finished.

    Attributes:
        dialog: its name.
        version: the version of its code when it started.
        start: where its values start among the bytes of the values.
        codes: one character a record, whose number says which entry of the log's table it has.
        words: the checksum of what it said in messages that have no name.
        marks: the marks of these messages.
        pending: the key of the step that it waits in; "" while it runs.
        arguments: its encoded arguments, where `continue_as_new` started it; else None.
        keys: what replay expects, one a record: the step's key, with "!" before it where the
            record is an exception.
        values: the records' decoded values.
        entries: how many entries of the log's table it may use; None where nobody asked yet.
    """

    dialog: str
    version: str
    start: int
    codes: str = ""
    words: int = 0
    marks: bytes = b""
    pending: str = ""
    arguments: bytes | None = None
    keys: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    entries: int | None = None


class Log:
    """The records of one conversation.

    Attributes:
        phase: RUNNING, FALLBACK (a fallback dialog runs) or DONE.
        epoch: how often a frame was emptied or dropped; keeps the ids of steps apart.
        frames: the open frames, innermost last.
        table: for each code, its outcome (a digit) and its step's key.
        values: the bytes of all values, one after another.
        result: what the root dialog returned, where the phase is DONE.
        size_when_read: the number of records that `decode` found.
    """

    __slots__ = ("epoch", "frames", "phase", "result", "size_when_read", "table", "values")

    def __init__(self) -> None:
        self.phase = RUNNING
        self.epoch = 0
        self.frames: list[Frame] = []
        self.table: list[str] = []
        self.values = bytearray()
        self.result: Any = None
        self.size_when_read = 0

    def __len__(self) -> int:
        """The number of records."""
        return sum(len(frame.codes) for frame in self.frames)

    # --- changing it --------------------------------------------------------------------------

    def open(self, dialog: str, version: str) -> Frame:
        """Add an empty frame inside the others."""
        frame = Frame(dialog, version, len(self.values))
        self.frames.append(frame)
        return frame

    def record(self, key: str, outcome: int, data: bytes, value: Any) -> None:
        """Add a record to the innermost frame.

        Args:
            key: the step's.
            outcome: CONSUMED, FAILED, both or neither.
            data: the answer's bytes.
            value: the answer, decoded from them.
        """
        frame = self.frames[-1]
        entry = f"{outcome}{key}"
        try:
            code = self.table.index(entry)
        except ValueError:
            code = self._enter(entry)
        frame.codes += chr(code)
        if frame.entries is not None:
            frame.entries = max(frame.entries, code + 1)
        frame.keys.append(f"!{key}" if outcome & FAILED else key)
        frame.values.append(value)
        self.values += data

    def _enter(self, entry: str) -> int:
        if len(self.table) == MAX_TABLE:
            raise UsageError(
                f"A conversation has more than {MAX_TABLE:,} steps of different names.",
                "The log keeps every name once, and counts them in one character.",
                "Do not build the names of steps and dialogs from data.",
            )
        self.table.append(entry)
        return len(self.table) - 1

    def reread(self) -> None:
        """Decode the innermost frame's values anew: a dialog may have changed those it got."""
        frame = self.frames[-1]
        header = _ARRAY.pack(_ARRAY32, len(frame.codes))
        frame.values = load(header + self.values[frame.start :])

    def collapse(self) -> int:
        """Remove the innermost frame and its records.

        Returns:
            CONSUMED where any of its records consumed client input, else 0.
        """
        frame = self.frames.pop()
        del self.values[frame.start :]
        outcomes = [int(self.table[ord(code)][0]) for code in set(frame.codes)]
        self._prune()
        return CONSUMED if any(outcome & CONSUMED for outcome in outcomes) else 0

    def drop(self, depth: int) -> None:
        """Remove the frames from that depth on (0 for all), with their records."""
        if depth < len(self.frames):
            del self.values[self.frames[depth].start :]
            del self.frames[depth:]
        self.epoch += 1
        self._prune()

    def _prune(self) -> None:
        """Forget the entries of the table that came with frames that are gone."""
        # Only the innermost frame adds entries, so they are those behind the others' last.
        for frame in self.frames:
            if frame.entries is None:
                frame.entries = ord(max(frame.codes)) + 1 if frame.codes else 0
        del self.table[max((frame.entries or 0 for frame in self.frames), default=0) :]

    def finish(self, data: bytes, result: Any) -> None:
        """Keep nothing but the dialog's result."""
        self.drop(0)
        self.phase = DONE
        self.values[:] = data
        self.result = result

    # --- its bytes ----------------------------------------------------------------------------

    def encode(self) -> bytes:
        """The log's bytes. Only what was recorded since `decode` was encoded anew."""
        head: list[Any] = [self.epoch, self.phase, len(self.table), *self.table]
        count = 1 if self.phase == DONE else 0
        for frame in self.frames:
            count += len(frame.codes)
            head += (
                frame.dialog,
                frame.version,
                frame.start,
                frame.codes,
                frame.words,
                frame.marks,
                frame.pending,
                frame.arguments,
            )
        packed = dump(head)
        body = b"".join((packed, _ARRAY.pack(_ARRAY32, count), self.values))
        checksum = crc32(body, crc32(len(packed).to_bytes(4, "big"), _CHECKSUM_START))
        return _PREFIX.pack(MAGIC, FORMAT, checksum, len(packed)) + body

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The log of these bytes.

        Raises:
            UnknownFormat: they are no log, or one of a newer format.
            Corrupt: they were damaged.
        """
        if len(data) < _PREFIX.size or data[:3] != MAGIC:
            raise UnknownFormat(
                f"{len(data)} bytes that start with {data[:4]!r} are not a log.",
                f"Every log starts with {MAGIC!r}.",
            )
        _, log_format, checksum, head_length = _PREFIX.unpack_from(data)
        if log_format != FORMAT:
            raise UnknownFormat(
                f"A log has format {log_format}, and this library reads format {FORMAT}.",
                "It was written by another version of this library.",
            )
        if crc32(memoryview(data)[_AFTER_CHECKSUM:], _CHECKSUM_START) != checksum:
            raise Corrupt("A log's checksum does not fit its bytes.")
        split = _PREFIX.size + head_length
        try:
            return cls._read(load(data[_PREFIX.size : split]), data[split:])
        except Exception as error:
            raise Corrupt(f"A log's structure is wrong: {reason_of(error)}.") from error

    @classmethod
    def _read(cls, head: list[Any], section: bytes) -> Self:
        values = load(section)
        if type(head) is not list or type(values) is not list or section[0] != _ARRAY32:
            raise TypeError("the head and the values are no arrays")
        log = cls()
        log.values += memoryview(section)[_ARRAY.size :]
        log.epoch, log.phase, table_size = head[:3]
        log.table = table = head[3 : 3 + table_size]
        if type(log.epoch) is not int or log.epoch not in _COUNTS:
            raise ValueError("the epoch is no count")
        if len(table) != table_size or table_size > MAX_TABLE:
            raise ValueError("the table is cut short")
        log.size_when_read = len(values)
        expected = {chr(code): _expected(entry) for code, entry in enumerate(table)}
        log._read_frames(head[3 + table_size :], values, expected)
        if log.phase not in (RUNNING, FALLBACK, DONE) or (log.phase == DONE) == bool(log.frames):
            raise ValueError("the phase does not fit the frames")
        if log.phase == DONE:
            [log.result] = values
        return log

    def _read_frames(self, fields: list[Any], values: list[Any], expected: dict[str, str]) -> None:
        first = 0
        for at in range(0, len(fields), _FRAME_FIELDS):
            parts = fields[at : at + _FRAME_FIELDS]
            if list(map(type, parts)) not in _FRAME_TYPES:
                raise TypeError(f"{parts!r} is no frame")
            dialog, version, start, codes, words, marks, pending, arguments = parts
            if start != 0 if at == 0 else not self.frames[-1].start <= start <= len(self.values):
                raise ValueError("a frame starts outside the frame before it")
            is_last = at + _FRAME_FIELDS == len(fields)
            if words not in _CHECKSUMS or not pending or is_last == pending.startswith(_INSIDE):
                raise ValueError("a frame waits for what cannot be")
            last = first + len(codes)
            mine = values if last - first == len(values) else values[first:last]
            keys = list(map(expected.__getitem__, codes))
            self.frames.append(
                Frame(dialog, version, start, codes, words, marks, pending, arguments, keys, mine)
            )
            first = last
        if first != len(values) and self.phase != DONE:
            raise ValueError("the records and the values differ in number")


def _expected(entry: str) -> str:
    """What replay expects of a record with this entry: see `Frame.keys`."""
    if type(entry) is not str or len(entry) < 2 or entry[0] not in "0123":
        raise ValueError("an entry of the table has no outcome or no key")
    key = entry[1:]
    return f"!{key}" if int(entry[0]) & FAILED else _FIXED.get(key, key)
