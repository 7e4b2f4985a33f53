"""SQLiteStore does what every store must, and keeps its own promises about the file."""

import asyncio
import contextlib
import sqlite3
import stat
from datetime import timedelta

import pytest

from dialogs.errors import StoreUnavailable, UsageError
from dialogs.stores.sqlite import SQLiteStore
from dialogs.testing import StoreSuite

NOW = 1_000.0


class TestSQLiteStore(StoreSuite):
    @pytest.fixture
    async def store(self, store):
        return store

    @pytest.fixture
    def reopen(self, store, path):
        return lambda: SQLiteStore(path, timeout=60)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "conversations.db"


@pytest.fixture
async def store(path):
    store = SQLiteStore(path, timeout=60)
    yield store
    await store.close()


@pytest.fixture
def statements(monkeypatch):
    """What SQLite is told, on connections that are opened from now on."""
    told = []
    connect = sqlite3.connect

    def traced(*args, **options):
        connection = connect(*args, **options)
        connection.set_trace_callback(lambda text: told.append(" ".join(text.split())))
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return told


async def put(store, chat_id, body=b"body", now=NOW, **options):
    claim = await store.claim(chat_id, now=now, lease_s=30)
    return await store.commit(claim, body, now=now, status="OPEN", **options)


def rows(path, query="SELECT chat_id FROM dialogs_conversations ORDER BY chat_id"):
    """What another program sees in the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


# ------------------------------------------------------------------------------- the file


@pytest.mark.parametrize("path", [":memory:", ""])
def test_a_path_that_keeps_nothing_is_refused_and_memory_store_named(path):
    with pytest.raises(UsageError, match=r"MemoryStore\(\)"):
        SQLiteStore(path)


def test_an_old_sqlite_is_refused(monkeypatch, path):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(UsageError, match=r"SQLite 3\.35 or newer"):
        SQLiteStore(path)


async def test_nothing_is_opened_before_the_first_use(path):
    store = SQLiteStore(path)
    await store.close()
    assert not path.parent.exists()


async def test_the_path_may_be_text_and_is_kept_when_the_folder_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = SQLiteStore("bot.db", timeout=timedelta(seconds=5))
    monkeypatch.chdir("/")
    await store.setup()
    await store.close()
    assert (tmp_path / "bot.db").exists()


async def test_a_new_file_is_for_its_owner_only(store, path):
    await put(store, "a")
    files = list(path.parent.iterdir())
    assert {file.name for file in files} == {path.name + end for end in ("", "-wal", "-shm")}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_file_that_is_there_keeps_its_permissions(store, path):
    path.parent.mkdir()
    path.touch()
    path.chmod(0o640)
    await put(store, "a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


async def test_the_file_may_have_tables_of_your_own(store, path):
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE conversations (mine TEXT)")
        connection.execute("INSERT INTO conversations VALUES ('kept')")
        connection.commit()
    await put(store, "a")
    assert rows(path, "SELECT mine FROM conversations") == [("kept",)]


async def test_a_closed_store_opens_again_when_it_is_used_again(store):
    await put(store, "a", b"one")
    await store.close()
    assert (await put(store, "a", b"two")).revision == 2


def test_a_store_serves_several_event_loops(path):
    store = SQLiteStore(path)
    for count in range(1, 4):
        assert asyncio.run(put(store, "a")).revision == count
    asyncio.run(store.close())


# -------------------------------------------------------------------------- transactions


async def test_a_commit_waits_for_the_disk_and_a_claim_does_not(statements, store):
    await put(store, "a")
    claim = next(i for i, text in enumerate(statements) if text.startswith("INSERT INTO"))
    commit = next(i for i, text in enumerate(statements) if text.startswith("UPDATE"))
    assert [text for text in statements[:claim] if "synchronous" in text] == [
        "PRAGMA synchronous = NORMAL"
    ]
    assert statements[claim + 1 : commit] == [
        "COMMIT",
        "PRAGMA synchronous = FULL",
        "BEGIN IMMEDIATE",
    ]


async def test_commits_that_come_at_once_share_one_transaction(statements, store):
    claims = [await store.claim(str(i), now=NOW, lease_s=30) for i in range(50)]
    statements.clear()
    await asyncio.gather(*(store.commit(c, b"x", now=NOW, status="OPEN") for c in claims))
    assert sum(text.startswith("UPDATE") for text in statements) == 50
    # The first one may go alone, while the others queue up; seldom a few more do.
    assert statements.count("COMMIT") < 25


async def test_a_value_that_sqlite_cannot_keep_fails_alone(store):
    calls = [put(store, chat_id) for chat_id in ("a", "\ud800", "b")]
    a, bad, b = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(bad, UnicodeEncodeError)
    assert (a.revision, b.revision) == (1, 1)


async def test_a_full_disk_is_said_and_stops_only_what_has_no_room(monkeypatch, store):
    await put(store, "a")
    await store.close()
    connect = sqlite3.connect

    def small(*args, **options):
        connection = connect(*args, **options)
        connection.execute("PRAGMA max_page_count = 40")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", small)
        bodies = {"a": b"small", "b": bytes(1_000_000), "c": b"small"}
        done = await asyncio.gather(
            *(put(store, chat_id, body) for chat_id, body in bodies.items()),
            return_exceptions=True,
        )
        assert [type(each).__name__ for each in done] == ["Claim", "StoreUnavailable", "Claim"]
        assert (done[1].operation, done[1].reason) == ("commit", "database or disk is full")
        assert "Make room on the disk" in str(done[1])
        await store.close()
    # There is room again.
    assert (await put(store, "b", bodies["b"], NOW + 30)).revision == 1


async def test_expired_conversations_are_removed_when_the_due_are_asked_for(store, path):
    await asyncio.gather(*(put(store, f"{i:03}", expires_at=NOW + 60) for i in range(130)))
    held = await store.claim("000", now=NOW + 50, lease_s=30)
    await put(store, "kept")
    await store.due(now=NOW + 60, limit=1)
    assert len(rows(path)) == 31
    await store.due(now=NOW + 60, limit=1)
    assert rows(path) == [("000",), ("kept",)]
    await store.release(held)
    await store.due(now=NOW + 60, limit=1)
    assert rows(path) == [("kept",)]


async def test_a_claim_whose_worker_was_lost_is_removed_after_a_day(store, path):
    await store.claim("a", now=NOW, lease_s=30)
    await store.due(now=NOW + 86_000, limit=1)
    assert rows(path) == [("a",)]
    await store.due(now=NOW + 86_430, limit=1)
    assert rows(path) == []


# --------------------------------------------------------------------------------- errors


async def refused(store, operation="claim"):
    with pytest.raises(StoreUnavailable) as caught:
        await store.claim("a", now=NOW, lease_s=30)
    assert caught.value.operation == operation
    assert caught.value.store == repr(store)
    return str(caught.value)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Not a database. " * 100)
    store = SQLiteStore(path)
    text = await refused(store)
    assert "file is not a database" in text
    assert "Give the path of an SQLite database" in text
    assert path.read_text() == "Not a database. " * 100
    # It goes on where the reason is gone.
    path.unlink()
    assert (await put(store, "a")).revision == 1
    await store.close()


@pytest.mark.parametrize("place", ["folder", "file/below.db"])
async def test_a_path_that_cannot_be_a_file_is_refused(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    store = SQLiteStore(tmp_path / place)
    assert "Let this process read and write the file" in await refused(store)
    await store.close()


async def test_a_path_that_no_system_takes_is_an_error_and_nobody_hangs(tmp_path):
    store = SQLiteStore(f"{tmp_path}/a\0b")
    for _ in range(2):
        with pytest.raises(ValueError, match="null"):
            await store.setup()
    await store.close()


async def test_a_lock_that_another_keeps_is_said_and_the_store_goes_on_after_it(path):
    store = SQLiteStore(path, timeout=0.05)
    await put(store, "b")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        text = await refused(store)
        assert "database is locked" in text
        assert "Another process keeps the file locked" in text
        # Reading needs no lock.
        assert (await store.load("b", now=NOW)).body == b"body"
    assert (await put(store, "a")).revision == 1
    await store.close()


async def test_what_only_reads_does_not_wait_with_what_writes(path):
    store = SQLiteStore(path, timeout=0.2)
    await put(store, "a")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = asyncio.ensure_future(store.claim("a", now=NOW, lease_s=30))
        many = [store.claim("b", now=NOW, lease_s=30), store.load("a", now=NOW)]
        _, refused, loaded = await asyncio.gather(first, *many, return_exceptions=True)
    assert isinstance(refused, StoreUnavailable)
    assert loaded.body == b"body"
    await store.close()


async def test_a_file_that_was_replaced_while_it_is_open_takes_nothing_more(store, path):
    claim = await put(store, "a")
    held = await store.claim("a", now=NOW, lease_s=30)
    path.rename(path.with_suffix(".old"))
    with pytest.raises(StoreUnavailable, match="moved, replaced or deleted") as caught:
        await store.commit(held, b"lost", now=NOW, status="S")
    assert "opens what is there by then" in str(caught.value)
    assert (await put(store, "a")).revision == claim.revision  # in the new file


async def test_waiting_for_a_lock_does_not_stop_the_event_loop(store, path):
    await store.setup()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(put(store, "a"))
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert not waiting.done()
    assert (await waiting).revision == 1


async def test_a_cancelled_claim_that_still_waits_is_not_taken(statements, store, path):
    await store.setup()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        statements.clear()
        first = asyncio.create_task(store.claim("first", now=NOW, lease_s=30))
        while "BEGIN IMMEDIATE" not in statements:  # noqa: ASYNC110 - a thread says it
            await asyncio.sleep(0.001)
        queued = asyncio.create_task(store.claim("queued", now=NOW, lease_s=30))
        await asyncio.sleep(0)
        queued.cancel()
        await asyncio.gather(queued, return_exceptions=True)
    await first
    await store.claim("queued", now=NOW, lease_s=30)


def test_the_name_in_errors_is_the_path_as_it_was_given():
    assert repr(SQLiteStore("bot.db")) == "SQLiteStore('bot.db')"
