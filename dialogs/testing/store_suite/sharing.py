"""Sharing: many tasks at once, several store objects on the same data, opening and closing."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from dialogs.errors import Busy
from dialogs.stores.base import Claim, Store, Stored
from dialogs.testing.store_suite.claims import HOUR_S, is_leased
from dialogs.testing.store_suite.steps import LEASE_S, body_of, names, put, take, write

TRIES = 10_000


@contextlib.asynccontextmanager
async def another(reopen: Callable[[], Store] | None) -> AsyncIterator[Store]:
    """One more store on the same data, closed afterwards; skips where there can be none."""
    if reopen is None:
        pytest.skip("this store is not shared")
    store = reopen()
    try:
        yield store
    finally:
        await store.close()


async def claim_of(store: Store, chat_id: str, now: float) -> Claim | None:
    """The claim, or None where it is busy."""
    try:
        return await take(store, chat_id, now)
    except Busy:
        return None


async def increment(store: Store, chat_id: str, now: float) -> None:
    """Add one to the number that the conversation is, as soon as its lease can be had."""
    for _ in range(TRIES):
        claim = await claim_of(store, chat_id, now)
        if claim is not None:
            await asyncio.sleep(0)
            await write(store, claim, str(int(claim.body or b"0") + 1).encode(), now)
            return
        await asyncio.sleep(0)
    pytest.fail(f"the lease could not be had in {TRIES} tries")


class Sharing:
    """What holds when many do it at once, and across store objects."""

    @pytest.mark.parametrize("body", [None, b"before"])
    async def test_of_many_claims_at_once_exactly_one_wins(
        self, store: Store, now: float, body: bytes | None
    ) -> None:
        if body is not None:
            await put(store, "a", now, body)
        claims = await asyncio.gather(*(claim_of(store, "a", now) for _ in range(50)))
        [won] = [claim for claim in claims if claim is not None]
        assert won.body == body
        await write(store, won, b"after", now)
        assert await body_of(store, "a", now) == b"after"

    async def test_of_many_takeovers_at_once_exactly_one_wins(
        self, store: Store, now: float
    ) -> None:
        await take(store, "a", now)
        claims = await asyncio.gather(*(claim_of(store, "a", now + LEASE_S) for _ in range(50)))
        assert len([claim for claim in claims if claim is not None]) == 1

    async def test_of_many_commits_of_one_claim_at_once_exactly_one_is_made(
        self, store: Store, now: float
    ) -> None:
        claim = await take(store, "a", now)
        results = await asyncio.gather(
            *(write(store, claim, str(place).encode(), now) for place in range(20)),
            return_exceptions=True,
        )
        [made] = [result for result in results if type(result) is Claim]
        assert await store.load("a", now=now) == Stored(
            "a", made.body or b"", 1, "OPEN", None, None
        )

    async def test_increments_by_many_tasks_lose_nothing(self, store: Store, now: float) -> None:
        tasks, each = 8, 5

        async def work(place: int) -> None:
            for _ in range(each):
                await increment(store, "all", now)
                await increment(store, f"pair-{place // 2}", now)

        await asyncio.gather(*(work(place) for place in range(tasks)))
        expected = {"all": tasks * each} | {f"pair-{pair}": 2 * each for pair in range(tasks // 2)}
        for chat_id, count in expected.items():
            assert await store.load(chat_id, now=now) == Stored(
                chat_id, str(count).encode(), count, "OPEN", None, None
            )

    async def test_many_conversations_at_once_do_not_mix(self, store: Store, now: float) -> None:
        async def converse(chat_id: str) -> None:
            for count in range(4):
                claim = await take(store, chat_id, now)
                assert claim.revision == count
                assert claim.body == (f"{chat_id} {count}".encode() if count else None)
                await write(store, claim, f"{chat_id} {count + 1}".encode(), now)

        await asyncio.gather(*(converse(f"chat-{place}") for place in range(60)))
        assert len(await names(store, now)) == 60

    async def test_a_cancelled_call_leaves_the_store_working(
        self, store: Store, now: float
    ) -> None:
        for waits in range(4):
            tasks = [
                asyncio.create_task(put(store, f"{waits}-{place}", now, b"x"))
                for place in range(10)
            ]
            for _ in range(waits):
                await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for place in range(10):
                # A cancelled one was made or not; its lease may still run.
                chat_id = f"{waits}-{place}"
                assert await body_of(store, chat_id, now) in (
                    (b"x",) if place % 2 else (None, b"x")
                )
                await put(store, chat_id, now + LEASE_S, b"y")
                assert await body_of(store, chat_id, now + LEASE_S) == b"y"

    async def test_setup_may_be_called_again_and_forgets_nothing(
        self, store: Store, now: float
    ) -> None:
        await store.setup()
        claim = await put(store, "a", now, b"body")
        await store.setup()
        await asyncio.gather(*(store.setup() for _ in range(5)))
        assert await body_of(store, "a", now) == b"body"
        assert claim.revision == 1

    async def test_closing_twice_is_no_error(self, store: Store, now: float) -> None:
        await put(store, "a", now)
        await store.close()
        await store.close()

    async def test_setup_may_run_in_several_stores_at_once(
        self, store: Store, now: float, reopen: Callable[[], Store] | None
    ) -> None:
        async with another(reopen) as one, another(reopen) as two, another(reopen) as three:
            stores = [store, one, two, three]
            await asyncio.gather(*(each.setup() for each in stores * 2))
            for place, each in enumerate(stores):
                await put(each, f"chat-{place}", now)
            for each in stores:
                assert len(await names(each, now)) == 4

    async def test_a_store_that_did_nothing_can_be_closed(
        self, reopen: Callable[[], Store] | None
    ) -> None:
        async with another(reopen) as one:
            await one.close()

    async def test_what_one_store_writes_the_other_reads(
        self, store: Store, now: float, reopen: Callable[[], Store] | None
    ) -> None:
        async with another(reopen) as other:
            await put(store, "a", now, b"one", wake_at=now)
            await put(other, "a", now, b"two", status="DONE", wake_at=now)
            expected = Stored("a", b"two", 2, "DONE", now, None)
            for each in (store, other):
                assert await each.load("a", now=now) == expected
                assert await each.due(now=now, limit=10) == ["a"]
                assert await names(each, now, "DONE") == ["a"]
                assert await names(each, now, "OPEN") == []

    async def test_a_claim_holds_across_stores(
        self, store: Store, now: float, reopen: Callable[[], Store] | None
    ) -> None:
        async with another(reopen) as other:
            claim = await take(store, "a", now)
            with pytest.raises(Busy):
                await take(other, "a", now)
            held = await write(other, claim, b"one", now, hold_s=LEASE_S)
            with pytest.raises(Busy):
                await take(store, "a", now)
            await store.release(held)
            assert (await take(other, "a", now)).body == b"one"

    async def test_increments_by_several_stores_lose_nothing(
        self, store: Store, now: float, reopen: Callable[[], Store] | None
    ) -> None:
        async with another(reopen) as other:

            async def work(each: Store) -> None:
                for _ in range(5):
                    await increment(each, "a", now)

            await asyncio.gather(*(work(each) for each in [store, other] * 3))
            assert await store.load("a", now=now) == Stored("a", b"30", 30, "OPEN", None, None)

    async def test_of_claims_of_several_stores_at_once_exactly_one_wins(
        self, store: Store, now: float, reopen: Callable[[], Store] | None
    ) -> None:
        async with another(reopen) as other:
            claims = await asyncio.gather(
                *(claim_of(each, "a", now) for each in [store, other] * 20)
            )
            assert len([claim for claim in claims if claim is not None]) == 1

    async def test_all_that_was_written_is_there_after_closing(
        self, store: Store, now: float, reopen: Callable[[], Store] | None
    ) -> None:
        await put(store, "a", now, b"\x00body", wake_at=now + 5, expires_at=now + HOUR_S)
        await take(store, "held", now)
        async with another(reopen) as other:
            await store.close()
            assert await other.load("a", now=now) == Stored(
                "a", b"\x00body", 1, "OPEN", now + 5, now + HOUR_S
            )
            assert await other.due(now=now + 5, limit=10) == ["a"]
            assert await is_leased(other, "held", now)
            await put(other, "a", now, b"more")
