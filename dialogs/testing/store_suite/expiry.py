"""Expiry: what has reached its `expires_at` counts as gone, removed or not."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import pytest

from dialogs.errors import Busy, Conflict
from dialogs.stores.base import Store, Stored
from dialogs.testing.store_suite.claims import HOUR_S, is_leased
from dialogs.testing.store_suite.steps import LEASE_S, body_of, names, put, take, write


class Expiry:
    """Conversations that are forgotten, and what claims on them are worth.

    Expiry lies an hour ahead, since a store may also forget by the real clock.
    """

    async def test_until_it_expires_a_conversation_is_there(self, store: Store, now: float) -> None:
        await put(store, "a", now, wake_at=now, expires_at=now + HOUR_S)
        before = now + HOUR_S - 0.25
        assert await body_of(store, "a", before) == b"body"
        assert await names(store, before) == ["a"]
        assert await names(store, before, "OPEN") == ["a"]
        assert await store.due(now=before, limit=10) == ["a"]
        assert (await take(store, "a", before)).revision == 1

    @pytest.mark.parametrize("past", [0, 0.25, 1_000_000])
    async def test_an_expired_conversation_is_gone_for_every_method(
        self, store: Store, now: float, past: float
    ) -> None:
        await put(store, "a", now, wake_at=now, expires_at=now + HOUR_S)
        await put(store, "b", now, wake_at=now)
        after = now + HOUR_S + past
        assert await store.load("a", now=after) is None
        assert await names(store, after) == ["b"]
        assert await names(store, after, "OPEN") == ["b"]
        assert await store.due(now=after, limit=10) == ["b"]
        # Now that the store may have removed it, nothing is different.
        assert await store.load("a", now=after) is None
        assert await names(store, after) == ["b"]
        claim = await take(store, "a", after)
        assert (claim.body, claim.revision) == (None, 0)

    async def test_a_claim_of_an_expired_conversation_starts_anew(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, b"old", status="OLD", wake_at=now, expires_at=now + HOUR_S)
        after = now + HOUR_S
        claim = await take(store, "a", after)
        assert (claim.body, claim.revision) == (None, 0)
        assert await store.load("a", now=after) is None
        assert (await write(store, claim, b"new", after, status="NEW")).revision == 1
        assert await store.load("a", now=after) == Stored("a", b"new", 1, "NEW", None, None)
        assert await names(store, after) == ["a"]
        assert await names(store, after, "OLD") == []
        assert await store.due(now=after, limit=10) == []

    async def test_releasing_a_claim_of_an_expired_conversation_brings_nothing_back(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, wake_at=now, expires_at=now + HOUR_S)
        after = now + HOUR_S
        await store.release(await take(store, "a", after))
        assert await store.load("a", now=after) is None
        assert await names(store, after) == []
        assert await store.due(now=after, limit=10) == []
        claim = await take(store, "a", after)
        assert (claim.body, claim.revision) == (None, 0)

    async def test_expired_conversations_take_no_place_among_the_due(
        self, store: Store, now: float
    ) -> None:
        for place in range(5):
            await put(store, f"gone-{place}", now, wake_at=now - 9, expires_at=now + HOUR_S)
        await put(store, "a", now, wake_at=now)
        assert await store.due(now=now + HOUR_S, limit=1) == ["a"]

    async def test_a_commit_moves_the_expiry(self, store: Store, now: float) -> None:
        await put(store, "later", now, expires_at=now + HOUR_S)
        await put(store, "later", now, expires_at=now + 2 * HOUR_S)
        await put(store, "never", now, expires_at=now + HOUR_S)
        await put(store, "never", now)
        await put(store, "sooner", now, expires_at=now + 3 * HOUR_S)
        await put(store, "sooner", now, expires_at=now + HOUR_S)
        assert await names(store, now + HOUR_S) == ["later", "never"]
        assert await names(store, now + 2 * HOUR_S) == ["never"]

    async def test_a_running_lease_outlives_the_expiry(self, store: Store, now: float) -> None:
        await put(store, "a", now, b"one", wake_at=now, expires_at=now + HOUR_S)
        claim = await take(store, "a", now + HOUR_S - 10, LEASE_S)
        during = now + HOUR_S + 5
        assert await store.load("a", now=during) is None
        assert await names(store, during) == []
        # Which is when the store may remove what has expired, but not what is leased.
        assert await store.due(now=during, limit=10) == []
        with pytest.raises(Busy):
            await take(store, "a", during)
        assert (await write(store, claim, b"two", during)).revision == 2
        assert await store.load("a", now=during) == Stored("a", b"two", 2, "OPEN", None, None)

    async def test_a_claim_on_what_expired_and_was_claimed_anew_is_lost(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, expires_at=now + HOUR_S)
        lost = await take(store, "a", now + HOUR_S - 10, 5)
        after = now + HOUR_S
        await put(store, "a", after, b"new")
        with pytest.raises(Conflict):
            await write(store, lost, b"late", after)
        await store.release(lost)
        assert await body_of(store, "a", after) == b"new"

    async def test_a_held_lease_outlives_the_expiry(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now)
        claim = await write(
            store, claim, b"one", now, wake_at=now, expires_at=now + HOUR_S, hold_s=2 * HOUR_S
        )
        during = now + HOUR_S + 5
        assert await store.due(now=during, limit=10) == []
        assert await is_leased(store, "a", during)
        assert (await write(store, claim, b"two", during)).revision == 2
        assert await body_of(store, "a", during) == b"two"
