"""Contents: any bytes, any chat id, any moment, kept exactly."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import asyncio

import pytest

from dialogs.stores.base import Store, Stored
from dialogs.testing.store_suite.claims import HOUR_S
from dialogs.testing.store_suite.steps import names, put, scanned, take

BODIES = {
    "empty": b"",
    "every byte": bytes(range(256)),
    "zeros": bytes(1_000),
    "text that looks like a number": b"-1",
    "no UTF-8": b"\xff\xfe\x80",
    "line ends": b"\r\n\n\r",
    "a mebibyte": bytes(range(256)) * 4_096,
}

# Every one a chat id of its own, however alike some of them look.
CHAT_IDS = [
    "",
    " ",
    "a",
    "A",
    "a ",
    " a",
    "a:b",
    "a:b:c",
    "a/b",
    "../a",
    "{a}",
    "{}",
    "}{",
    "{a}b",
    "a%",
    "a_",
    "%s",
    "%(a)s",
    "$1",
    "$set",
    "a.b",
    "*",
    "?",
    "[a]",
    "'",
    '"',
    "\\",
    "'; DROP TABLE conversations; --",
    "line\nend",
    "tab\tstop",
    "\x01\x1f\x7f",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "e\N{COMBINING ACUTE ACCENT}",
    "\N{LATIN SMALL LETTER SHARP S}",
    "ss",
    "\N{CJK UNIFIED IDEOGRAPH-5B57}\N{GRINNING FACE}",
    "\N{ZERO WIDTH SPACE}",
    "\N{HEBREW LETTER ALEF}",
    "0",
    "00",
    "-1",
    "None",
    "null",
    "x" * 255,
    "x" * 254 + "y",
    "\N{GRINNING FACE}" * 255,
]


class Contents:
    """What is kept comes back as it was."""

    @pytest.mark.parametrize("name", BODIES)
    async def test_a_body_of_any_bytes_comes_back(
        self, store: Store, now: float, name: str
    ) -> None:
        body = BODIES[name]
        await put(store, "a", now, body)
        [found] = await scanned(store, now)
        loaded = await store.load("a", now=now)
        assert loaded is not None
        claim = await take(store, "a", now)
        for seen in (loaded.body, found.body, claim.body):
            assert type(seen) is bytes
            # A difference in a mebibyte takes minutes to show.
            assert seen == body or pytest.fail(f"the body '{name}' came back changed")

    async def test_a_body_may_shrink_to_nothing_and_is_still_there(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, b"something")
        await put(store, "a", now, b"")
        claim = await take(store, "a", now)
        assert (claim.body, claim.revision) == (b"", 2)
        await store.release(claim)
        assert await store.load("a", now=now) == Stored("a", b"", 2, "OPEN", None, None)
        assert await store.delete("a") is True

    async def test_chat_ids_of_any_text_name_conversations_of_their_own(
        self, store: Store, now: float
    ) -> None:
        bodies = {chat_id: str(place).encode() for place, chat_id in enumerate(CHAT_IDS)}
        for place, chat_id in enumerate(CHAT_IDS):
            await put(store, chat_id, now, bodies[chat_id], wake_at=now - place)
        found = await scanned(store, now)
        assert {stored.chat_id: stored.body for stored in found} == bodies
        assert len(found) == len(CHAT_IDS)
        assert await store.due(now=now, limit=100) == CHAT_IDS[::-1]
        for chat_id in CHAT_IDS:
            claim = await take(store, chat_id, now)
            assert (claim.chat_id, claim.body) == (chat_id, bodies[chat_id])
            loaded = await store.load(chat_id, now=now)
            assert loaded is not None
            assert (loaded.chat_id, loaded.body) == (chat_id, bodies[chat_id])

    async def test_deleting_by_any_chat_id_deletes_that_one(self, store: Store, now: float) -> None:
        await asyncio.gather(*(put(store, chat_id, now) for chat_id in CHAT_IDS))
        kept = set(CHAT_IDS)
        for chat_id in CHAT_IDS:
            assert await store.delete(chat_id)
            kept.remove(chat_id)
        assert await names(store, now) == sorted(kept)

    @pytest.mark.parametrize("past", [0.1, 0.123456, 1 / 3, 0.999999])
    async def test_times_come_back_as_they_were_given(
        self, store: Store, now: float, past: float
    ) -> None:
        wake_at, expires_at = now + past, now + HOUR_S + past
        await put(store, "a", now, wake_at=wake_at, expires_at=expires_at)
        loaded = await store.load("a", now=now)
        assert loaded is not None
        assert (loaded.wake_at, loaded.expires_at) == (wake_at, expires_at)
        assert await scanned(store, now) == [loaded]

    async def test_times_may_be_whole_numbers(self, store: Store, now: float) -> None:
        whole = int(now)
        await put(store, "a", whole, wake_at=whole + 1, expires_at=whole + 3_600)
        assert await store.due(now=whole + 1, limit=1) == ["a"]
        assert await store.load("a", now=whole + 3_600) is None

    async def test_statuses_are_any_text(self, store: Store, now: float) -> None:
        statuses = ["WAITING_FOR_RESPONSE", "open", "OPEN", "a b", "a:b", "'", "%", "{}", "\xe9"]
        for place, status in enumerate(statuses):
            await put(store, str(place), now, status=status)
        for place, status in enumerate(statuses):
            [found] = await scanned(store, now, status)
            assert (found.chat_id, found.status) == (str(place), status)

    async def test_a_load_sees_what_was_committed_whoever_holds_the_lease(
        self, store: Store, now: float
    ) -> None:
        await put(store, "a", now, b"one")
        claim = await take(store, "a", now)
        assert await store.load("a", now=now) == Stored("a", b"one", 1, "OPEN", None, None)
        await store.commit(claim, b"two", now=now, status="HELD", hold_s=30)
        assert await store.load("a", now=now) == Stored("a", b"two", 2, "HELD", None, None)
