"""Finding: the due, by time; and all of them, by status."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import asyncio
from collections import Counter

from dialogs.stores.base import Store, Stored
from dialogs.testing.store_suite.steps import LEASE_S, names, put, scanned, take, write

MANY = 1_000
AT_ONCE = 100


async def put_many(store: Store, now: float) -> list[str]:
    """A thousand conversations, half of them even, the last one due first."""
    chat_ids = [f"chat-{place}" for place in range(MANY)]
    for start in range(0, MANY, AT_ONCE):
        await asyncio.gather(
            *(
                put(
                    store,
                    chat_ids[place],
                    now,
                    str(place).encode(),
                    status="ODD" if place % 2 else "EVEN",
                    wake_at=now - place,
                )
                for place in range(start, start + AT_ONCE)
            )
        )
    return chat_ids


class Finding:
    """`due` and `scan`."""

    async def test_nothing_is_found_in_an_empty_store(self, store: Store, now: float) -> None:
        assert await store.due(now=now, limit=10) == []
        assert await names(store, now) == []
        assert await names(store, now, "OPEN") == []
        assert await store.load("a", now=now) is None

    async def test_due_is_what_has_reached_its_time(self, store: Store, now: float) -> None:
        await put(store, "past", now, wake_at=now - 1)
        await put(store, "now", now, wake_at=now)
        await put(store, "soon", now, wake_at=now + 0.25)
        await put(store, "never", now)
        assert await store.due(now=now, limit=10) == ["past", "now"]
        assert await store.due(now=now + 0.25, limit=10) == ["past", "now", "soon"]

    async def test_those_due_longest_come_first(self, store: Store, now: float) -> None:
        for chat_id, ago in [("c", 3), ("a", 5), ("d", 1.5), ("b", 4), ("e", 1.25)]:
            await put(store, chat_id, now, wake_at=now - ago)
        assert await store.due(now=now, limit=10) == ["a", "b", "c", "d", "e"]
        assert await store.due(now=now, limit=3) == ["a", "b", "c"]
        assert await store.due(now=now, limit=1) == ["a"]
        assert await store.due(now=now, limit=0) == []

    async def test_asking_for_the_due_changes_nothing(self, store: Store, now: float) -> None:
        await put(store, "a", now, wake_at=now)
        before = await store.load("a", now=now)
        assert await store.due(now=now, limit=10) == ["a"]
        assert await store.due(now=now, limit=10) == ["a"]
        assert await store.load("a", now=now) == before

    async def test_what_is_leased_is_not_due_until_the_lease_ran_out(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, wake_at=now)
        await take(store, "a", now, 30)
        assert await store.due(now=now, limit=10) == []
        assert await store.due(now=now + 29.75, limit=10) == []
        assert await store.due(now=now + 30, limit=10) == ["a"]

    async def test_what_a_commit_holds_is_not_due(self, store: Store, now: float) -> None:
        claim = await take(store, "a", now)
        held = await write(store, claim, b"x", now, wake_at=now, hold_s=10)
        assert await store.due(now=now + 9.75, limit=10) == []
        assert await store.due(now=now + 10, limit=10) == ["a"]
        await store.release(held)
        assert await store.due(now=now, limit=10) == ["a"]

    async def test_what_is_leased_takes_no_place_among_the_due(
        self, store: Store, now: float
    ) -> None:
        for place in range(30):
            await put(store, f"held-{place}", now, wake_at=now - 9)
            await take(store, f"held-{place}", now)
        await put(store, "a", now, wake_at=now - 1)
        await put(store, "b", now, wake_at=now)
        assert await store.due(now=now, limit=1) == ["a"]
        assert await store.due(now=now, limit=2) == ["a", "b"]

    async def test_a_commit_moves_the_time(self, store: Store, now: float) -> None:
        for chat_id, wake_at in [("later", now + 5), ("never", None), ("sooner", now - 5)]:
            await put(store, chat_id, now, wake_at=now)
            await put(store, chat_id, now, wake_at=wake_at)
        assert await store.due(now=now, limit=10) == ["sooner"]
        assert await store.due(now=now + 5, limit=10) == ["sooner", "later"]

    async def test_a_scan_finds_what_is_stored(self, store: Store, now: float) -> None:
        await put(store, "a", now, b"1", status="OPEN", wake_at=now + 5)
        await put(store, "b", now, b"2", status="DONE", expires_at=now + 3_600)
        a = Stored("a", b"1", 1, "OPEN", now + 5, None)
        b = Stored("b", b"2", 1, "DONE", None, now + 3_600)
        assert await scanned(store, now) == [a, b]
        assert await scanned(store, now, "OPEN") == [a]
        assert await scanned(store, now, "DONE") == [b]
        assert await scanned(store, now, "NONE") == []

    async def test_a_changed_status_leaves_the_old_list(self, store: Store, now: float) -> None:
        for status in ("OPEN", "DONE", "OPEN", "LOST"):
            await put(store, "a", now, status=status)
        assert await names(store, now, "LOST") == ["a"]
        assert await names(store, now, "OPEN") == []
        assert await names(store, now, "DONE") == []
        assert await names(store, now) == ["a"]

    async def test_a_scan_finds_what_is_leased(self, store: Store, now: float) -> None:
        await put(store, "a", now)
        await take(store, "a", now)
        assert await names(store, now) == ["a"]
        assert await names(store, now, "OPEN") == ["a"]

    async def test_a_thousand_are_found_each_once(self, store: Store, now: float) -> None:
        chat_ids = await put_many(store, now)
        found = [stored async for stored in store.scan(now=now)]
        assert sorted(stored.chat_id for stored in found) == sorted(chat_ids)
        assert all(stored.chat_id == f"chat-{int(stored.body)}" for stored in found)
        assert await names(store, now, "ODD") == sorted(chat_ids[1::2])
        assert await names(store, now, "EVEN") == sorted(chat_ids[::2])
        assert await store.due(now=now, limit=10 * MANY) == chat_ids[::-1]
        assert await store.due(now=now, limit=150) == chat_ids[:-151:-1]

    async def test_a_scan_sees_each_once_while_they_are_committed(
        self, store: Store, now: float
    ) -> None:
        chat_ids = [f"chat-{place:03}" for place in range(300)]
        await asyncio.gather(*(put(store, chat_id, now) for chat_id in chat_ids))
        seen: Counter[str] = Counter()
        async for stored in store.scan(now=now):
            seen[stored.chat_id] += 1
            if sum(seen.values()) % 30 == 1:
                # One that was seen, and some that were not perhaps.
                await put(store, stored.chat_id, now, status="DONE", wake_at=now)
                for chat_id in chat_ids[:: 299 // 4]:
                    await put(store, chat_id, now, b"longer than before", status="DONE")
        assert seen == Counter(chat_ids)

    async def test_a_scan_may_be_left_early(self, store: Store, now: float) -> None:
        await asyncio.gather(*(put(store, f"chat-{place}", now) for place in range(50)))
        async for _ in store.scan(now=now):
            break
        await put(store, "a", now)
        scan = store.scan(now=now).__aiter__()
        await scan.__anext__()
        await put(store, "b", now, b"x" * 10_000)
        assert len(await names(store, now)) == 52
        assert len([stored async for stored in scan]) >= 50

    async def test_a_scan_goes_on_while_others_are_deleted(self, store: Store, now: float) -> None:
        kept = {f"kept-{place}" for place in range(100)}
        await asyncio.gather(*(put(store, chat_id, now) for chat_id in kept))
        await asyncio.gather(*(put(store, f"gone-{place}", now) for place in range(100)))
        seen: Counter[str] = Counter()
        async for stored in store.scan(now=now):
            if not seen:
                await asyncio.gather(*(store.delete(f"gone-{place}") for place in range(100)))
            seen[stored.chat_id] += 1
        assert set(seen.values()) == {1}
        assert kept <= set(seen)
        assert await names(store, now) == sorted(kept)

    async def test_a_lease_that_ran_out_is_no_hindrance_to_anything(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, b"x", wake_at=now)
        await take(store, "a", now)
        after = now + LEASE_S
        assert await store.due(now=after, limit=10) == ["a"]
        assert await names(store, after, "OPEN") == ["a"]
        assert (await put(store, "a", after, b"y")).revision == 2
