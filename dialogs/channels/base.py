"""What a channel is: it carries messages between a platform's people and an orchestrator.

Inwards, an event of the platform becomes an `Incoming`, which the channel hands to
`Orchestrator.handle_message`. Outwards, the channel is the orchestrator's sender for the chat ids
that start with its prefix: `orchestrator.attach(channel.prefix, channel)`.

- A conversation of the platform (a thread, a direct message, a browser) becomes the `chat_id`: the
  prefix and its id. The same people always meet the same conversation.
- An event's id, or what tells a repeated event from a new one, becomes the `message_id`, so that a
  webhook's retry counts once.
- A pressed button becomes its value, `in_reply_to` the delivery id of its message: the button of an
  old question answers nothing.
- A message that comes again under its delivery id, after a crash, is to be seen once: the channel
  hands the id on to the platform, or leaves out what it has sent.

A channel whose people read the transcript, such as a web page, may be a `Watcher` in place of a
sender: nothing is sent to it, and its `look(chat_id)` is told that there may be something new.

What a channel cannot show it says in text; `showing.py` has the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event of a platform, as an orchestrator takes it: the arguments of `handle_message`.

    Args:
        chat_id: whose conversation, the channel's prefix included.
        message: what was said: text, a button's value, or data of the channel's own.
        message_id: names the event; the same again gets the same answer. None: it has no name.
        in_reply_to: the prompt, or the delivery id of its message, that it answers; None:
            whichever is pending.
    """

    chat_id: str
    message: Any
    message_id: str | None = None
    in_reply_to: str | None = None


class Channel(Protocol):
    """A channel, as an orchestrator sees it: a `Sender` for some of the chat ids.

    Attributes:
        prefix: what the chat ids of its conversations start with, such as "slack:".
    """

    prefix: str

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> Any:
        """Say a message to the people of a conversation. See `Sender`."""
        ...
