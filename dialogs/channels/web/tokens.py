"""Signed tokens: who holds one may read and answer one conversation, until it is too old.

A token is the conversation's id and the time, signed. Nothing is kept of it on the server: it
holds in every process that has the secret, and after every restart.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from dialogs.channels.web.problems import Refused
from dialogs.errors import UsageError

SHORTEST_SECRET = 16
"""How long a secret has to be, in characters."""

TICKET_AGE_S = 60
"""How long a ticket opens a socket, in seconds."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a token proved.

    Args:
        conversation_id: the conversation.
        left_s: for how long it still holds, in seconds.
    """

    conversation_id: str
    left_s: float


class Tokens:
    """Signs and reads tokens.

    Args:
        secret: one secret or several. The first one signs, all of them are accepted.
        age_s: how long a token holds, in seconds.

    Raises:
        UsageError: there is no secret, or one that can be guessed.
    """

    def __init__(self, secret: str | bytes | Sequence[str | bytes], *, age_s: float) -> None:
        secrets = [secret] if isinstance(secret, str | bytes) else list(secret)
        if not secrets or min(map(len, secrets)) < SHORTEST_SECRET:
            raise UsageError(
                f"create_app() needs a secret of {SHORTEST_SECRET} characters or more.",
                "Whoever guesses it can read and answer every conversation.",
                "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))', "
                "and keep it where the app's other secrets are.",
            )
        # itsdangerous signs with the last one.
        keys = [one.encode() if isinstance(one, str) else one for one in reversed(secrets)]
        self.age_s = age_s
        self._signers = {kind: _signer(keys, kind) for kind in ("token", "ticket")}

    def sign(self, conversation_id: str, kind: Literal["token", "ticket"] = "token") -> str:
        """A token for a conversation; or a ticket, which only opens a socket, and only soon."""
        return str(self._signers[kind].dumps(conversation_id))

    def read(self, token: str, kind: Literal["token", "ticket"] = "token") -> Pass:
        """What a token proves.

        Raises:
            Refused: it was not signed here, or it is too old.
        """
        age_s = self.age_s if kind == "token" else TICKET_AGE_S
        signer = self._signers[kind]
        try:
            conversation_id, signed_at = signer.loads(
                token, max_age=int(age_s), return_timestamp=True
            )
        except SignatureExpired:
            raise Refused(
                401,
                "The token is too old.",
                "A token holds for a limited time.",
                "Start another conversation.",
            ) from None
        except (BadData, ValueError):
            raise Refused(
                401,
                "The token is not valid.",
                "It was changed, or signed with a secret that is no longer used.",
                "Start another conversation.",
            ) from None
        return Pass(conversation_id, signed_at.timestamp() + age_s - time.time())


def _signer(keys: list[bytes], kind: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        keys,
        salt=f"dialogs.channels.web {kind}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
