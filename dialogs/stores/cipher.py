"""How `Encrypted` turns a conversation's bytes into those that are stored, and back.

They are a Fernet token (AES-128-CBC and HMAC-SHA256, from the cryptography library) without its
base64: about 70 bytes more than the conversation. Fernet binds a token to nothing, so the chat id
stands before the conversation's bytes, encrypted with them, and is compared when they are read.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from dialogs.errors import CannotDecrypt, UsageError, missing_extra

try:
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet
except ImportError:  # the extra is not installed
    _INSTALLED = False
else:
    _INSTALLED = True

# What every Fernet token begins with.
_FERNET = b"\x80"


class Cipher:
    """Encrypts under the first of several keys, and decrypts under any.

    Args:
        keys: Fernet keys, the first one to encrypt with.

    Raises:
        UsageError: cryptography is not installed, there are no keys, or one is none.
    """

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        _need_cryptography()
        if not keys:
            raise UsageError(
                "Encrypted got no keys.",
                "The first one encrypts, and all of them decrypt.",
                "Make one with Encrypted.generate_key() and keep it where your secrets are.",
            )
        fernets = [_fernet(number, key) for number, key in enumerate(keys)]
        self._first = fernets[0]
        self._all = MultiFernet(fernets)
        self._count = len(fernets)

    def encrypt(self, chat_id: str, body: bytes) -> bytes:
        """The bytes to store for a conversation."""
        # A kilobyte takes about 20 microseconds each way: threads would cost more than they save.
        return urlsafe_b64decode(self._first.encrypt(_owner(chat_id) + body))

    def decrypt(self, chat_id: str, stored: bytes) -> bytes:
        """The conversation's bytes.

        Raises:
            CannotDecrypt: the stored ones are not encrypted, under another key, changed, or of
                another conversation.
        """
        if not stored.startswith(_FERNET):
            raise CannotDecrypt(
                chat_id,
                "it is not encrypted",
                "It was written without Encrypted, or its bytes were changed; what is not "
                "encrypted is not read, since anyone could have written it.",
                "Find out who wrote it; then delete it, or read it with the inner store and commit "
                "it through Encrypted.",
            )
        try:
            plain = self._all.decrypt(urlsafe_b64encode(stored))
        except InvalidToken:
            opens = "the key does not open it"
            if self._count > 1:
                opens = f"none of the {self._count} keys opens it"
            raise CannotDecrypt(
                chat_id,
                opens,
                "It was encrypted under a key that is not listed, or its bytes were changed.",
                "List the key that it was written under after the newer ones, Encrypted(store, "
                "[new, old]); if it was changed, restore it from a copy or delete it.",
            ) from None
        owner = _owner(chat_id)
        if not plain.startswith(owner):
            raise CannotDecrypt(
                chat_id,
                "its bytes were encrypted for another conversation",
                "The key opens them, but the chat id in them is another one: they were moved "
                "within the database, or not written by Encrypted.",
                "Find out who changed it; then restore it from a copy, or delete it.",
            )
        return plain[len(owner) :]

    def is_current(self, stored: bytes) -> bool:
        """Whether stored bytes that can be decrypted are under the first key."""
        try:
            self._first.decrypt(urlsafe_b64encode(stored))
        except InvalidToken:
            return False
        return True


def new_key() -> str:
    """A new key, as text.

    Raises:
        UsageError: cryptography is not installed.
    """
    _need_cryptography()
    return Fernet.generate_key().decode("ascii")


def _need_cryptography() -> None:
    if not _INSTALLED:
        raise missing_extra("Encrypted", "cryptography", "encrypted")


def _fernet(number: int, key: str | bytes) -> Fernet:
    try:
        return Fernet(key)
    except (TypeError, ValueError):
        raise UsageError(
            f"keys[{number}] of Encrypted is not a Fernet key.",
            "A key is 32 bytes in URL-safe base64, which are 44 characters; it is not shown here.",
            "Make one with Encrypted.generate_key().",
        ) from None


def _owner(chat_id: str) -> bytes:
    """What stands before a conversation's bytes: whose they are, after its length."""
    name = chat_id.encode("utf-8", "surrogatepass")
    return len(name).to_bytes(4, "big") + name
