import asyncio
import gc
import inspect
import os
from pathlib import Path

import pytest

from dialogs import (
    Corrupt,
    DialogStepDone,
    FilePersistence,
    InMemoryPersistence,
    LogError,
    PersistenceProvider,
    UnknownFormat,
    UsageError,
    call,
    dialog,
    get_client_response,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
    send_message,
    step_key,
)


async def awaited(runner, *args, **kwargs):
    """What a runner gives, awaited or not."""
    result = runner(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


each_runner = pytest.mark.parametrize(
    "runner", [run_gen_dialog, run_dialog, run_async_gen_dialog], ids=lambda fn: fn.__name__
)


@pytest.fixture
def kept():
    return InMemoryPersistence()


@dialog
def greet():
    yield send_message("Who is there?")
    name = yield get_client_response()
    yield send_message(f"Hello, {name}!")
    return name


# --- persistence ------------------------------------------------------------------------------


class Notebook:
    """Keeps a log, and notes what it was asked."""

    def __init__(self):
        self.log = None
        self.asked = []
        self.full = False

    def load(self):
        self.asked.append("load")
        return self.log

    def save(self, log):
        self.asked.append("save")
        if self.full:
            raise OSError(28, "No space left on device")
        self.log = log


class AsyncNotebook(Notebook):
    async def load(self):
        await asyncio.sleep(0)
        return super().load()

    async def save(self, log):
        await asyncio.sleep(0)
        super().save(log)


class HalfAsyncNotebook(AsyncNotebook):
    def load(self):
        return Notebook.load(self)


def test_the_providers_of_this_library_fit_the_protocol(tmp_path):
    for provider in [InMemoryPersistence(), FilePersistence(tmp_path / "a"), Notebook()]:
        assert isinstance(provider, PersistenceProvider)
    assert not isinstance(object(), PersistenceProvider)


@each_runner
async def test_a_turn_loads_once_and_saves_once(runner):
    kept = Notebook()
    await awaited(runner, greet(), kept, "")
    await awaited(runner, greet(), kept, "Ada")

    assert kept.asked == ["load", "save"] * 2
    assert type(kept.log) is bytes


@pytest.mark.parametrize("notebook", [Notebook, AsyncNotebook, HalfAsyncNotebook])
async def test_an_async_run_takes_sync_and_async_persistence(notebook):
    kept = notebook()

    assert not (await run_async_gen_dialog(greet(), kept, "")).is_done
    assert (await run_async_gen_dialog(greet(), kept, "Ada")).return_value == "Ada"
    assert kept.asked == ["load", "save"] * 2


@pytest.mark.parametrize("notebook", [AsyncNotebook, HalfAsyncNotebook])
@pytest.mark.parametrize("runner", [run_gen_dialog, run_dialog])
def test_a_sync_run_refuses_async_persistence(notebook, runner):
    kept = notebook()

    with pytest.raises(UsageError, match="run_async_gen_dialog"):
        runner(greet(), kept, "")
    gc.collect()

    assert kept.log is None


@each_runner
async def test_a_failed_turn_saves_nothing(runner):
    kept = Notebook()

    @dialog
    def order():
        yield send_message("hi")
        raise LookupError

    with pytest.raises(LookupError):
        await awaited(runner, order(), kept, "")
    assert kept.asked == ["load"]


@pytest.mark.parametrize(
    ("runner", "notebook"),
    [
        (run_gen_dialog, Notebook),
        (run_dialog, Notebook),
        (run_async_gen_dialog, Notebook),
        (run_async_gen_dialog, AsyncNotebook),
    ],
)
async def test_a_save_that_fails_is_raised_and_the_turn_can_be_given_again(runner, notebook):
    performed = []

    @dialog
    def order():
        item = yield get_client_response()
        yield call(performed.append, item)
        yield send_message(f"One {item}.")

    kept = notebook()
    await awaited(runner, order(), kept, "")
    kept.full = True

    with pytest.raises(OSError, match="No space left"):
        await awaited(runner, order(), kept, "tea")

    kept.full = False
    assert await awaited(runner, order(), kept, "tea") == DialogStepDone(None, ["One tea."])
    assert performed == ["tea", "tea"]


@each_runner
async def test_a_load_that_fails_is_raised(runner):
    class Broken(Notebook):
        def load(self):
            raise ConnectionError("no database")

    with pytest.raises(ConnectionError, match="no database"):
        await awaited(runner, greet(), Broken(), "")


@each_runner
@pytest.mark.parametrize("bytes_type", [bytes, bytearray, memoryview])
async def test_a_database_may_give_its_bytes_in_a_type_of_its_own(runner, bytes_type):
    kept = Notebook()
    await awaited(runner, greet(), kept, "")
    kept.log = bytes_type(kept.log)

    assert (await awaited(runner, greet(), kept, "Ada")).return_value == "Ada"
    kept.log = bytes_type(kept.log)
    assert (await awaited(runner, greet(), kept, "")).return_value == "Ada"


@each_runner
@pytest.mark.parametrize(
    ("log", "error"),
    [(b"", UnknownFormat), (b"{}", UnknownFormat), (b"\x80\x04K\x05." * 9, UnknownFormat)],
)
async def test_bytes_that_are_no_log_are_an_error_and_are_kept(runner, log, error):
    kept = Notebook()
    kept.log = log

    with pytest.raises(error):
        await awaited(runner, greet(), kept, "")
    assert kept.log == log


@each_runner
async def test_a_damaged_log_is_an_error_even_with_a_fallback(kept, runner):
    await awaited(runner, greet(), kept, "")
    kept.log = kept.log[:-1] + bytes([kept.log[-1] ^ 1])

    with pytest.raises(Corrupt):
        await awaited(runner, greet(), kept, "Ada", send_message("We lost your conversation."))


def test_a_conversation_in_memory_may_start_from_a_log(kept):
    run_gen_dialog(greet(), kept, "")

    assert run_gen_dialog(greet(), InMemoryPersistence(kept.log), "Ada").return_value == "Ada"


# --- a conversation's id ----------------------------------------------------------------------


@each_runner
async def test_the_id_is_given_or_else_the_persistences(runner):
    class Numbered(Notebook):
        conversation_id = "row 7"

    async def id_of(persistence, **kwargs):
        result = await awaited(runner, call(step_key), persistence, "", **kwargs)
        return result.return_value.partition("/")[0]

    assert await id_of(Numbered()) == "row 7"
    assert await id_of(Numbered(), conversation_id="row 8") == "row 8"
    assert await id_of(Notebook(), conversation_id="") == ""
    with pytest.raises(UsageError, match="conversation_id"):
        await id_of(Notebook())


# --- files ------------------------------------------------------------------------------------


@each_runner
async def test_a_conversation_survives_in_a_file(tmp_path, runner):
    path = tmp_path / "deep" / "er" / "web:42.log"

    assert (await awaited(runner, greet(), FilePersistence(path), "")).messages
    result = await awaited(runner, greet(), FilePersistence(str(path)), "Ada")

    assert result == DialogStepDone("Ada", ["Hello, Ada!"])
    assert [each.name for each in path.parent.iterdir()] == ["web:42.log"]


def test_a_missing_file_is_a_conversation_that_has_not_started(tmp_path):
    kept = FilePersistence(tmp_path / "none" / "a.log")

    assert kept.load() is None
    assert not kept.path.parent.exists()


def test_an_empty_file_is_no_conversation_that_has_not_started(tmp_path):
    path = tmp_path / "a.log"
    path.touch()

    with pytest.raises(LogError):
        run_gen_dialog(greet(), FilePersistence(path), "")
    assert path.read_bytes() == b""


def test_a_file_that_is_no_log_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Buy milk.")

    with pytest.raises(LogError):
        run_gen_dialog(greet(), FilePersistence(path), "")
    assert path.read_text() == "Buy milk."


@pytest.mark.parametrize("call_that_crashes", ["fsync", "replace"])
@pytest.mark.parametrize("crash", [OSError(5, "I/O error"), KeyboardInterrupt()])
def test_a_crash_while_saving_leaves_the_old_log(tmp_path, monkeypatch, call_that_crashes, crash):
    kept = FilePersistence(tmp_path / "a.log")
    run_gen_dialog(greet(), kept, "")
    before = kept.load()

    def crashes(*args, **kwargs):
        raise crash

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crashes) if call_that_crashes == "fsync" else None
        patch.setattr(Path, "replace", crashes) if call_that_crashes == "replace" else None
        patch.setattr(os, "replace", crashes) if call_that_crashes == "replace" else None
        with pytest.raises(type(crash)):
            run_gen_dialog(greet(), kept, "Ada")

    assert kept.load() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.log"]
    assert run_gen_dialog(greet(), kept, "Ada").return_value == "Ada"


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    """The file's bytes are looked at each time that something is written."""
    kept = FilePersistence(tmp_path / "a.log")
    kept.save(b"old" * 1000)
    found = []
    fsync = os.fsync

    def look(*args):
        found.append(kept.load())
        fsync(*args)

    monkeypatch.setattr(os, "fsync", look)
    kept.save(b"new" * 1000)

    assert b"old" * 1000 in found
    assert set(found) <= {b"old" * 1000, b"new" * 1000}
    assert kept.load() == b"new" * 1000


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    folder = tmp_path / "a.log"
    folder.mkdir()

    with pytest.raises(OSError, match=r"a\.log"):
        run_gen_dialog(greet(), FilePersistence(folder), "")


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    kept = FilePersistence(tmp_path / "file" / "a.log")

    with pytest.raises(OSError, match="file"):
        run_gen_dialog(greet(), kept, "")


def test_permissions_are_an_error_and_not_a_new_conversation(tmp_path, monkeypatch):
    kept = FilePersistence(tmp_path / "a.log")
    run_gen_dialog(greet(), kept, "")

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    monkeypatch.setattr(Path, "open", denied)

    with pytest.raises(PermissionError):
        run_gen_dialog(greet(), kept, "Ada")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.log"
    kept = FilePersistence(path)
    kept.save(b"old")
    path.chmod(0o640)

    kept.save(b"new")

    assert path.stat().st_mode & 0o777 == 0o640
