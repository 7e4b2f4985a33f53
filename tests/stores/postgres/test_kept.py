"""What a PostgresStore keeps, finds again, removes and refuses."""

import pytest

from dialogs.errors import UsageError
from tests.stores.postgres.turns import NOW, turn

DAY_S = 86_400.0


async def test_due_removes_what_has_expired_and_nobody_holds(store, table, database):
    for chat_id in ("gone", "held", "there", "for ever"):
        expires_at = {"there": NOW + 60, "for ever": None}.get(chat_id, NOW + 10)
        await turn(store, chat_id, expires_at=expires_at)
    await store.claim("held", now=NOW + 9, lease_s=30)
    await store.due(now=NOW + 10, limit=1)
    kept = database.execute(f'SELECT chat_id FROM "{table}" ORDER BY 1').fetchall()
    assert kept == [("for ever",), ("held",), ("there",)]


async def test_due_removes_a_hundred_at_a_time(store, table, database):
    database.execute(
        f'INSERT INTO "{table}" (chat_id, body, status, expires_at)'
        " SELECT n::text, '', 'OPEN', %s FROM generate_series(1, 250) AS n",
        [NOW],
    )
    counts = []
    for _ in range(4):
        await store.due(now=NOW, limit=10)
        counts.append(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])
    assert counts == [150, 50, 0, 0]


async def test_an_abandoned_claim_stays_for_a_late_commit_and_goes_after_a_day(
    store, table, database
):
    late = await store.claim("late", now=NOW, lease_s=30)
    await store.claim("abandoned", now=NOW, lease_s=30)
    await store.due(now=NOW + DAY_S, limit=10)
    await store.commit(late, b"late", now=NOW + DAY_S, status="OPEN")
    await store.due(now=NOW + DAY_S + 30, limit=10)
    assert database.execute(f'SELECT chat_id FROM "{table}"').fetchall() == [("late",)]


async def test_scanning_goes_on_where_a_batch_ended(store, table, database):
    # "098" is the hundredth, and the others follow it closely.
    close = {"098\x01", "098\x01\x01", "098\x01a", "098\t", "098 "}
    chat_ids = {"", *(f"{n:03}" for n in range(250)), *close, "\U0010ffff"}
    with database.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO \"{table}\" (chat_id, body, status) VALUES (%s, '', 'OPEN')",
            [(chat_id,) for chat_id in chat_ids],
        )
    for status in (None, "OPEN"):
        found = [stored.chat_id async for stored in store.scan(status, now=NOW)]
        assert len(found) == len(chat_ids)
        assert set(found) == chat_ids


async def test_scanning_holds_no_connection_between_batches(make):
    store = make(pool_size=1)
    await store.setup()
    await turn(store, "a")
    async for stored in store.scan(now=NOW):
        assert await store.load(stored.chat_id, now=NOW) == stored


@pytest.mark.parametrize("chat_id", ["nul \0", "half a pair \ud800"])
async def test_a_text_that_cannot_be_kept_is_refused_and_harms_nothing(make, database, chat_id):
    store = make(pool_size=1)
    await store.setup()
    for _ in range(3):
        with pytest.raises(UsageError, match="cannot keep what claim was given"):
            await store.claim(chat_id, now=NOW, lease_s=30)
        with pytest.raises(UsageError, match="cannot keep what load was given"):
            await store.load(chat_id, now=NOW)
        await turn(store, "a")
    query = "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    assert database.execute(query).fetchall() == []


async def test_a_chat_id_that_is_too_long_is_refused(store):
    with pytest.raises(UsageError, match="2,700 bytes"):
        await store.claim("".join(map(chr, range(0x4E00, 0x5A00))), now=NOW, lease_s=30)
    await turn(store, "".join(map(chr, range(0x4E00, 0x4E00 + 890))))
