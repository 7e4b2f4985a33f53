"""Whose conversation it is: ids, and who may use them.

Two ways. With tokens, a conversation has a random id, and whoever started it got a token for it.
With the host's own auth, each user has one conversation, and its id is made from theirs.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from dialogs.channels.web.problems import Refused

PREFIX = "web:"
"""What the chat ids of this channel start with."""

_PLAIN = re.compile(r"[A-Za-z0-9_.@-]{1,200}")


def new_id() -> str:
    """An id for a conversation that nobody can guess: 128 random bits."""
    return secrets.token_hex(16)


def id_of(user: object) -> str:
    """The id of a user's conversation, where the host knows who its users are.

    Raises:
        Refused: there is no user.
    """
    name = "" if user is None or user is False else str(user)
    if not name:
        raise Refused(
            401,
            "Nobody is signed in.",
            "The conversations here belong to the site's users.",
            "Sign in.",
        )
    if _PLAIN.fullmatch(name):
        return f"user-{name}"
    return f"key-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def chat_id_of(user: object) -> str:
    """The chat id of a user's conversation, for signals and proactive messages.

    Args:
        user: what the `auth` dependency returns for the user.

    >>> chat_id_of("ada")
    'web:user-ada'
    """
    return PREFIX + id_of(user)


def check_owner(owned: str, asked: str) -> None:
    """Refuse a conversation that is another's; whether it exists is not told.

    Raises:
        Refused: it is.
    """
    if not secrets.compare_digest(owned.encode(), asked.encode("utf-8", "surrogatepass")):
        raise Refused(
            403,
            "This conversation is not yours.",
            "The token, or the user, is that of another one.",
            "Use the id that came with the token.",
        )
