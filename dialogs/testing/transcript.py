"""A conversation as text: how it is shown, and how a script of one is read."""

from __future__ import annotations

import re
from ast import literal_eval
from typing import Any

from dialogs.errors import UsageError
from dialogs.messages import Message

BOT, YOU, ENDING, SIGNAL = "bot", "you", "(done", "(signal "
TIMED_OUT, WOKE_UP = "(timed out)", "(woke up)"


def text_of(message: Any) -> str:
    """The words of a message."""
    return message.text if isinstance(message, Message) else str(message)


def shown(message: Any) -> str:
    """A message with its buttons and attachments; a response.

    >>> from dialogs import Button
    >>> shown(Message("Go on?", buttons=(Button("Yes"), Button("No"))))
    'Go on? [Yes] [No]'
    """
    if not isinstance(message, Message):
        return message if isinstance(message, str) else repr(message)
    buttons = [f"[{button.label}]" for button in message.buttons]
    files = [f"<{attachment.name}>" for attachment in message.attachments]
    return " ".join([message.text, *buttons, *files])


def line(speaker: str, text: str) -> str:
    """What somebody said, in a transcript; further lines stand below the first."""
    first, *more = text.splitlines() or [""]
    indent = " " * (len(speaker) + 2)
    return "\n".join([f"{speaker}: {first}".rstrip(), *(indent + rest for rest in more)])


def ending(result: Any) -> str:
    """The line of a dialog that is done."""
    return f"{ENDING})" if result is None else f"{ENDING}: {result!r})"


def signal_line(name: str, payload: Any) -> str:
    """The line of a signal that came.

    >>> signal_line("paid", 5)
    '(signal paid: 5)'
    """
    return f"{SIGNAL}{name})" if payload is None else f"{SIGNAL}{name}: {payload!r})"


def read_signal(written: str) -> tuple[str, Any]:
    """The name and the payload of such a line.

    Raises:
        UsageError: the payload is more than plain data.
    """
    name, colon, payload = written.removeprefix(SIGNAL).removesuffix(")").partition(": ")
    try:
        return name, literal_eval(payload) if colon else None
    except (ValueError, SyntaxError):
        raise UsageError(
            f"The payload of {written!r} cannot be read.",
            "A script has numbers, texts and the like, written as in Python.",
            f"Give it in the test: tester.signal({name!r}, ...).",
        ) from None


def script_of(text: str) -> list[tuple[str, str]]:
    """The speakers of a script and what they say; a line of no speaker goes on with the last."""
    script: list[tuple[str, str]] = []
    for written in filter(None, map(str.strip, text.splitlines())):
        speaker, colon, words = written.partition(":")
        if written in (TIMED_OUT, WOKE_UP):
            script.append((written, ""))
        elif written.startswith(SIGNAL) and written.endswith(")"):
            script.append((SIGNAL, written))
        elif written.startswith((f"{ENDING})", f"{ENDING}:")):
            script.append((ENDING, written))
        elif colon and speaker in (BOT, YOU):
            script.append((speaker, words.strip()))
        elif script:
            before, words = script[-1]
            script[-1] = (before, f"{words}\n{written}")
        else:
            raise UsageError(
                f"A script begins with {written!r}.",
                f"It has to say who speaks: {BOT!r} or {YOU!r}.",
                f"Begin it with '{BOT}: ...' or '{YOU}: ...'.",
            )
    return script


def fits(pattern: str, text: str) -> bool:
    """Whether a text is what a script says, where "..." stands for any words.

    >>> fits("It was ...!", "It was 42!")
    True
    """
    parts = [re.escape(part) for part in _stripped(pattern).split("...")]
    return re.fullmatch(".*".join(parts), _stripped(text), re.DOTALL) is not None


def _stripped(text: str) -> str:
    return "\n".join(map(str.strip, text.strip().splitlines()))
