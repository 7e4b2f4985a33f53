"""The ids that callers give: of conversations, messages and prompts."""

from __future__ import annotations

import re
from typing import Any

from dialogs.errors import UsageError

MAX_ID = 255
"""How long an id may be, in characters."""


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


def check_id(name: str, value: Any) -> None:
    """Refuse what cannot be an id; None is none.

    Args:
        name: the argument that it was given as, for the error.
        value: the id.

    Raises:
        UsageError: as for `check_chat_id`.
    """
    if value is not None and (not isinstance(value, str) or not _is_id(value)):
        raise UsageError(
            f"{name}={value!r} is no id.",
            "Ids are texts of 1 to 255 characters, without NUL, and are compared as such.",
            "Give such a text, or None where there is no id; for a number, str(number).",
        )


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


_ID = re.compile(rf"[^\0\ud800-\udfff]{{1,{MAX_ID}}}")
