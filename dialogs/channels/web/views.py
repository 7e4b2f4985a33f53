"""How a conversation looks in JSON: its messages, and where it stands.

A button's value stays on the server, and so do the places of the dialog's code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from dialogs.channels.showing import attachments_of, buttons_of
from dialogs.channels.web import schemas
from dialogs.conversation import Conversation
from dialogs.events import Turn
from dialogs.messages import Attachment, Message
from dialogs.standing import Entry, Status
from dialogs.waits import Sleep

DEEPEST = 32
"""How deep data is shown; what is nested deeper is said as text."""

EXACT = 2**53
"""The integers below it are the same number in a browser."""

MOMENT_S = 0.5
"""A sleep that is shorter, in seconds, is not a pause: the dialog is about to go on."""


def entries_after(
    conversation: Conversation | None, conversation_id: str, after: int
) -> list[schemas.Entry]:
    """The messages of a conversation with numbers above `after`."""
    history = [] if conversation is None else conversation.history
    return [
        _entry(history, at, conversation_id)
        for at, entry in enumerate(history)
        if entry.number > after
    ]


def standing_of(conversation: Conversation | None) -> dict[str, Any]:
    """The fields of `schemas.Standing`; of None, those of a conversation not begun."""
    if conversation is None:
        return schemas.Standing(
            status="INITIATED", prompt=None, waiting=None, wake_at=None, answerable=[]
        ).model_dump()
    asking = conversation.asking
    return {
        "status": conversation.status.value,
        "prompt": conversation.prompt,
        "waiting": _waiting(conversation),
        "wake_at": conversation.deadline,
        "answerable": [] if asking is None else list(asking.said),
    }


def sleeps_a_moment(conversation: Conversation | None) -> bool:
    """Whether the dialog will go on at once, as before a slow step that it says something ahead of.

    A turn that failed then is over, although it is tried again.
    """
    if conversation is None or conversation.status is not Status.PROCESSING:
        return False
    wait = conversation.pending
    return (
        wait is not None
        and wait.step == Sleep.key
        and wait.deadline is not None
        and wait.deadline - conversation.updated_at < MOMENT_S
    )


def turn_view(
    turn: Turn, conversation: Conversation | None, conversation_id: str
) -> schemas.TurnOut:
    """A turn, with the numbers that its messages have in the transcript."""
    return schemas.TurnOut(
        **standing_of(conversation),
        messages=_said(turn.messages, conversation, conversation_id),
        duplicate=turn.duplicate,
        stale=turn.stale,
    )


def _said(
    messages: list[Any], conversation: Conversation | None, conversation_id: str
) -> list[schemas.Entry]:
    """What a turn said: where it stands in the transcript; without numbers where it does not."""
    history = [] if conversation is None else conversation.history
    said = [at for at, entry in enumerate(history) if not entry.by_client]
    for end in range(len(said), len(messages) - 1, -1):
        places = said[end - len(messages) : end]
        if [history[at].message for at in places] == messages:
            return [_entry(history, at, conversation_id) for at in places]
    unplaced = [Entry(0, by_client=False, at=0.0, message=message) for message in messages]
    return [
        _entry(unplaced, at, conversation_id).model_copy(
            update={"number": None, "at": None, "buttons": []}
        )
        for at in range(len(unplaced))
    ]


def _waiting(conversation: Conversation) -> Literal["response", "signal", "time"] | None:
    if conversation.asking is not None:
        return "response"
    if conversation.pending is None:
        return None
    return "signal" if conversation.pending.step.startswith("wait_for_signal") else "time"


# --- messages ---------------------------------------------------------------------------------


def _entry(history: Sequence[Entry], at: int, conversation_id: str) -> schemas.Entry:
    entry = history[at]
    message = entry.message
    if entry.by_client:
        return schemas.Entry(
            number=entry.number,
            by_client=True,
            at=entry.at,
            text=clean(_said_by_client(history, at)),
        )
    return schemas.Entry(
        number=entry.number,
        by_client=False,
        at=entry.at,
        text=clean(message.text) if isinstance(message, Message) else _text(message),
        buttons=[
            schemas.ButtonOut(index=index, label=clean(button.label))
            for index, button in enumerate(buttons_of(message))
        ],
        attachments=[
            _attachment(file, f"conversations/{conversation_id}/files/{entry.number}/{index}")
            for index, file in enumerate(attachments_of(message))
        ],
        data=_data(message),
    )


def _said_by_client(history: Sequence[Entry], at: int) -> str:
    """What the person saw who said it: of a pressed button, its label."""
    said = history[at].message
    for entry in reversed(history[:at]):
        if entry.by_client and isinstance(said, str):
            break  # typed, or a button of the question before: then it reads as it was said
        for button in buttons_of(entry.message):
            if type(button.answer) is type(said) and button.answer == said:
                return button.label
    return said if isinstance(said, str) else "…"


def _attachment(file: Attachment, path: str) -> schemas.AttachmentOut:
    url = safe_url(file.url)
    return schemas.AttachmentOut(
        name=clean(file.name),
        media_type=clean(file.media_type),
        url=url,
        file=path if url is None and file.content is not None else None,
    )


def safe_url(url: str | None) -> str | None:
    """An address that a page may link to: http(s), or a path of its own site; else None."""
    if url is None or "\\" in url or url != clean(url) or any(char <= " " for char in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme.lower() in ("http", "https") and parts.netloc:
        return url
    return url if not parts.scheme and not parts.netloc and not url.startswith("//") else None


# --- JSON -------------------------------------------------------------------------------------


def _data(message: Any) -> Any:
    if isinstance(message, Message):
        return as_json(message.data)
    return as_json(message) if isinstance(message, dict | list | tuple) else None


def as_json(value: Any, depth: int = 0) -> Any:
    """A value as JSON has it; what JSON does not have is said as text.

    >>> as_json({"price": 2.5, 3: (1, None), "unknown": float("nan")})
    {'price': 2.5, '3': [1, None], 'unknown': 'nan'}
    """
    match value:
        case None | bool():
            return value
        case str():
            return clean(value)
        case int() if abs(value) < EXACT:
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case dict() if depth < DEEPEST:
            return {_text(key): as_json(item, depth + 1) for key, item in value.items()}
        case list() | tuple() if depth < DEEPEST:
            return [as_json(item, depth + 1) for item in value]
        case _:
            return _text(value)


def _text(value: Any) -> str:
    try:
        return clean(str(value))
    except (ValueError, RecursionError):  # a number of many thousand digits, a deep nest
        return f"({type(value).__name__})"


def clean(text: str) -> str:
    """A text that UTF-8 has: without lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
