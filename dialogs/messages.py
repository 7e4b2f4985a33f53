"""What a dialog says: plain data that every channel can show, and who carries it.

A message is a `str`, a `Message`, or any other value that the log can keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

LATER: Mapping[str, Any] = {"later": True}
"""Marks a field that old logs do not have: it is recorded only where it is used."""


@dataclass(frozen=True, slots=True)
class Button:
    """One ready-made answer.

    Args:
        label: what the person sees.
        value: what the dialog gets when it is pressed; the label where it is None.
    """

    label: str
    value: Any = None

    @property
    def answer(self) -> Any:
        """What the dialog gets when the button is pressed."""
        return self.label if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message.

    Args:
        name: the file's name, as the person sees it.
        url: where it can be fetched, or None where `content` has it.
        media_type: its MIME type, such as "image/png".
        content: the file itself, or None where `url` says where it is.
    """

    name: str
    url: str | None = None
    media_type: str = "application/octet-stream"
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message with more than text.

    Args:
        text: what is said; what a channel shows that can show nothing else.
        buttons: ready-made answers.
        attachments: files.
        data: anything else a channel of your own understands; a value that the log can keep.
        blocks: the message in a platform's own form, such as Slack's blocks, sent as given where
            the platform has it; everywhere else the rest is shown.

    >>> Message("Go on?", buttons=(Button("Yes"), Button("No"))).text
    'Go on?'
    """

    text: str = ""
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    data: Any = None
    blocks: tuple[dict[str, Any], ...] = field(default=(), metadata=LATER)

    def __str__(self) -> str:
        return self.text


class Watcher(Protocol):
    """Shows what is in conversations' histories: nothing has to be sent to it. See `Sender`.

    It takes the place of a sender where the transcript is what people see, such as on a web page
    that reads it.
    """

    def look(self, chat_id: str) -> None:
        """There may be something new in this conversation."""
        ...


class Sender(Protocol):
    """Carries messages to the client. See `Orchestrator`.

    Its methods may be plain functions: those block, and are called in a thread, one at a time for
    each conversation.

    A sender may have a second method, `resend_message`, of the same arguments. It is called in
    place of `send_message` for what an earlier turn said and could not acknowledge: it may have
    been sent already.
    """

    def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> Any:
        """Send one message; best an `async def`.

        Args:
            chat_id: to whom.
            message: a `str`, a `Message`, or whatever the dialog said.
            delivery_id: names this message of this conversation. A message that was sent and
                whose acknowledgement was lost comes again under the same id.

        Raises:
            ChannelError: with `permanent=True`: it can never be sent, and is given up; with
                `retry_after_s=`: when it may be tried again, such as a platform says it.
            Exception: it was not sent. It is sent again later, and what follows it after it.
        """
        ...
