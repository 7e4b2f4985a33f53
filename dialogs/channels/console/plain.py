"""A terminal of lines and nothing else, for pipes, scripts and tests; and text that harms none."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TextIO

from dialogs.channels.showing import in_text

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_DELETE = "\x7f"


def harmless(text: str) -> str:
    r"""A text without what steers a terminal: it shows in its place that it was there.

    Line ends and tabs stay. Control characters become their pictures; the newer ones, those that
    turn the direction of writing, and halves of characters become the replacement character.

    >>> harmless("\x1b[2J gone?")
    '␛[2J gone?'
    """
    return _CONTROLS.sub(_picture, text.replace("\r\n", "\n"))


def _picture(found: re.Match[str]) -> str:
    control = found[0]
    if control < " ":
        return chr(0x2400 + ord(control))
    return "\u2421" if control == _DELETE else "\ufffd"


class PlainTerminal:
    """Reads lines and writes lines; what the dialog says and nothing else goes to `out`.

    Args:
        read: gives the next line, or None at the end; the lines of stdin where it is None.
        out: where the dialog's messages go; stdout where it is None.
        err: where the channel's own words go; stderr where it is None.
    """

    interactive = False

    def __init__(
        self,
        read: Callable[[], Awaitable[str | None]] | None = None,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self._read = read or _Stdin().read
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._is_left = False
        """Whether what reads our output is gone, as in `| head`."""

    def show(self, message: Any) -> None:
        """Write a message, as text alone."""
        try:
            self._write(self._out, in_text(message))
        except BrokenPipeError:
            self._is_left = True
            raise

    def tell(self, text: str) -> None:
        """Write the channel's own words to where errors go."""
        with contextlib.suppress(BrokenPipeError):  # then nobody is there to be told
            self._write(self._err, text)

    def recall(self, lines: Sequence[str]) -> None:
        """Nobody looks back in a pipe."""

    async def read(self) -> str | None:
        """The next line; None at the end of the input, and where nobody reads the output."""
        line = None if self._is_left else await self._read()
        return None if self._is_left else line

    def _write(self, stream: TextIO, text: str) -> None:
        stream.write(harmless(text) + "\n")
        stream.flush()


class _Stdin:
    """Stdin's lines, read in a thread that keeps nobody from leaving."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] | None = None

    async def read(self) -> str | None:
        if self._lines is None:
            self._lines = asyncio.Queue()
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._run, args=(loop, self._lines), daemon=True).start()
        return await self._lines.get()

    def _run(self, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None]) -> None:
        # Not sys.stdin: whoever leaves while a thread holds its lock is stopped by Python.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = ""
        while True:
            chunk = os.read(0, 65_536)
            text += decoder.decode(chunk, final=not chunk)
            *whole, text = text.split("\n")
            ended: list[str | None] = [] if chunk else [*([text] if text else []), None]
            for line in [*whole, *ended]:
                try:
                    loop.call_soon_threadsafe(lines.put_nowait, line and line.removesuffix("\r"))
                except RuntimeError:
                    return  # the loop is closed: they have left
            if not chunk:
                return
