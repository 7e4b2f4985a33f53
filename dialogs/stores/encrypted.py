"""Conversations that only those who have the key can read, in whatever store keeps them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from dialogs.errors import Busy, CannotDecrypt, Conflict, StoreError
from dialogs.stores.base import Claim, Store, Stored
from dialogs.stores.cipher import Cipher, new_key


@dataclass(frozen=True, slots=True)
class Rotation:
    """What `Encrypted.rotate` did. An old key is still needed where `busy` is not 0.

    Args:
        rewritten: how many conversations were encrypted anew, under the first key.
        current: how many were under it already.
        busy: how many were left as they were, since a turn held them; another `rotate` gets them.
        unreadable: the chat ids of those that cannot be decrypted; they were left as they were.
    """

    rewritten: int
    current: int
    busy: int
    unreadable: tuple[str, ...]


class Encrypted:
    """A store that encrypts what another store keeps, and refuses to read what is not encrypted.

    The bodies are encrypted: what was said and recorded, whole. Chat ids, statuses, revisions and
    times stay readable, since the database finds conversations by them; a token also shows when
    it was written, and how long it is.

    Bytes that were changed, cut short, or moved from another conversation are refused with
    `CannotDecrypt`. An older body of the same conversation, put back by someone who can write to
    the database, is not noticed.

    To take a new key, give it first and the old ones after it. All of them decrypt, the first one
    encrypts, so each conversation gets the new key with its next turn; `rotate` does the rest.

    Args:
        store: any store. It may not have kept conversations in the clear before.
        keys: one key or several, as `generate_key` makes them; the first one encrypts.

    Raises:
        UsageError: cryptography is not installed, or a key is none.
    """

    def __init__(self, store: Store, keys: str | bytes | Iterable[str | bytes]) -> None:
        self._store = store
        self._cipher = Cipher([keys] if isinstance(keys, str | bytes) else list(keys))

    def __repr__(self) -> str:
        return f"Encrypted({self._store!r})"

    @staticmethod
    def generate_key() -> str:
        """A new key: 32 random bytes as 44 letters, digits, `-`, `_` and `=`.

        Raises:
            UsageError: cryptography is not installed.
        """
        return new_key()

    async def setup(self) -> None:
        """Create what the inner store needs."""
        await self._store.setup()

    async def close(self) -> None:
        """Close the inner store."""
        await self._store.close()

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        """Read a conversation and take its lease.

        Raises:
            Busy: another claim's lease still runs.
            CannotDecrypt: its bytes are not what was encrypted for it. The lease is given back.
        """
        inner = await self._store.claim(chat_id, now=now, lease_s=lease_s)
        try:
            body = None if inner.body is None else self._cipher.decrypt(chat_id, inner.body)
        except CannotDecrypt:
            await self._let_go(inner)
            raise
        return replace(inner, body=body)

    async def commit(
        self,
        claim: Claim,
        body: bytes,
        *,
        now: float,
        status: str,
        wake_at: float | None = None,
        expires_at: float | None = None,
        hold_s: float | None = None,
    ) -> Claim:
        """Encrypt a conversation under the first key, and write it if the claim still holds."""
        inner = await self._store.commit(
            _inner(claim),
            self._cipher.encrypt(claim.chat_id, body),
            now=now,
            status=status,
            wake_at=wake_at,
            expires_at=expires_at,
            hold_s=hold_s,
        )
        return replace(inner, body=body)

    async def release(self, claim: Claim) -> None:
        """Give a lease back and write nothing; does nothing where the claim was lost."""
        await self._store.release(_inner(claim))

    async def load(self, chat_id: str, *, now: float) -> Stored | None:
        """Read a conversation without a claim; None where there is none.

        Raises:
            CannotDecrypt: its bytes are not what was encrypted for it.
        """
        found = await self._store.load(chat_id, now=now)
        return None if found is None else self._readable(found)

    async def due(self, *, now: float, limit: int) -> list[str]:
        """The chat ids whose time has come; their conversations are not read."""
        return await self._store.due(now=now, limit=limit)

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        """Every conversation, or every one of a status, in no order, each once.

        One that cannot be decrypted does not hide the others: it is raised after the last of them.

        Raises:
            CannotDecrypt: the first one that cannot be decrypted, when all others were given.
        """
        refused: CannotDecrypt | None = None
        async for found in self._store.scan(status, now=now):
            try:
                readable = self._readable(found)
            except CannotDecrypt as error:
                refused = refused or error
                continue
            yield readable
        if refused is not None:
            raise refused

    async def delete(self, chat_id: str) -> bool:
        """Forget a conversation, readable or not; says whether there was one."""
        return await self._store.delete(chat_id)

    async def rotate(
        self, *, clock: Callable[[], float] = time.time, lease_s: float = 30.0
    ) -> Rotation:
        """Encrypt anew, under the first key, what is still under another one.

        Turns may run meanwhile: each conversation is claimed for a moment. Status and times stay
        as they are. It may be stopped at any point and run again. An old key can go when every
        process has the new one first and then a whole `rotate` had no busy one.

        Args:
            clock: the time, in UTC seconds.
            lease_s: how long a conversation stays claimed, in seconds, if this process dies.

        Raises:
            StoreUnavailable: the store failed; what was rewritten until then stays so.
        """
        outcomes = {"rewritten": 0, "current": 0, "busy": 0, "gone": 0}
        unreadable: list[str] = []
        async for found in self._store.scan(now=clock()):
            try:
                outcomes[await self._rewrite(found, clock, lease_s)] += 1
            except CannotDecrypt:
                unreadable.append(found.chat_id)
        return Rotation(
            outcomes["rewritten"], outcomes["current"], outcomes["busy"], tuple(unreadable)
        )

    async def _rewrite(
        self, seen: Stored, clock: Callable[[], float], lease_s: float
    ) -> Literal["rewritten", "current", "busy", "gone"]:
        """Put one conversation under the first key, if it is not.

        Raises:
            CannotDecrypt: it cannot be read; it is left as it is.
        """
        self._cipher.decrypt(seen.chat_id, seen.body)
        if self._cipher.is_current(seen.body):
            return "current"
        try:
            claim = await self._store.claim(seen.chat_id, now=clock(), lease_s=lease_s)
            # What was seen may be from before a turn; nobody changes it now.
            found = await self._store.load(seen.chat_id, now=clock())
            if found is None or self._cipher.is_current(found.body):
                await self._store.release(claim)
                return "gone" if found is None else "current"
            try:
                body = self._cipher.decrypt(found.chat_id, found.body)
            except CannotDecrypt:
                await self._let_go(claim)
                raise
            await self._store.commit(
                claim,
                self._cipher.encrypt(found.chat_id, body),
                now=clock(),
                status=found.status,
                wake_at=found.wake_at,
                expires_at=found.expires_at,
            )
        except (Busy, Conflict):
            return "busy"
        return "rewritten"

    async def _let_go(self, inner: Claim) -> None:
        """Release a claim on the way to an error, which another error must not replace."""
        with suppress(StoreError):
            await self._store.release(inner)

    def _readable(self, found: Stored) -> Stored:
        return replace(found, body=self._cipher.decrypt(found.chat_id, found.body))


def _inner(claim: Claim) -> Claim:
    """A claim for the inner store, which knows it by its token and has no use for its bytes."""
    return replace(claim, body=None if claim.body is None else b"")
