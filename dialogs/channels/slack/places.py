"""Where and how something was said in Slack: places, kinds, and what was heard there."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Self

from dialogs.errors import UsageError
from dialogs.messages import Attachment, Message

PREFIX = "slack:"
"""What the chat ids of Slack's conversations start with."""


class Kind(enum.StrEnum):
    """What an event of Slack is: the first three say what was done, the others where."""

    TEXT = "text"
    """Somebody wrote."""
    FILE = "file"
    """Somebody shared files, with words or without."""
    INTERACTIVE = "interactive"
    """Somebody pressed a button, or used another component of a message."""
    DIRECT = "direct"
    """In a direct message with the bot."""
    THREAD = "thread"
    """In a thread of a channel."""
    CHANNEL = "channel"
    """In a channel, outside of its threads."""
    MENTION = "mention"
    """In a channel or a thread, and with the bot's name."""


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation of Slack, and so one of dialogs.

    Args:
        team: the workspace's id, such as "T024BE7LD".
        channel: the id of the channel or direct message, such as "C024BE91L".
        thread: the `ts` of the thread's first message; "" outside of threads.

    >>> Place.of("slack:T1:C2:1700000000.000100")
    Place(team='T1', channel='C2', thread='1700000000.000100')
    >>> Place("T1", "D3").chat_id
    'slack:T1:D3'
    """

    team: str
    channel: str
    thread: str = ""

    @property
    def chat_id(self) -> str:
        """The chat id of its conversation."""
        chat_id = f"{PREFIX}{self.team}:{self.channel}"
        return f"{chat_id}:{self.thread}" if self.thread else chat_id

    @property
    def is_direct(self) -> bool:
        """Whether it is a direct message between one person and the bot."""
        return self.channel.startswith("D")

    @classmethod
    def of(cls, chat_id: str) -> Self:
        """The place of a chat id.

        Raises:
            UsageError: it is none of Slack's.
        """
        team, *rest = chat_id.removeprefix(PREFIX).split(":")
        if not chat_id.startswith(PREFIX) or len(rest) not in (1, 2) or not all((team, *rest)):
            raise UsageError(
                f"{chat_id!r} is no conversation of Slack.",
                'Theirs are "slack:TEAM:CHANNEL" and "slack:TEAM:CHANNEL:THREAD".',
                "Make one with Place(team, channel, thread).chat_id.",
            )
        return cls(team, *rest)


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody did in Slack, once it is known to be for a dialog.

    Args:
        place: where.
        user: the id of who did it.
        ts: when, as Slack names it: of the message, or of the press.
        kinds: what it is, and where: one of TEXT, FILE and INTERACTIVE, one of DIRECT, THREAD and
            CHANNEL, and MENTION where the bot was named.
        text: what was written, as the person saw it, without the bot's name at its beginning; the
            label of what was pressed.
        files: what was shared. The addresses need the bot's token.
        value: what a component answered: a text, a list of texts, a number or None; a button
            beside input blocks: a dict of them all, by their action ids.
        event: what Slack sent, for what is not above.
    """

    place: Place
    user: str
    ts: str
    kinds: frozenset[Kind]
    text: str = ""
    files: tuple[Attachment, ...] = ()
    value: Any = None
    event: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def message_id(self) -> str:
        """Names the event. It is the same for all events that Slack sends about one message."""
        return f"{self.place.team}:{self.place.channel}:{self.ts}"


def as_text(heard: Heard) -> Any:
    """What a dialog hears by default: the text, with the names and addresses of files; a value."""
    if Kind.INTERACTIVE in heard.kinds:
        return heard.value
    files = [f"[{file.name}] {file.url or ''}".rstrip() for file in heard.files]
    return "\n".join([heard.text] * bool(heard.text) + files)


def as_message(heard: Heard) -> Message:
    """What a dialog can hear instead: a `Message` that says where, how and by whom, too.

    Its data have "kinds", "value", "user", "team", "channel", "thread" and "ts".
    """
    return Message(
        heard.text,
        attachments=heard.files,
        data={
            "kinds": sorted(kind.value for kind in heard.kinds),
            "value": heard.value,
            "user": heard.user,
            "team": heard.place.team,
            "channel": heard.place.channel,
            "thread": heard.place.thread,
            "ts": heard.ts,
        },
    )
