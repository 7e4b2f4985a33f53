"""What the tests of a store do over and over."""

from __future__ import annotations

from dialogs.stores.base import Claim, Store, Stored

LEASE_S = 30.0


async def take(store: Store, chat_id: str, now: float, lease_s: float = LEASE_S) -> Claim:
    """Claim a conversation."""
    return await store.claim(chat_id, now=now, lease_s=lease_s)


async def write(
    store: Store,
    claim: Claim,
    body: bytes,
    now: float,
    *,
    status: str = "OPEN",
    wake_at: float | None = None,
    expires_at: float | None = None,
    hold_s: float | None = None,
) -> Claim:
    """Commit a claim."""
    return await store.commit(
        claim,
        body,
        now=now,
        status=status,
        wake_at=wake_at,
        expires_at=expires_at,
        hold_s=hold_s,
    )


async def put(
    store: Store,
    chat_id: str,
    now: float,
    body: bytes = b"body",
    *,
    status: str = "OPEN",
    wake_at: float | None = None,
    expires_at: float | None = None,
) -> Claim:
    """Claim a conversation and commit it; the lease is given back."""
    claim = await take(store, chat_id, now)
    return await write(
        store, claim, body, now, status=status, wake_at=wake_at, expires_at=expires_at
    )


async def body_of(store: Store, chat_id: str, now: float) -> bytes | None:
    """The bytes of a conversation, read without a claim."""
    stored = await store.load(chat_id, now=now)
    return None if stored is None else stored.body


async def scanned(store: Store, now: float, status: str | None = None) -> list[Stored]:
    """All that a scan finds, by chat id."""
    found = [stored async for stored in store.scan(status, now=now)]
    return sorted(found, key=lambda stored: stored.chat_id)


async def names(store: Store, now: float, status: str | None = None) -> list[str]:
    """The chat ids that a scan finds, sorted."""
    return [stored.chat_id for stored in await scanned(store, now, status)]
