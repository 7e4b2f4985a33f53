"""Claims: one writer at a time, for as long as its lease runs."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import pytest

from dialogs.errors import Busy, Conflict
from dialogs.stores.base import Claim, Store
from dialogs.testing.store_suite.steps import LEASE_S, body_of, names, put, take, write

HOUR_S = 3_600.0


async def is_leased(store: Store, chat_id: str, now: float) -> bool:
    """Whether somebody holds a lease. Takes it where nobody does."""
    try:
        await take(store, chat_id, now)
    except Busy:
        return True
    return False


class Claims:
    """Taking a lease, losing it, and giving it back."""

    async def test_a_claim_of_nothing_has_no_body(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now)
        assert claim == Claim("a", None, 0, claim.token)
        assert type(claim.token) is str
        assert claim.token

    async def test_a_claim_reads_what_was_committed_last(self, store: Store, now: float) -> None:
        await put(store, "a", now, b"one")
        await put(store, "a", now, b"two")
        claim = await take(store, "a", now)
        assert claim == Claim("a", b"two", 2, claim.token)

    async def test_every_claim_has_a_token_of_its_own(self, store: Store, now: float) -> None:
        tokens = {(await put(store, "a", now)).token for _ in range(5)}
        tokens |= {(await take(store, chat_id, now)).token for chat_id in "abc"}
        assert len(tokens) == 8

    async def test_a_claim_under_a_running_lease_is_busy(self, store: Store, now: float) -> None:
        await take(store, "a", now, 30)
        with pytest.raises(Busy) as caught:
            await take(store, "a", now + 10)
        assert caught.value.chat_id == "a"
        assert caught.value.retry_after_s == pytest.approx(20, abs=0.01)

    async def test_a_busy_claim_changes_nothing(self, store: Store, now: float) -> None:
        held = await take(store, "a", now, 30)
        with pytest.raises(Busy):
            await take(store, "a", now + 29.75, 1_000)
        # Neither the lease was made longer, nor was it taken.
        await write(store, held, b"mine", now + 29.75)
        assert await body_of(store, "a", now + 29.75) == b"mine"
        await take(store, "b", now, 30)
        with pytest.raises(Busy):
            await take(store, "b", now + 10, 1_000)
        await take(store, "b", now + 30)

    async def test_after_the_time_that_busy_tells_a_claim_succeeds(
        self, store: Store, now: float
    ) -> None:
        await take(store, "a", now, 2.5)
        with pytest.raises(Busy) as caught:
            await take(store, "a", now + 0.25)
        await take(store, "a", now + 0.25 + caught.value.retry_after_s + 0.002)

    async def test_a_lease_runs_until_its_last_moment_and_no_longer(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, b"body")
        first = await take(store, "a", now, 30)
        with pytest.raises(Busy):
            await take(store, "a", now + 29.75)
        second = await take(store, "a", now + 30)
        assert (second.body, second.revision) == (b"body", 1)
        assert second.token != first.token

    async def test_leases_of_other_conversations_do_not_matter(
        self, store: Store, now: float
    ) -> None:
        await take(store, "a", now)
        await take(store, "b", now)
        assert await is_leased(store, "a", now)
        assert not await is_leased(store, "c", now)

    async def test_a_claim_that_was_taken_over_cannot_commit(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, b"before")
        lost = await take(store, "a", now)
        await take(store, "a", now + LEASE_S)
        with pytest.raises(Conflict) as caught:
            await write(store, lost, b"late", now + LEASE_S)
        assert (caught.value.chat_id, caught.value.revision) == ("a", 1)
        assert await body_of(store, "a", now + LEASE_S) == b"before"
        assert await is_leased(store, "a", now + LEASE_S)

    async def test_a_claim_that_was_taken_over_before_any_commit_cannot_commit(
        self, store: Store, now: float
    ) -> None:
        lost = await take(store, "a", now)
        taken = await take(store, "a", now + LEASE_S)
        with pytest.raises(Conflict):
            await write(store, lost, b"late", now + LEASE_S)
        await write(store, taken, b"in time", now + LEASE_S)
        assert await body_of(store, "a", now + LEASE_S) == b"in time"

    async def test_a_claim_that_was_taken_over_cannot_commit_after_that_one_committed(
        self, store: Store, now: float
    ) -> None:
        lost = await take(store, "a", now)
        await put(store, "a", now + LEASE_S, b"theirs")
        with pytest.raises(Conflict):
            await write(store, lost, b"late", now + LEASE_S)
        assert await body_of(store, "a", now + LEASE_S) == b"theirs"

    @pytest.mark.parametrize("body", [None, b"before"])
    async def test_a_claim_that_was_taken_over_cannot_commit_after_that_one_was_released(
        self, store: Store, now: float, body: bytes | None
    ) -> None:
        if body is not None:
            await put(store, "a", now, body)
        lost = await take(store, "a", now)
        await store.release(await take(store, "a", now + LEASE_S))
        with pytest.raises(Conflict):
            await write(store, lost, b"late", now + LEASE_S)
        assert await body_of(store, "a", now + LEASE_S) == body

    async def test_releasing_a_claim_that_was_taken_over_leaves_the_new_one_alone(
        self, store: Store, now: float
    ) -> None:
        lost = await take(store, "a", now)
        taken = await take(store, "a", now + LEASE_S)
        await store.release(lost)
        assert await is_leased(store, "a", now + LEASE_S)
        await write(store, taken, b"theirs", now + LEASE_S)
        assert await body_of(store, "a", now + LEASE_S) == b"theirs"

    async def test_a_released_conversation_can_be_claimed_at_once(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, b"body")
        await store.release(await take(store, "a", now))
        claim = await take(store, "a", now)
        assert (claim.body, claim.revision) == (b"body", 1)

    async def test_releasing_writes_nothing(self, store: Store, now: float) -> None:
        await put(store, "a", now, b"body", wake_at=now + 5, expires_at=now + HOUR_S)
        before = await store.load("a", now=now)
        await store.release(await take(store, "a", now))
        assert await store.load("a", now=now) == before
        assert await store.due(now=now + 5, limit=10) == ["a"]

    async def test_releasing_a_new_conversation_leaves_nothing_behind(
        self, store: Store, now: float
    ) -> None:
        await store.release(await take(store, "a", now))
        assert await store.load("a", now=now) is None
        assert await names(store, now) == []
        claim = await take(store, "a", now)
        assert (claim.body, claim.revision) == (None, 0)

    async def test_a_released_claim_cannot_commit(self, store: Store, now: float) -> None:
        for chat_id in ("new", "old"):
            if chat_id == "old":
                await put(store, chat_id, now)
            claim = await take(store, chat_id, now)
            await store.release(claim)
            with pytest.raises(Conflict):
                await write(store, claim, b"late", now)
        assert await names(store, now) == ["old"]

    async def test_releasing_twice_is_no_error_and_leaves_the_next_claim_alone(
        self, store: Store, now: float
    ) -> None:
        claim = await take(store, "a", now)
        await store.release(claim)
        await store.release(claim)
        await take(store, "a", now)
        await store.release(claim)
        assert await is_leased(store, "a", now)

    async def test_releasing_a_committed_claim_leaves_the_next_claim_alone(
        self, store: Store, now: float
    ) -> None:
        claim = await put(store, "a", now)
        await store.release(claim)
        await take(store, "a", now)
        await store.release(claim)
        assert await is_leased(store, "a", now)

    async def test_claiming_alone_leaves_nothing_to_be_seen(self, store: Store, now: float) -> None:
        await take(store, "a", now)
        for later in (now, now + LEASE_S, now + HOUR_S):
            assert await store.load("a", now=later) is None
            assert await names(store, later) == []
            assert await store.due(now=later, limit=10) == []
