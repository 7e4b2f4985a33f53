"""How a conversation is written in Redis: its keys, its fields, its times."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

from dialogs.stores.base import Stored

# Each lies in one slot of a cluster and has indexes of its own. Their number decides where data
# are found, so it never changes. More would spread better over a large cluster, and cost more
# where all of them are asked at once: by `due` and `scan`.
PARTITIONS = 64

# About 30,000 years: what is to expire later than that does so then.
_LONGEST_MS = 1e15


class Partition(NamedTuple):
    """The keys of one partition; a conversation's key is the first one and its chat id."""

    conversations: bytes
    held: bytes
    due: bytes
    expiry: bytes
    status: bytes
    by_status: bytes


def partitions(prefix: str) -> list[Partition]:
    """All of them. What stands in braces decides in which slot a key lies."""
    names = ("c:", "held", "due", "expiry", "status", "by-status")
    return [
        Partition(*(encoded(f"{prefix}:{{{number}}}:{name}") for name in names))
        for number in range(PARTITIONS)
    ]


def place_of(chat: bytes) -> int:
    """The number of the partition that a chat id lies in."""
    return crc32(chat) % PARTITIONS


def stored_in(fields: list[bytes | None], chat: bytes, now: float) -> Stored | None:
    """A conversation from its fields `b`, `r`, `s`, `w` and `e`; None: not there, or expired."""
    body, revision, status, wake_at, expires_at = fields
    if body is None or (expires_at and float(expires_at) <= now):
        return None
    return Stored(
        decoded(chat),
        body,
        int(revision or 0),
        decoded(status or b""),
        float(wake_at) if wake_at else None,
        float(expires_at) if expires_at else None,
    )


def encoded(text: str) -> bytes:
    """A chat id, a status or a prefix as bytes."""
    # Half of a surrogate pair is no reason to lose a conversation.
    return text.encode("utf-8", "surrogatepass")


def decoded(text: bytes) -> str:
    """What `encoded` was given."""
    return text.decode("utf-8", "surrogatepass")


def in_full(time: float | None) -> bytes:
    """A time as Redis keeps it, to the last bit; nothing for None."""
    return b"" if time is None else repr(float(time)).encode()


def milliseconds(time_s: float) -> bytes:
    """A duration for PEXPIRE, of one millisecond at least: none at all would delete at once."""
    return b"%d" % min(max(time_s * 1_000, 1), _LONGEST_MS)
