"""How a message looks where there is only text, and what a typed answer to it means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dialogs.messages import Attachment, Button, Message


def text_of(message: Any) -> str:
    """A message's own text; of what is neither text nor a `Message`, its `str`."""
    if isinstance(message, Message):
        return message.text
    try:
        return str(message)
    except Exception:  # noqa: BLE001 - a stranger's __str__, or a number too long to show
        return f"<{type(message).__name__}>"


def buttons_of(message: Any) -> tuple[Button, ...]:
    """The buttons of a message."""
    return tuple(message.buttons) if isinstance(message, Message) else ()


def attachments_of(message: Any) -> tuple[Attachment, ...]:
    """The files of a message."""
    return tuple(message.attachments) if isinstance(message, Message) else ()


def in_text(message: Any, *, buttons: bool = True, attachments: bool = True) -> str:
    r"""A message as text alone.

    Args:
        message: what the dialog said.
        buttons: whether its buttons are said, as numbered options.
        attachments: whether its files are said, by name and address.

    >>> in_text(Message("Go on?", buttons=(Button("Yes", True), Button("No", False))))
    'Go on?\n  1. Yes\n  2. No'
    """
    lines = [text_of(message)] if text_of(message) else []
    if attachments:
        lines += [f"  [{file.name}] {file.url or ''}".rstrip() for file in attachments_of(message)]
    if buttons:
        options = enumerate(buttons_of(message), 1)
        lines += [f"  {number}. {button.label}" for number, button in options]
    return "\n".join(lines)


def meant(typed: str, messages: Sequence[Any]) -> Any:
    """What a typed answer means: a button's value, where it is its number or its label.

    Args:
        typed: what the person typed.
        messages: what was said last; the last one that has buttons counts.

    >>> meant("2", [Message("Go on?", buttons=(Button("Yes", True), Button("No", False)))])
    False
    """
    buttons = next((found for found in map(buttons_of, reversed(messages)) if found), ())
    word = typed.strip().casefold()
    for button in buttons:
        if button.label.strip().casefold() == word:
            return button.answer
    if word.isdecimal() and 1 <= int(word) <= len(buttons):
        return buttons[int(word) - 1].answer
    return typed
