import asyncio
import functools
import gc
import inspect
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trio

from dialogs import (
    AsyncInSyncRun,
    Corrupt,
    DialogStepDone,
    DialogStepNotDone,
    FilePersistence,
    InMemoryPersistence,
    LogError,
    NotAStep,
    NotSerializable,
    PersistenceProvider,
    UnknownFormat,
    UsageError,
    call,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    now,
    patched,
    randint,
    run,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
    send_message,
    step_key,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


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


# --- one turn after another -------------------------------------------------------------------


@each_runner
async def test_a_conversation_from_start_to_end(kept, runner):
    first = await awaited(runner, greet(), kept, "ignored")
    second = await awaited(runner, greet(), kept, "Ada")

    assert first == DialogStepNotDone(["Who is there?"])
    assert first.is_done is False
    assert second == DialogStepDone("Ada", ["Hello, Ada!"])
    assert second.is_done is True


@each_runner
async def test_the_first_response_answers_nothing(kept, runner):
    """Even one that the log could not keep."""
    assert not (await awaited(runner, get_client_response(), kept, object())).is_done
    assert (await awaited(runner, get_client_response(), kept, "x")).return_value == "x"


@each_runner
async def test_once_done_a_dialog_is_done_for_ever_and_silent(kept, runner):
    performed = []

    @dialog
    def order():
        yield call(performed.append, 1)
        yield send_message("Thank you!")
        return {"items": [1, (2, 3)]}

    done = await awaited(runner, order(), kept, "")
    log = kept.log

    for response in ["", "again", None, object()]:
        later = await awaited(runner, order(), kept, response)
        assert later == DialogStepDone({"items": [1, (2, 3)]}, [])
        assert type(later.return_value["items"][1]) is tuple
    assert done.messages == ["Thank you!"]
    assert performed == [1]
    assert kept.log == log


@each_runner
async def test_a_done_conversation_does_not_care_what_became_of_its_dialog(kept, runner):
    await awaited(runner, send_message("hi"), kept, "")

    @dialog(version="2")
    def other():
        yield send_message("never said")

    @dialog
    def fallback():
        yield send_message("never said either")

    assert await awaited(runner, other(), kept, "", fallback()) == DialogStepDone(None, [])


@each_runner
async def test_a_done_log_is_small_whatever_was_said_before(kept, runner):
    @dialog
    def order():
        for number in range(100):
            yield call(str, number)
        return "x"

    await awaited(runner, order(), kept, "")

    assert len(kept.log) < 50


# --- what a runner takes ----------------------------------------------------------------------

BARE = [
    (send_message("hi"), None, ["hi"]),
    (call(len, "abc"), 3, []),
    (randint(4, 4), 4, []),
    (patched("x"), True, []),
    (gather(send_message("a"), call(len, "abc"), send_message("b")), [None, 3, None], ["a", "b"]),
    (gather(), [], []),
]


@each_runner
@pytest.mark.parametrize(("step", "value", "messages"), BARE, ids=lambda value: repr(value)[:30])
async def test_a_bare_step_is_done_at_once(kept, runner, step, value, messages):
    assert await awaited(runner, step, kept, "") == DialogStepDone(value, messages)
    assert await awaited(runner, step, kept, "") == DialogStepDone(value, [])


@each_runner
async def test_a_bare_wait_takes_two_turns(kept, runner):
    assert await awaited(runner, get_client_response(), kept, "") == DialogStepNotDone([])
    assert await awaited(runner, get_client_response(), kept, "x") == DialogStepDone("x", [])


@each_runner
async def test_a_bare_now_is_recorded(kept, runner):
    first = await awaited(runner, now(), kept, "")

    assert (await awaited(runner, now(), kept, "")).return_value == first.return_value


async def test_a_bare_coroutine_is_a_step_too(kept):
    async def fetch():
        await asyncio.sleep(0)
        return 5

    assert await run_async_gen_dialog(fetch(), kept, "") == DialogStepDone(5, [])
    assert await run_async_gen_dialog(fetch(), kept, "") == DialogStepDone(5, [])
    with pytest.raises(AsyncInSyncRun, match="fetch"):
        run_gen_dialog(fetch(), InMemoryPersistence(), "")
    gc.collect()


@each_runner
@each_style
async def test_every_runner_takes_every_style_that_it_can_perform(kept, runner, style):
    order = written(
        """
        def order():
            «send_message("Item?")»
            return «get_client_response()»
        """,
        style,
    )

    assert await awaited(runner, order(), kept, "") == DialogStepNotDone(["Item?"])
    assert await awaited(runner, order(), kept, "tea") == DialogStepDone("tea", [])


@each_runner
async def test_a_dialog_may_be_handed_over_without_a_call(kept, runner):
    assert (await awaited(runner, greet, kept, "")).messages == ["Who is there?"]
    assert (await awaited(runner, greet(), kept, "Ada")).return_value == "Ada"


@each_runner
@pytest.mark.parametrize("value", [5, None, "text", print, [send_message("hi")], (x for x in [])])
async def test_anything_else_is_refused(kept, runner, value):
    with pytest.raises(NotAStep, match="@dialog"):
        await awaited(runner, value, kept, "")
    with pytest.raises(NotAStep, match="@dialog"):
        await awaited(runner, greet(), kept, "", value if value is not None else 5)
    assert kept.log is None


# --- what is raised ---------------------------------------------------------------------------


@each_runner
@each_style
async def test_an_exception_undoes_the_whole_turn_and_bricks_nothing(kept, runner, style):
    """Given a dialog that fails in its second turn, after steps and messages of that turn."""
    performed = []
    order = written(
        """
        def order():
            «send_message("Item?")»
            item = «get_client_response()»
            «call(performed.append, item)»
            «send_message("Thank you!")»
            if len(performed) < 3:
                raise LookupError(item)
            return item, «get_client_response()»
        """,
        style,
        performed=performed,
    )
    await awaited(runner, order(), kept, "")
    before = kept.log

    for _ in range(2):
        with pytest.raises(LookupError, match="tea"):
            await awaited(runner, order(), kept, "tea")
        assert kept.log == before

    assert await awaited(runner, order(), kept, "milk") == DialogStepNotDone(["Thank you!"])
    assert (await awaited(runner, order(), kept, "x")).return_value == ("milk", "x")
    assert performed == ["tea", "tea", "milk"]


@each_runner
async def test_the_exception_is_the_dialogs_own(kept, runner):
    error = LookupError("tea")

    @dialog
    def order():
        yield call(int)
        raise error

    with pytest.raises(LookupError) as caught:
        await awaited(runner, order(), kept, "")

    assert caught.value is error
    assert "order" in [entry.name for entry in caught.traceback]


@each_runner
async def test_a_result_that_the_log_cannot_keep_is_refused(kept, runner):
    @dialog
    def order():
        yield send_message("hi")
        return {"x": object()}

    with pytest.raises(NotSerializable, match="'order'") as caught:
        await awaited(runner, order(), kept, "")

    assert caught.value.path == "value['x']"
    assert kept.log is None


@each_runner
async def test_a_result_is_the_decoded_copy(kept, runner):
    shared = [1]

    @dialog
    def order():
        yield call(int)
        return shared

    result = await awaited(runner, order(), kept, "")
    shared.append(2)

    assert result.return_value == [1]


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


# --- async in sync runs -----------------------------------------------------------------------


class Service:
    """Things that must be awaited, which note when something of them was performed."""

    def __init__(self):
        self.performed = []

    async def fetch(self):
        self.performed.append("fetch")

    async def __call__(self):
        self.performed.append("call")

    def fetch_later(self):
        return self.fetch()

    def sync(self):
        self.performed.append("sync")


MUST_AWAIT = {
    "an async function": (lambda s: call(s.fetch), "call(fetch)"),
    "a partial": (lambda s: call(functools.partial(s.fetch)), "call(fetch)"),
    "a partial of a partial": (
        lambda s: call(functools.partial(functools.partial(s.fetch))),
        "call(fetch)",
    ),
    "an async callable object": (call, "call(Service)"),
    "a partial of one": (lambda s: call(functools.partial(s)), "call(Service)"),
    "a function that gives a coroutine": (lambda s: call(s.fetch_later), "call(fetch_later)"),
    "a coroutine": (lambda s: s.fetch(), "the coroutine 'Service.fetch'"),
    "a gather": (lambda s: gather(call(s.sync), call(s.fetch)), "call(fetch)"),
    "a gather of coroutines": (lambda s: gather(call(s.sync), s.fetch()), "Service.fetch"),
    "nested gathers": (lambda s: gather(call(s.sync), gather(s.fetch())), "Service.fetch"),
}


@pytest.mark.parametrize("runner", [run_gen_dialog, run_dialog], ids=lambda fn: fn.__name__)
@each_style
@pytest.mark.parametrize("form", MUST_AWAIT)
def test_an_async_step_is_refused_in_a_sync_run_before_it_is_performed(kept, runner, style, form):
    service = Service()
    make, shown = MUST_AWAIT[form]
    if style == "coroutine" and form == "a coroutine":
        return  # There `await` gets the coroutine, and it is no step.
    order = written(
        """
        def order():
            try:
                «make()»
            except Exception:
                pass
        """,
        style,
        make=lambda: make(service),
    )

    with pytest.raises(AsyncInSyncRun, match=r"'order'.* at shop\.py:3\..*run_async_gen") as caught:
        runner(order(), kept, "")

    assert shown in caught.value.step
    assert shown in str(caught.value)
    assert service.performed == []
    assert kept.log is None


def test_refused_coroutines_are_closed_quietly(kept):
    for make, _ in MUST_AWAIT.values():

        @dialog
        def order(make=make):
            yield make(Service())

        with pytest.raises(AsyncInSyncRun):
            run_gen_dialog(order(), kept, "")
        with pytest.raises(AsyncInSyncRun):
            run_dialog(dialog(lambda make=make: run(make(Service())))(), kept, "")
    gc.collect()


async def test_a_sync_run_in_an_event_loop_cannot_await_either(kept):
    future = asyncio.get_running_loop().create_future()

    @dialog
    async def order():
        await future

    for refused in [order(), call(lambda: future), call(asyncio.sleep, 0)]:
        with pytest.raises(AsyncInSyncRun):
            run_gen_dialog(refused, kept, "")


def test_an_async_run_goes_on_where_a_sync_run_was_refused(kept):
    service = Service()

    @dialog
    def order():
        answer = yield get_client_response()
        yield call(service.fetch)
        return answer

    run_gen_dialog(order(), kept, "")
    with pytest.raises(AsyncInSyncRun):
        run_gen_dialog(order(), kept, "x")

    assert asyncio.run(run_async_gen_dialog(order(), kept, "x")).return_value == "x"
    assert service.performed == ["fetch"]


# --- many at once -----------------------------------------------------------------------------


def many_turns(style):
    """A dialog whose every message and answer carries its number, three deep."""
    return written(
        """
        def ask(number, question):
            «send_message((number, question))»
            return «call(tag, number)», «get_client_response()»

        def ask_twice(number):
            return [«ask(number, "a")», «ask(number, "b")»]

        def order(number):
            return [«ask_twice(number)», «ask(number, "c")»]
        """,
        style,
        tag=lambda number: ("tag", number),
    )


def expected_turns(number):
    def answers(*questions):
        return [(("tag", number), (number, question)) for question in questions]

    return (
        [[(number, question)] for question in "abc"],
        [answers("a", "b"), *answers("c")],
    )


@each_style
def test_conversations_in_many_threads_never_mix(style):
    order = many_turns(style)
    threads = 8
    together = threading.Barrier(threads)

    def conversation(number):
        kept, messages = InMemoryPersistence(), []
        together.wait()
        for response in [None, *((number, question) for question in "abc")]:
            result = run_gen_dialog(order(number), kept, response)
            messages += [result.messages] if result.messages else []
        return messages, result.return_value

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(conversation, range(8 * threads)))

    assert results == [expected_turns(number) for number in range(8 * threads)]


@each_style
async def test_conversations_in_many_tasks_never_mix(style):
    """Given async functions that all wait for one another in the middle of their steps."""
    tasks = 20
    arrived, everybody = itertools.count(1), [asyncio.Event() for _ in range(tasks)]

    async def meet(number):
        everybody[number].set()
        await everybody[(number + 1) % tasks].wait()
        return step_key(), number

    order = written(
        """
        def inner(number):
            «send_message(number)»
            key, met = «call(meet, number)»
            return key, met, «get_client_response()»

        def order(number):
            return «inner(number)»
        """,
        style,
        meet=meet,
    )

    async def conversation(number):
        kept = InMemoryPersistence()
        first = await run_async_gen_dialog(order(number), kept, "", conversation_id=str(number))
        await asyncio.sleep(0)
        result = await run_async_gen_dialog(
            order(number), kept, number, conversation_id=str(number)
        )
        return first.messages, result.return_value

    results = await asyncio.gather(*map(conversation, range(tasks)))

    for number, (messages, (key, met, answer)) in enumerate(results):
        assert (messages, met, answer) == ([number], number, number)
        assert key.startswith(f"{number}/")
    assert next(arrived) == 1


def test_conversations_in_many_trio_tasks_never_mix():
    order = many_turns("plain")
    results = {}

    async def conversation(number):
        kept, messages = InMemoryPersistence(), []
        for response in [None, *((number, question) for question in "abc")]:
            await trio.lowlevel.checkpoint()
            result = await run_async_gen_dialog(order(number), kept, response)
            messages += [result.messages] if result.messages else []
        results[number] = messages, result.return_value

    async def main():
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(conversation, number)

    trio.run(main)

    assert results == {number: expected_turns(number) for number in range(10)}


async def test_plain_functions_of_threads_and_tasks_interleave(kept):
    """Given a plain function that blocks in a thread while another runs in this one."""
    inside, go_on = threading.Event(), threading.Event()

    def block():
        inside.set()
        assert go_on.wait(60)
        return "from the thread"

    @dialog
    def blocked():
        run(send_message("blocked"))
        return run(call(block))

    @dialog
    def free():
        run(send_message("free"))
        return run(call(str, "from the loop"))

    in_thread = asyncio.to_thread(run_dialog, blocked(), kept, "")
    task = asyncio.create_task(in_thread)
    await asyncio.to_thread(inside.wait, 60)
    result = await run_async_gen_dialog(free(), InMemoryPersistence(), "")
    go_on.set()

    assert result == DialogStepDone("from the loop", ["free"])
    assert await task == DialogStepDone("from the thread", ["blocked"])


def test_one_persistence_per_conversation_keeps_them_apart():
    keepers = [InMemoryPersistence() for _ in range(3)]
    names = ["Ada", "Bob", "Eve"]
    for kept in keepers:
        run_gen_dialog(greet(), kept, "")

    results = [run_gen_dialog(greet(), *each) for each in zip(keepers, names, strict=True)]

    assert [result.return_value for result in results] == names


# --- async generators as roots ----------------------------------------------------------------


async def test_the_async_runner_by_its_name(kept):
    @dialog
    async def game():
        yield send_message("Guess!")
        await asyncio.sleep(0)
        guess = yield get_client_response()
        yield dialog_result(guess)

    assert await run_async_gen_dialog(game(), kept, "") == DialogStepNotDone(["Guess!"])
    with pytest.warns(UserWarning, match=r"asyncio|awaits"):
        result = await run_async_gen_dialog(game(), kept, "7")
    assert result == DialogStepDone("7", [])
