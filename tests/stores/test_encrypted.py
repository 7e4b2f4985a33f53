"""Encrypted does what every store must, and nobody without the key reads what it keeps."""

import asyncio
import subprocess
import sys
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from dialogs.errors import Busy, CannotDecrypt, Conflict, StoreUnavailable, UsageError
from dialogs.stores.base import Claim, Stored
from dialogs.stores.encrypted import Encrypted, Rotation
from dialogs.stores.memory import MemoryStore
from dialogs.stores.redis import RedisStore
from dialogs.stores.sqlite import SQLiteStore
from dialogs.testing import StoreSuite
from tests.servers.redis import RedisServer

NOW = 1_000.0
ANSWER = b"my card number is 4111 1111 1111 1111"
OLD, NEW, THIRD = (Encrypted.generate_key() for _ in range(3))


class TestEncryptedMemory(StoreSuite):
    @pytest.fixture
    def store(self):
        return Encrypted(MemoryStore(), NEW)


class TestEncryptedSQLite(StoreSuite):
    @pytest.fixture
    async def store(self, tmp_path):
        store = Encrypted(SQLiteStore(tmp_path / "bot.db", timeout=60), [NEW, OLD])
        await store.setup()
        yield store
        await store.close()

    @pytest.fixture
    def reopen(self, store, tmp_path):
        return lambda: Encrypted(SQLiteStore(tmp_path / "bot.db", timeout=60), NEW)


async def put(store, chat_id, body=ANSWER, *, status="OPEN", **times):
    claim = await store.claim(chat_id, now=NOW, lease_s=30)
    return await store.commit(claim, body, now=NOW, status=status, **times)


async def body_of(store, chat_id):
    return (await store.load(chat_id, now=NOW)).body


@pytest.fixture
def inner():
    return MemoryStore()


# ------------------------------------------------------------------------------- what is stored


async def test_the_inner_store_never_gets_the_answers(inner):
    await put(Encrypted(inner, NEW), "a", ANSWER * 100)
    stored = await body_of(inner, "a")
    assert b"4111 1111" not in stored
    # All of it, bit by bit: encrypted bytes do not get shorter.
    assert len(zlib.compress(stored)) > len(ANSWER) * 100


async def test_equal_bodies_are_stored_as_different_bytes(inner):
    store = Encrypted(inner, NEW)
    await put(store, "a")
    first = await body_of(inner, "a")
    await put(store, "a")
    assert first != await body_of(inner, "a")


@given(body=st.binary(max_size=300), chat_id=st.text(max_size=20))
def test_what_is_stored_is_little_longer_than_the_body(body, chat_id):
    inner = MemoryStore()
    asyncio.run(put(Encrypted(inner, NEW), chat_id, body))
    stored = asyncio.run(body_of(inner, chat_id))
    assert len(stored) <= len(body) + len(chat_id.encode()) + 77
    assert asyncio.run(body_of(Encrypted(inner, NEW), chat_id)) == body


async def test_what_finds_a_conversation_stays_readable(inner):
    await put(Encrypted(inner, NEW), "a", status="DONE", wake_at=NOW, expires_at=NOW + 60)
    found = await inner.load("a", now=NOW)
    assert found == Stored("a", found.body, 1, "DONE", NOW, NOW + 60)


async def test_claims_are_passed_to_the_inner_store_without_the_answers():
    passed = []

    class Watching(MemoryStore):
        async def commit(self, claim, body, **options):
            passed.append((claim, body))
            return await super().commit(claim, body, **options)

        async def release(self, claim):
            passed.append((claim, b""))
            await super().release(claim)

    store = Encrypted(Watching(), NEW)
    await put(store, "a")
    claim = await store.claim("a", now=NOW, lease_s=30)
    assert claim == Claim("a", ANSWER, 1, claim.token)
    held = await store.commit(claim, ANSWER, now=NOW, status="OPEN", hold_s=30)
    await store.release(held)
    assert len(passed) == 3
    assert ANSWER not in repr(passed).encode()
    assert [claim.body is None for claim, _ in passed] == [True, False, False]


@pytest.fixture(params=["sqlite", "redis"])
def on_disk(request, tmp_path):
    """A store whose database keeps what it has in `tmp_path`."""
    if request.param == "sqlite":
        yield SQLiteStore(tmp_path / "bot.db", timeout=60)
    else:
        with RedisServer(tmp_path) as server:
            yield RedisStore(server.url, timeout=60)


def everything_in(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_no_answer_is_in_the_files_of_the_database(on_disk, tmp_path, encrypted):
    """The same search finds the answers in the clear, so this test can fail."""
    store = Encrypted(on_disk, NEW) if encrypted else on_disk
    await store.setup()
    for place in range(30):
        await put(store, f"chat-{place}", ANSWER)
    while_open = everything_in(tmp_path)
    for place in range(0, 30, 2):
        await put(store, f"chat-{place}", b"a second answer")
        await store.delete(f"chat-{place + 1}")
    await store.close()
    for everything in (while_open, everything_in(tmp_path)):
        assert b"chat-0" in everything
        found = [word for word in (b"4111 1111", b"card number", b"answer") if word in everything]
        assert bool(found) is not encrypted


async def test_the_write_ahead_log_is_among_the_files_that_were_read(tmp_path):
    store = Encrypted(SQLiteStore(tmp_path / "bot.db", timeout=60), NEW)
    await put(store, "a")
    assert (tmp_path / "bot.db-wal").stat().st_size > 0
    await store.close()


# ------------------------------------------------------------------------------ what is refused


def refusals(store, chat_id="a"):
    """The calls that read a conversation."""

    async def scan():
        return [found async for found in store.scan(now=NOW)]

    return [
        lambda: store.load(chat_id, now=NOW),
        lambda: store.claim(chat_id, now=NOW, lease_s=30),
        scan,
    ]


async def refused(store, chat_id="a"):
    """The error that every way of reading a conversation raises."""
    texts = set()
    for read in refusals(store, chat_id):
        with pytest.raises(CannotDecrypt) as caught:
            await read()
        assert caught.value.chat_id == chat_id
        texts.add(str(caught.value))
    [text] = texts
    return text


async def test_another_key_is_refused(inner):
    await put(Encrypted(inner, OLD), "a")
    text = await refused(Encrypted(inner, NEW))
    assert "'a' cannot be decrypted: the key does not open it" in text
    assert "Encrypted(store, [new, old])" in text
    assert "none of the 2 keys" in await refused(Encrypted(inner, [NEW, THIRD]))


@pytest.mark.parametrize("body", [b"", ANSWER, b"\x00", b"DLG\x01"])
async def test_what_is_not_encrypted_is_refused(inner, body):
    await put(inner, "a", body)
    assert "'a' cannot be decrypted: it is not encrypted" in await refused(Encrypted(inner, NEW))


async def test_the_body_of_another_conversation_is_refused(inner):
    store = Encrypted(inner, NEW)
    await put(store, "a", b"admin: no")
    await put(store, "b", b"admin: yes")
    bodies = {chat_id: await body_of(inner, chat_id) for chat_id in "ab"}
    await put(inner, "a", bodies["b"])
    await put(inner, "b", bodies["a"])
    for chat_id in "ab":
        with pytest.raises(CannotDecrypt, match="for another conversation"):
            await store.load(chat_id, now=NOW)
        with pytest.raises(CannotDecrypt, match="for another conversation"):
            await store.claim(chat_id, now=NOW, lease_s=30)


@pytest.mark.parametrize(("one", "other"), [("a", "ab"), ("ab", "a"), ("", "a"), ("\x00", "")])
async def test_chat_ids_that_begin_alike_are_told_apart(inner, one, other):
    await put(Encrypted(inner, NEW), one, b"b" * 10)
    await put(inner, other, await body_of(inner, one))
    with pytest.raises(CannotDecrypt):
        await Encrypted(inner, NEW).load(other, now=NOW)


async def test_a_chat_id_that_no_encoding_knows_is_bound_too(inner):
    store = Encrypted(inner, NEW)
    await put(store, "\ud800")
    assert await body_of(store, "\ud800") == ANSWER


async def test_every_changed_bit_and_every_cut_is_refused(inner):
    store = Encrypted(inner, NEW)
    await put(store, "a", b"yes")
    whole = await body_of(inner, "a")
    changed = [whole[:length] for length in range(len(whole))]
    changed += [whole + b"\x00", whole + whole, whole[1:]]
    for place in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            changed.append(bytes(flipped))
    for body in changed:
        await put(inner, "a", body)
        with pytest.raises(CannotDecrypt):
            await store.load("a", now=NOW)
    await put(inner, "a", whole)
    assert await body_of(store, "a") == b"yes"


async def test_a_refused_claim_gives_the_lease_back(inner):
    await put(Encrypted(inner, OLD), "a")
    with pytest.raises(CannotDecrypt):
        await Encrypted(inner, NEW).claim("a", now=NOW, lease_s=30)
    assert (await Encrypted(inner, OLD).claim("a", now=NOW, lease_s=30)).body == ANSWER


async def test_a_refused_claim_is_told_even_where_the_lease_cannot_be_given_back(inner):
    class Unreleasing(MemoryStore):
        async def release(self, claim):
            raise StoreUnavailable("Unreleasing()", "release", "it is down")

    inner = Unreleasing()
    await put(inner, "a")
    with pytest.raises(CannotDecrypt):
        await Encrypted(inner, NEW).claim("a", now=NOW, lease_s=30)


async def test_what_cannot_be_decrypted_does_not_hide_the_others_of_a_scan(inner):
    store = Encrypted(inner, NEW)
    for place in range(6):
        await put(store if place % 2 else inner, f"chat-{place}")
    seen = []

    async def scan():
        async for found in store.scan(now=NOW):
            seen.append(found)  # noqa: PERF401 - what comes before the error is kept

    with pytest.raises(CannotDecrypt) as caught:
        await scan()
    assert [found.chat_id for found in seen] == ["chat-1", "chat-3", "chat-5"]
    assert {found.body for found in seen} == {ANSWER}
    assert caught.value.chat_id == "chat-0"


async def test_what_cannot_be_decrypted_can_be_found_due_and_deleted(inner):
    await put(inner, "a", wake_at=NOW)
    store = Encrypted(inner, NEW)
    assert await store.due(now=NOW, limit=10) == ["a"]
    assert await store.delete("a")
    assert await store.load("a", now=NOW) is None


# ----------------------------------------------------------------------------------------- keys


async def test_older_keys_still_read_and_the_first_one_writes(inner):
    await put(Encrypted(inner, OLD), "a", b"one")
    both = Encrypted(inner, [NEW, OLD])
    assert await body_of(both, "a") == b"one"
    claim = await both.claim("a", now=NOW, lease_s=30)
    await both.commit(claim, claim.body + b" two", now=NOW, status="OPEN")
    assert await body_of(Encrypted(inner, NEW), "a") == b"one two"
    with pytest.raises(CannotDecrypt):
        await Encrypted(inner, OLD).load("a", now=NOW)


async def test_keys_may_be_text_or_bytes_one_or_several(inner):
    await put(Encrypted(inner, NEW.encode()), "a")
    for keys in (NEW, NEW.encode(), [NEW], (OLD, NEW.encode()), iter([OLD, NEW])):
        assert await body_of(Encrypted(inner, keys), "a") == ANSWER


def test_every_generated_key_is_another_one():
    keys = {Encrypted.generate_key() for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {44}


@pytest.mark.parametrize("wrong", ["s3cret", "", b"s3cret" * 8, "s3cret" * 7 + "==", None, 7])
def test_what_is_no_key_is_refused_by_its_place_and_not_shown(wrong):
    with pytest.raises(UsageError, match=r"keys\[1\] of Encrypted is not a Fernet key") as caught:
        Encrypted(MemoryStore(), [NEW, wrong])
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_no_keys_are_refused():
    with pytest.raises(UsageError, match="got no keys"):
        Encrypted(MemoryStore(), [])


def test_no_key_is_shown(inner):
    store = Encrypted(inner, [NEW, OLD])
    assert repr(store) == f"Encrypted({inner!r})"
    assert NEW not in str(vars(store))


# ------------------------------------------------------------------------------------- rotation


def clock():
    return NOW


async def test_a_rotation_puts_all_under_the_first_key_and_keeps_what_is_beside(inner):
    for place in range(5):
        await put(
            Encrypted(inner, OLD if place < 3 else NEW),
            f"chat-{place}",
            str(place).encode(),
            status=f"S{place}",
            wake_at=NOW + place,
            expires_at=NOW + 60 + place,
        )
    before = [found async for found in Encrypted(inner, [NEW, OLD]).scan(now=NOW)]
    rotation = await Encrypted(inner, [NEW, OLD]).rotate(clock=clock)
    assert rotation == Rotation(rewritten=3, current=2, busy=0, unreadable=())
    after = [found async for found in Encrypted(inner, NEW).scan(now=NOW)]
    assert [replace(found, revision=1) for found in after] == before
    assert [found.revision for found in after] == [2, 2, 2, 1, 1]
    again = await Encrypted(inner, [NEW, OLD]).rotate(clock=clock)
    assert again == Rotation(rewritten=0, current=5, busy=0, unreadable=())


async def test_a_rotation_leaves_busy_conversations_to_the_next_one(inner):
    await put(Encrypted(inner, OLD), "a")
    await put(Encrypted(inner, OLD), "b")
    store = Encrypted(inner, [NEW, OLD])
    held = await store.claim("a", now=NOW, lease_s=30)
    assert await store.rotate(clock=clock) == Rotation(1, 0, 1, ())
    await store.release(held)
    assert await store.rotate(clock=clock) == Rotation(1, 1, 0, ())


async def test_a_rotation_names_what_it_cannot_read_and_leaves_it(inner):
    await put(Encrypted(inner, THIRD), "lost key")
    await put(inner, "plain")
    await put(Encrypted(inner, NEW), "moved")
    await put(inner, "other", await body_of(inner, "moved"))
    await put(Encrypted(inner, OLD), "good")
    before = {chat_id: await body_of(inner, chat_id) for chat_id in ("lost key", "plain", "other")}
    rotation = await Encrypted(inner, [NEW, OLD]).rotate(clock=clock)
    assert rotation == Rotation(1, 1, 0, ("lost key", "plain", "other"))
    for chat_id, body in before.items():
        assert await body_of(inner, chat_id) == body
        assert (await inner.claim(chat_id, now=NOW, lease_s=30)).body == body


class Interfering(MemoryStore):
    """Lets something happen just before a claim, as another process would."""

    meanwhile = None

    async def claim(self, chat_id, *, now, lease_s):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await super().claim(chat_id, now=now, lease_s=lease_s)


async def rotated_while(inner, meanwhile):
    await put(Encrypted(inner, OLD), "a", b"seen", wake_at=NOW + 1)
    inner.meanwhile = meanwhile
    return await Encrypted(inner, [NEW, OLD]).rotate(clock=clock)


async def test_a_turn_between_the_scan_and_the_claim_is_not_undone():
    inner = Interfering()

    async def turn():
        await put(Encrypted(inner, OLD), "a", b"newer", status="NEWER", wake_at=NOW + 2)

    assert await rotated_while(inner, turn) == Rotation(1, 0, 0, ())
    found = await Encrypted(inner, NEW).load("a", now=NOW)
    assert found == Stored("a", b"newer", 3, "NEWER", NOW + 2, None)


async def test_a_turn_that_took_the_new_key_by_itself_is_left_alone():
    inner = Interfering()

    async def turn():
        await put(Encrypted(inner, [NEW, OLD]), "a", b"newer")

    assert await rotated_while(inner, turn) == Rotation(0, 1, 0, ())
    found = await Encrypted(inner, NEW).load("a", now=NOW)
    assert (found.body, found.revision) == (b"newer", 2)
    assert (await inner.claim("a", now=NOW, lease_s=30)).revision == 2


async def test_what_is_deleted_meanwhile_is_not_brought_back():
    inner = Interfering()
    assert await rotated_while(inner, lambda: inner.delete("a")) == Rotation(0, 0, 0, ())
    assert await inner.load("a", now=NOW) is None
    assert (await inner.claim("a", now=NOW, lease_s=30)).revision == 0


async def test_what_becomes_unreadable_meanwhile_is_named_and_not_held():
    inner = Interfering()
    rotation = await rotated_while(inner, lambda: put(inner, "a", b"plain"))
    assert rotation == Rotation(0, 0, 0, ("a",))
    assert (await inner.claim("a", now=NOW, lease_s=30)).body == b"plain"


async def test_a_rotation_whose_lease_is_lost_writes_nothing():
    class Losing(MemoryStore):
        async def commit(self, claim, body, **options):
            if (await self.load("a", now=NOW)) is not None:
                raise Conflict(claim.chat_id, claim.revision)
            return await super().commit(claim, body, **options)

    inner = Losing()
    await put(Encrypted(inner, OLD), "a")
    assert await Encrypted(inner, [NEW, OLD]).rotate(clock=clock) == Rotation(0, 0, 1, ())
    assert await body_of(Encrypted(inner, OLD), "a") == ANSWER


async def test_a_rotation_goes_by_the_real_time_where_it_is_given_no_clock(inner):
    await put(Encrypted(inner, OLD), "expired", expires_at=NOW + 1)
    await put(Encrypted(inner, OLD), "a")
    assert await Encrypted(inner, [NEW, OLD]).rotate() == Rotation(1, 0, 0, ())


async def test_a_rotation_runs_beside_turns(tmp_path):
    inner = SQLiteStore(tmp_path / "bot.db", timeout=60)
    store = Encrypted(inner, [NEW, OLD])
    await store.setup()
    names = [f"chat-{place}" for place in range(20)]
    for name in names:
        await put(Encrypted(inner, OLD), name, b"0")

    async def converse(name):
        for _ in range(5):
            while True:
                try:
                    claim = await store.claim(name, now=NOW, lease_s=30)
                except Busy:
                    await asyncio.sleep(0)
                else:
                    break
            count = str(int(claim.body) + 1).encode()
            await store.commit(claim, count, now=NOW, status="OPEN")

    rotations = store.rotate(clock=clock)
    rotation, *_ = await asyncio.gather(rotations, *(converse(name) for name in names))
    assert rotation.unreadable == ()
    assert {found.body async for found in Encrypted(inner, NEW).scan(now=NOW)} == {b"5"}
    await store.close()


# -------------------------------------------------------------------------------- missing extra


def test_without_cryptography_the_store_says_what_to_install():
    code = (
        "import sys\n"
        "sys.modules['cryptography'] = None\n"
        "from dialogs.errors import UsageError\n"
        "from dialogs.stores import Encrypted, MemoryStore\n"
        "for use in (Encrypted.generate_key, lambda: Encrypted(MemoryStore(), 'key')):\n"
        "    try:\n"
        "        use()\n"
        "    except UsageError as error:\n"
        "        print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.count('pip install "resumable-dialogs[encrypted]"') == 2
