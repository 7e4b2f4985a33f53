"""Commits: written by the claim that holds, or not at all; and what deleting does to claims."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import pytest

from dialogs.errors import Busy, Conflict
from dialogs.stores.base import Claim, Store, Stored
from dialogs.testing.store_suite.claims import HOUR_S, is_leased
from dialogs.testing.store_suite.steps import LEASE_S, body_of, names, put, take, write


class Commits:
    """Writing under a claim, holding on to it, and deleting under it."""

    async def test_a_commit_is_read_back_as_it_was_written(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now)
        await write(store, claim, b"x", now, status="S", wake_at=now + 60, expires_at=now + HOUR_S)
        assert await store.load("a", now=now) == Stored("a", b"x", 1, "S", now + 60, now + HOUR_S)

    async def test_a_commit_replaces_all_that_was_there(self, store: Store, now: float) -> None:
        await put(store, "a", now, b"long before", wake_at=now + 60, expires_at=now + HOUR_S)
        await put(store, "a", now, b"now", status="DONE")
        assert await store.load("a", now=now) == Stored("a", b"now", 2, "DONE", None, None)

    async def test_a_commit_returns_the_claim_with_the_new_bytes(
        self, store: Store, now: float
    ) -> None:
        claim = await take(store, "a", now)
        committed = await write(store, claim, b"one", now, hold_s=30)
        assert committed == Claim("a", b"one", 1, committed.token)
        committed = await write(store, committed, b"two", now)
        assert committed == Claim("a", b"two", 2, committed.token)

    async def test_revisions_count_the_commits(self, store: Store, now: float) -> None:
        for count in range(1, 13):
            assert (await put(store, "a", now)).revision == count
            await store.release(await take(store, "a", now))
            stored = await store.load("a", now=now)
            assert stored is not None
            assert stored.revision == count

    async def test_a_commit_gives_the_lease_back(self, store: Store, now: float) -> None:
        await put(store, "a", now)
        assert not await is_leased(store, "a", now)

    async def test_a_late_commit_is_accepted_where_nobody_took_the_lease(
        self, store: Store, now: float
    ) -> None:
        claim = await take(store, "a", now)
        claim = await write(store, claim, b"one", now + LEASE_S + 60, hold_s=LEASE_S)
        await write(store, claim, b"two", now + HOUR_S)
        assert await store.load("a", now=now + HOUR_S) == Stored("a", b"two", 2, "OPEN", None, None)

    async def test_a_refused_commit_writes_nothing_at_all(self, store: Store, now: float) -> None:
        await put(store, "a", now, b"before", status="OPEN")
        lost = await take(store, "a", now)
        await take(store, "a", now + LEASE_S)
        with pytest.raises(Conflict):
            await write(
                store,
                lost,
                b"late",
                now + LEASE_S,
                status="LATE",
                wake_at=now,
                expires_at=now + HOUR_S,
                hold_s=HOUR_S,
            )
        later = now + 2 * LEASE_S
        assert await store.load("a", now=later) == Stored("a", b"before", 1, "OPEN", None, None)
        assert await names(store, later, "LATE") == []
        assert await store.due(now=later, limit=10) == []
        assert not await is_leased(store, "a", later)

    async def test_a_claim_commits_once(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now)
        committed = await write(store, claim, b"one", now)
        for spent in (claim, committed):
            with pytest.raises(Conflict):
                await write(store, spent, b"two", now)
        assert await store.load("a", now=now) == Stored("a", b"one", 1, "OPEN", None, None)

    async def test_a_commit_that_holds_keeps_the_lease(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now, 5)
        await write(store, claim, b"one", now + 4, hold_s=20)
        with pytest.raises(Busy) as caught:
            await take(store, "a", now + 14)
        assert caught.value.retry_after_s == pytest.approx(10, abs=0.01)
        with pytest.raises(Busy):
            await take(store, "a", now + 23.75)
        taken = await take(store, "a", now + 24)
        assert (taken.body, taken.revision) == (b"one", 1)

    async def test_a_commit_that_holds_may_make_the_lease_shorter(
        self, store: Store, now: float
    ) -> None:
        claim = await take(store, "a", now, HOUR_S)
        await write(store, claim, b"one", now, hold_s=2)
        assert await is_leased(store, "a", now + 1.75)
        assert not await is_leased(store, "a", now + 2)

    async def test_a_held_claim_commits_again(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now)
        for body in (b"one", b"two", b"three"):
            claim = await write(store, claim, body, now, hold_s=LEASE_S)
        await write(store, claim, b"last", now)
        assert await store.load("a", now=now) == Stored("a", b"last", 4, "OPEN", None, None)
        assert not await is_leased(store, "a", now)

    async def test_what_was_claimed_before_a_held_commit_cannot_commit(
        self, store: Store, now: float
    ) -> None:
        claim = await take(store, "a", now)
        held = await write(store, claim, b"one", now, hold_s=LEASE_S)
        with pytest.raises(Conflict):
            await write(store, claim, b"again", now)
        await write(store, held, b"two", now)
        assert await body_of(store, "a", now) == b"two"

    async def test_a_held_claim_can_be_released(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now)
        held = await write(store, claim, b"one", now, hold_s=HOUR_S)
        await store.release(held)
        assert not await is_leased(store, "a", now)
        assert await body_of(store, "a", now) == b"one"

    async def test_a_held_claim_that_was_taken_over_cannot_commit(
        self, store: Store, now: float
    ) -> None:
        claim = await take(store, "a", now)
        held = await write(store, claim, b"one", now, hold_s=10)
        await take(store, "a", now + 10)
        with pytest.raises(Conflict):
            await write(store, held, b"late", now + 10)
        assert await body_of(store, "a", now + 10) == b"one"

    async def test_deleting_tells_whether_there_was_one(self, store: Store, now: float) -> None:
        assert await store.delete("a") is False
        await put(store, "a", now)
        assert await store.delete("a") is True
        assert await store.delete("a") is False

    async def test_a_claim_alone_is_nothing_to_delete_but_is_lost(
        self, store: Store, now: float
    ) -> None:
        lost = await take(store, "a", now)
        assert await store.delete("a") is False
        assert not await is_leased(store, "a", now)
        with pytest.raises(Conflict):
            await write(store, lost, b"late", now)

    async def test_a_deleted_conversation_is_nowhere(self, store: Store, now: float) -> None:
        await put(store, "a", now, wake_at=now, expires_at=now + HOUR_S)
        await put(store, "b", now, wake_at=now)
        await store.delete("a")
        assert await store.load("a", now=now) is None
        assert await names(store, now) == ["b"]
        assert await names(store, now, "OPEN") == ["b"]
        assert await store.due(now=now, limit=10) == ["b"]
        claim = await take(store, "a", now)
        assert (claim.body, claim.revision) == (None, 0)

    @pytest.mark.parametrize("meanwhile", ["nothing", "claim", "release", "commit", "hold"])
    @pytest.mark.parametrize("body", [None, b"before"])
    async def test_a_claim_is_lost_to_deleting_whatever_comes_after(
        self, store: Store, now: float, meanwhile: str, body: bytes | None
    ) -> None:
        if body is not None:
            await put(store, "a", now, body)
        lost = await take(store, "a", now)
        await store.delete("a")
        expected: bytes | None = None
        if meanwhile != "nothing":
            claim = await take(store, "a", now)
            if meanwhile == "release":
                await store.release(claim)
            elif meanwhile in {"commit", "hold"}:
                expected = b"after"
                hold_s = LEASE_S if meanwhile == "hold" else None
                await write(store, claim, expected, now, hold_s=hold_s)
        await store.release(lost)
        with pytest.raises(Conflict):
            await write(store, lost, b"late", now)
        assert await body_of(store, "a", now) == expected
        assert await is_leased(store, "a", now) == (meanwhile in {"claim", "hold"})

    async def test_revisions_of_a_deleted_conversation_start_anew(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now)
        await put(store, "a", now)
        await store.delete("a")
        assert (await put(store, "a", now)).revision == 1
