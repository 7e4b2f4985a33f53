"""Conversations in a dict: for tests, for trying things, and for bots that may forget."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass

from dialogs.stores.base import Claim, Stored, busy, conflict, new_token


@dataclass(slots=True)
class _Row:
    """A conversation; one that was claimed and never committed has no body yet."""

    body: bytes | None = None
    revision: int = 0
    status: str = ""
    wake_at: float | None = None
    expires_at: float | None = None
    token: str | None = None
    leased_until: float = 0.0

    def is_leased(self, now: float) -> bool:
        return self.token is not None and self.leased_until > now

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def is_due(self, now: float) -> bool:
        return self.wake_at is not None and self.wake_at <= now and not self.is_leased(now)

    def stored(self, chat_id: str, now: float) -> Stored | None:
        if self.body is None or self.is_expired(now):
            return None
        return Stored(chat_id, self.body, self.revision, self.status, self.wake_at, self.expires_at)


class MemoryStore:
    """Keeps conversations in this object; they end with it.

    It may be used from several event loops and threads of one process.

    >>> import asyncio
    >>> store = MemoryStore()
    >>> claim = asyncio.run(store.claim("user-42", now=0.0, lease_s=30))
    >>> claim.body is None, claim.revision
    (True, 0)
    """

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()

    async def setup(self) -> None:
        """Nothing needs to be created."""

    async def close(self) -> None:
        """Nothing is held open; the conversations stay in this object."""

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        """Read a conversation and take its lease."""
        with self._lock:
            row = self._rows.get(chat_id)
            if row is not None and row.is_leased(now):
                raise busy(chat_id, row.leased_until, now)
            if row is None or row.is_expired(now):
                row = self._rows[chat_id] = _Row()
            row.token = new_token()
            row.leased_until = now + lease_s
            return Claim(chat_id, row.body, row.revision, row.token)

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
        """Write a conversation, if the claim was not lost."""
        with self._lock:
            row = self._rows.get(claim.chat_id)
            if row is None or row.token != claim.token or row.revision != claim.revision:
                raise conflict(claim)
            row.body = body
            row.revision += 1
            row.status = status
            row.wake_at = wake_at
            row.expires_at = expires_at
            if hold_s is None:
                row.token = None
            else:
                row.leased_until = now + hold_s
            return Claim(claim.chat_id, body, row.revision, claim.token)

    async def release(self, claim: Claim) -> None:
        """Give a lease back; does nothing where the claim was lost."""
        with self._lock:
            row = self._rows.get(claim.chat_id)
            if row is None or row.token != claim.token:
                return
            row.token = None
            if row.body is None:
                del self._rows[claim.chat_id]

    async def load(self, chat_id: str, *, now: float) -> Stored | None:
        """Read a conversation without a claim."""
        with self._lock:
            row = self._rows.get(chat_id)
            return None if row is None else row.stored(chat_id, now)

    async def due(self, *, now: float, limit: int) -> list[str]:
        """Whose time has come, those due longest first; forgets what has expired."""
        with self._lock:
            for chat_id, row in list(self._rows.items()):
                if row.is_expired(now) and not row.is_leased(now):
                    del self._rows[chat_id]
            due = [
                (row.wake_at, chat_id)
                for chat_id, row in self._rows.items()
                if row.wake_at is not None and row.is_due(now)
            ]
        return [chat_id for _, chat_id in sorted(due)[:limit]]

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        """Every conversation, or every one of a status, as they are when the scan begins."""
        with self._lock:
            found = [row.stored(chat_id, now) for chat_id, row in self._rows.items()]
        for stored in found:
            if stored is not None and status in (None, stored.status):
                yield stored

    async def delete(self, chat_id: str) -> bool:
        """Forget a conversation, lease and all."""
        with self._lock:
            row = self._rows.pop(chat_id, None)
            return row is not None and row.body is not None
