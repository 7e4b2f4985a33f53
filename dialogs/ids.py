"""The ids that callers give: of conversations, messages and prompts."""

from __future__ import annotations

import re
from typing import Any

from dialogs.errors import UsageError

MAX_ID = 255
"""How long an id may be, in characters."""

MAX_DELIVERY_ID = MAX_ID + 32
"""How long the id of a delivery may be: a chat id, and a number."""


def check_chat_id(chat_id: Any) -> None:
    """Refuse what cannot name a conversation.

    Raises:
        UsageError: it is no text of 1 to 255 characters that every store can keep.
    """
    if not isinstance(chat_id, str) or not _is_id(chat_id):
        raise UsageError(
            f"{chat_id!r} is no chat id.",
            "Stores keep conversations under texts of 1 to 255 characters, without NUL.",
            "Give such a text; for a number, str(number).",
        )


def check_id(name: str, value: Any, longest: int = MAX_ID) -> None:
    """Refuse what cannot be an id; None is none.

    Args:
        name: the argument that it was given as, for the error.
        value: the id.
        longest: how long it may be, in characters.

    Raises:
        UsageError: as for `check_chat_id`.
    """
    if value is not None and (not isinstance(value, str) or not _is_id(value, longest)):
        raise UsageError(
            f"{name}={value!r} is no id.",
            f"Ids are texts of 1 to {longest} characters, without NUL, and are compared as such.",
            "Give such a text, or None where there is no id; for a number, str(number).",
        )


def _is_id(text: str, longest: int = MAX_ID) -> bool:
    return len(text) <= longest and _ID.fullmatch(text) is not None


_ID = re.compile(r"[^\0\ud800-\udfff]+")
