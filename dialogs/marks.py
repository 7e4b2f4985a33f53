"""Marks: how the log knows what was said without keeping it.

A frame keeps one checksum of all the words that its dialog said, which is compared on every
replay, and a mark of two bytes for each message, to find the one that differs when the checksum
does. Words differ when the code was changed, most often by two questions that changed places;
then the answers would go to the wrong ones.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterator
from functools import reduce
from types import CodeType, FunctionType
from typing import Any
from zlib import crc32

from dialogs.codec import encode
from dialogs.errors import NotSerializable
from dialogs.messages import Message

SIZE = 2
"""The bytes of one mark."""


def words_of(message: Any) -> bytes:
    """What a message says, as bytes: its text, or what the log would keep of it."""
    text = message.text if isinstance(message, Message) else message
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    try:
        return encode(message)
    except NotSerializable:
        return b""


def mark(words: bytes) -> bytes:
    """The mark of one message."""
    return crc_hqx(words, 0).to_bytes(SIZE, "little")


def checksum(words: bytes, before: int) -> int:
    """The checksum of all that was said, with one more message."""
    return crc32(words + _END, before)


def checksum_all(messages: list[Any]) -> int:
    """The checksum of all these messages, much faster than one by one."""
    try:
        return crc32(("\0".join(messages) + "\0").encode()) if messages else 0
    except (TypeError, UnicodeEncodeError):
        return reduce(lambda before, message: checksum(words_of(message), before), messages, 0)


_END = b"\0"


def find_words(wanted: bytes, fn: Any) -> str | None:
    """The text with this mark among the texts in a function's code and its module, or None.

    This is how an error names a message that the log knows by its mark alone.
    """
    return next((text for text in _texts(fn) if mark(words_of(text)) == wanted), None)


def _texts(fn: Any) -> Iterator[str]:
    if isinstance(fn, FunctionType):
        yield from _constants(fn.__code__)
        # By their types: a stranger's object may raise whatever it is asked.
        for value in fn.__globals__.values():
            if type(value) is str:
                yield value
            elif type(value) is FunctionType:
                yield from _constants(value.__code__)


def _constants(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _constants(constant)
