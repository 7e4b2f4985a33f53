"""The blocking face: threads, Ctrl-C, forks, opening and closing."""

import asyncio
import inspect
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from anyio.from_thread import BlockingPortal

from dialogs import (
    BlockingOrchestrator,
    Orchestrator,
    Status,
    StoreUnavailable,
    UsageError,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
    step_key,
    wait_for_signal,
)
from dialogs.stores import MemoryStore, SQLiteStore
from dialogs.testing import FakeClock

ROOT = Path(__file__).parents[1]


@dialog
def collect():
    """Collects what is said until somebody says stop."""
    words = []
    while (word := (yield get_client_response())) != "stop":
        words.append(word)
        yield send_message(f"{len(words)}")
    return words


@dialog
def order():
    yield send_message("Pay, please.")
    receipt = yield wait_for_signal("paid", timeout=60)
    return f"paid: {receipt}"


@dialog
def nap():
    yield sleep(60)
    yield send_message("Good morning!")
    return "rested"


class Phone:
    """Keeps what is sent."""

    def __init__(self):
        self.messages = []
        self.rang = threading.Event()

    async def send_message(self, chat_id, message, *, delivery_id):
        self.messages.append((chat_id, message))
        self.rang.set()


def blocking(root, **options):
    return BlockingOrchestrator(Orchestrator(root, **{"store": MemoryStore(), **options}))


# --- the same methods -------------------------------------------------------------------------


def test_a_conversation_can_be_held_without_awaiting():
    with blocking(collect) as conversations:
        assert (
            conversations.handle_message("ada", "hi", message_id="1").status
            == "WAITING_FOR_RESPONSE"
        )
        turn = conversations.handle_message("ada", "one", message_id="2")
        assert turn.messages == ["1"]
        assert conversations.handle_message("ada", "one", message_id="2").duplicate
        stale = conversations.handle_message("ada", "two", in_reply_to="another prompt")
        assert stale.stale
        assert conversations.handle_message("ada", "stop", in_reply_to=turn.prompt).result == [
            "one"
        ]


def test_signals_start_cancel_and_forget_do_what_the_orchestrator_does():
    with blocking(order) as conversations:
        assert conversations.start("ada").messages == ["Pay, please."]
        assert conversations.signal("ada", "paid", "R-7", message_id="1").result == "paid: R-7"
        assert conversations.signal("ada", "paid", "R-7", message_id="1").duplicate
        conversations.start("bob")
        assert conversations.cancel("bob").status is Status.CANCELLED
        assert conversations.forget("bob")
        assert not conversations.forget("bob")


def test_conversations_can_be_looked_at_and_listed_by_status():
    with blocking(order) as conversations:
        conversations.start("ada")
        conversations.start("bob")
        conversations.signal("bob", "paid", "R-8")
        assert conversations.conversation("ada").waiting.startswith("wait_for_signal paid in order")
        assert conversations.conversation("eve") is None
        assert {chat_id for chat_id, _ in conversations.conversations()} == {"ada", "bob"}
        [(chat_id, conversation)] = conversations.conversations(Status.COMPLETED)
        assert (chat_id, conversation.result) == ("bob", "paid: R-8")
        with pytest.raises(UsageError, match="is no status"):
            conversations.conversations("SLEEPY")


def test_it_has_every_method_of_the_orchestrator_with_its_arguments():
    def methods(kind):
        return {
            name: str(inspect.signature(method).replace(return_annotation=None))
            for name, method in vars(kind).items()
            if not name.startswith("_")
        }

    # What sets an orchestrator up is called on it, before.
    expected = methods(Orchestrator)
    del expected["attach"], expected["add_root"]
    assert expected.items() <= methods(BlockingOrchestrator).items()


def test_a_dialogs_exception_comes_through_unchanged_and_the_next_call_works():
    class OutOfDough(Exception):
        pass

    error = OutOfDough("no more pizza")
    failing = True

    def bake():
        if failing:
            raise error

    @dialog
    def pizza():
        # Not inside of a step: the log would keep it.
        bake()
        yield send_message("Here it is.")

    with blocking(pizza) as conversations:
        with pytest.raises(OutOfDough) as caught:
            conversations.handle_message("ada", "hungry")
        assert caught.value is error
        assert conversations.conversation("ada").status is Status.ERROR
        failing = False
        assert conversations.handle_message("ada", "hungry").messages == ["Here it is."]


def test_a_stores_error_comes_through_from_a_call_and_from_opening(tmp_path):
    (tmp_path / "bot.db").write_text("my shopping list, which is no database at all")
    conversations = blocking(collect, store=SQLiteStore(tmp_path / "bot.db"))
    with pytest.raises(StoreUnavailable), conversations:
        pytest.fail("it opened")
    with pytest.raises(UsageError, match="is not open"):
        conversations.start("ada")

    (tmp_path / "bot.db").unlink()
    with conversations:
        conversations.start("ada")


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt])
def test_what_would_end_the_event_loop_ends_only_the_call(leaving):
    @dialog
    def leave(opening):
        if opening == "leave":
            raise leaving(3)
        yield send_message("Still here.")

    with blocking(leave) as conversations:
        with pytest.raises(leaving) as caught:
            conversations.handle_message("ada", "leave")
        assert caught.value.args == (3,)
        assert conversations.handle_message("bob", "stay").messages == ["Still here."]


# --- threads ----------------------------------------------------------------------------------


def test_many_threads_at_once_lose_no_message_and_mix_up_no_conversation():
    def talk(number):
        chat_id = f"chat-{number}"
        conversations.start(chat_id)
        for word in range(10):
            assert conversations.handle_message(chat_id, word).messages == [str(word + 1)]
        return conversations.handle_message(chat_id, "stop").result

    with blocking(collect) as conversations, ThreadPoolExecutor(20) as threads:
        assert list(threads.map(talk, range(40))) == [list(range(10))] * 40


def test_messages_of_many_threads_to_one_conversation_are_taken_one_at_a_time():
    def say(thread):
        for number in range(10):
            conversations.handle_message("ada", [thread, number])

    with blocking(collect) as conversations:
        conversations.start("ada")
        with ThreadPoolExecutor(10) as threads:
            list(threads.map(say, range(10)))
        words = conversations.handle_message("ada", "stop").result
    for thread in range(10):
        assert [number for each, number in words if each == thread] == list(range(10))


def test_messages_that_come_while_a_turn_is_slow_keep_their_order():
    slow, go_on = threading.Event(), threading.Event()

    loops = []

    async def think():
        loops.append(asyncio.get_running_loop())
        slow.set()
        await asyncio.to_thread(go_on.wait, 60)

    @dialog
    def thoughtful():
        yield call(think)
        return (yield get_client_response()), (yield get_client_response())

    with blocking(thoughtful) as conversations, ThreadPoolExecutor(10) as threads:
        turns = [threads.submit(conversations.start, "ada")]
        assert slow.wait(60)
        for number in range(2):
            before = len(asyncio.all_tasks(*loops))
            turns.append(threads.submit(conversations.handle_message, "ada", number))
            wait_for(lambda n=before: len(asyncio.all_tasks(*loops)) > n)
        # Another conversation does not wait for it.
        assert conversations.conversation("bob") is None
        go_on.set()
        assert turns[-1].result(60).result == (0, 1)


def wait_for(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.005)


def test_a_threaded_wsgi_server_can_serve_it(tmp_path):
    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        request_queue_size = 50

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    def app(environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        turn = conversations.handle_message(environ["PATH_INFO"], body.decode())
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps([turn.messages, turn.result]).encode()]

    def post(chat, word):
        url = f"http://127.0.0.1:{server.server_port}/{chat}"
        with urllib.request.urlopen(url, data=word.encode(), timeout=60) as answer:
            return json.load(answer)

    def talk(chat):
        return [post(chat, word) for word in ("hi", "one", "two", "stop")]

    store = SQLiteStore(tmp_path / "bot.db")
    with (
        blocking(collect, store=store) as conversations,
        make_server("127.0.0.1", 0, app, Server, Quiet) as server,
        ThreadPoolExecutor(9) as threads,
    ):
        threads.submit(server.serve_forever, 0.01)
        try:
            talks = list(threads.map(talk, range(8)))
        finally:
            server.shutdown()
    assert talks == [[[[], None], [["1"], None], [["2"], None], [[], ["one", "two"]]]] * 8


# --- timers -----------------------------------------------------------------------------------


def test_due_timers_can_be_fired_by_hand():
    clock = FakeClock()
    with blocking(nap, clock=clock) as conversations:
        conversations.start("ada")
        assert conversations.fire_due() == []
        clock.advance(60)
        [turn] = conversations.fire_due()
        assert (turn.messages, turn.result) == (["Good morning!"], "rested")


def test_timers_fire_in_the_background_and_stop_when_it_is_closed():
    clock, phone = FakeClock(), Phone()
    with blocking(nap, clock=clock, sender=phone, poll=0.001) as conversations:
        conversations.start_timers()
        conversations.start("ada")
        clock.advance(60)
        assert phone.rang.wait(60)
        assert phone.messages == [("ada", "Good morning!")]
    assert not [thread for thread in threading.enumerate() if thread.name == "dialogs"]


def test_closing_ends_run_timers_in_another_thread():
    clock, phone = FakeClock(), Phone()
    conversations = blocking(nap, clock=clock, sender=phone, poll=0.001)
    conversations.open()
    conversations.start("ada")
    clock.advance(60)
    with ThreadPoolExecutor(1) as threads:
        timers = threads.submit(conversations.run_timers)
        assert phone.rang.wait(60)
        conversations.close()
        assert timers.result(60) is None


def test_steps_that_block_run_beside_each_other_in_threads():
    meeting = threading.Barrier(3)

    def meet(name):
        meeting.wait(60)  # for the others: one after another they would wait for ever
        return f"{name} in {step_key().partition('/')[0]}"

    async def loop_of(name):
        return f"{name} on {asyncio.get_running_loop() is not None}"

    @dialog
    def root():
        one = yield call(meet, "one")
        return one, (yield call(loop_of, "two"))

    conversations = BlockingOrchestrator(Orchestrator(root, store=MemoryStore(), threads=True))
    with conversations, ThreadPoolExecutor(3) as threads:
        turns = threads.map(conversations.start, ["a", "b", "c"])
        assert [turn.result for turn in turns] == [
            (f"one in {chat_id}", "two on True") for chat_id in "abc"
        ]


def test_whom_new_code_would_leave_behind_is_told_in_a_list():
    store = MemoryStore()
    with blocking(nap, store=store) as conversations:
        conversations.start("ada")
        assert conversations.check() == []

    @dialog(name="nap", version="2")
    def other():
        yield get_client_response()

    with blocking(other, store=store) as conversations:
        assert conversations.check() == [("ada", None)]


def test_timers_that_are_ended_are_logged(caplog):
    class Ending(MemoryStore):
        async def due(self, *, now, limit):
            raise SystemExit("enough")

    with blocking(nap, store=Ending()) as conversations:
        conversations.start_timers()
        wait_for(lambda: caplog.records)
        assert caplog.records[0].getMessage() == "The timers stopped."
        assert "enough" in str(caplog.records[0].exc_info[1])
        with pytest.raises(SystemExit, match="enough"):
            conversations.run_timers()


# --- opening and closing ----------------------------------------------------------------------


def test_it_cannot_be_used_before_it_is_opened_nor_after_it_is_closed():
    conversations = blocking(collect)
    with pytest.raises(UsageError, match="used before open"):
        conversations.handle_message("ada", "hi")
    with conversations:
        conversations.handle_message("ada", "hi")
    for use in (lambda: conversations.handle_message("ada", "hi"), conversations.start_timers):
        with pytest.raises(UsageError, match="is not open"):
            use()


def test_it_can_be_opened_again_and_closed_twice(tmp_path):
    conversations = blocking(collect, store=SQLiteStore(tmp_path / "bot.db"))
    conversations.close()
    for number in range(3):
        conversations.open()
        if not number:
            conversations.start("ada")
        conversations.handle_message("ada", number)
        conversations.close()
        conversations.close()
    with conversations:
        assert conversations.handle_message("ada", "stop").result == [0, 1, 2]


def test_it_cannot_be_opened_twice():
    with blocking(collect) as conversations:
        with pytest.raises(UsageError, match="opened twice"):
            conversations.open()
        conversations.start("ada")


def test_closing_waits_for_the_calls_of_other_threads_and_closes_the_store_after_them():
    under_way, go_on = threading.Event(), threading.Event()

    async def think():
        under_way.set()
        await asyncio.to_thread(go_on.wait, 60)

    @dialog
    def thoughtful():
        yield call(think)
        return "thought"

    done = []

    class Watched(MemoryStore):
        async def commit(self, *args, **kwargs):
            done.append("commit")
            return await super().commit(*args, **kwargs)

        async def close(self):
            done.append("close")

    conversations = blocking(thoughtful, store=Watched())
    conversations.open()
    with ThreadPoolExecutor(2) as threads:
        turn = threads.submit(conversations.start, "ada")
        assert under_way.wait(60)
        closing = threads.submit(conversations.close)
        wait_for(lambda: is_closed(conversations))
        assert done == []
        go_on.set()
        assert turn.result(60).result == "thought"
        closing.result(60)
    assert done == ["commit", "close"]


def is_closed(conversations):
    try:
        conversations.conversation("bob")
    except UsageError as error:
        return "is not open" in str(error)
    return False


def test_a_dialog_that_calls_it_is_told_why_that_would_hang():
    @dialog
    def meddling():
        yield call(lambda: conversations.start("bob"))

    own_loop = pytest.raises(UsageError, match="would wait for its own event loop")
    with blocking(meddling) as conversations, own_loop:
        conversations.start("ada")


def test_an_exception_inside_of_the_block_closes_it_too():
    conversations = blocking(collect)
    with pytest.raises(ZeroDivisionError), conversations:
        raise ZeroDivisionError
    with pytest.raises(UsageError, match="is not open"):
        conversations.start("ada")


def test_without_anyio_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anyio", None)
    with pytest.raises(UsageError, match=r'pip install "resumable-dialogs\[blocking\]"'):
        blocking(collect)


# --- forks ------------------------------------------------------------------------------------

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def in_a_fork(work):
    """What happens in a forked process, as text."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        child = os.fork()
    if not child:
        try:
            said = work()
        except BaseException as error:  # noqa: BLE001 - nothing may leave the child
            said = f"{type(error).__name__}: {error}"
        os.write(write, str(said).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


@forks
@pytest.mark.parametrize("use", ["start", "open", "start_timers"])
def test_a_process_that_was_forked_too_late_is_told_to_open_it_after_the_fork(use):
    with blocking(collect) as conversations:
        arguments = ["ada"] if use == "start" else []
        said = in_a_fork(lambda: getattr(conversations, use)(*arguments))
        assert said.startswith("UsageError: This process was forked")
        assert "after the fork" in said
        conversations.start("ada")


@forks
def test_a_forked_process_leaves_the_block_without_hanging():
    with blocking(collect) as conversations:
        assert in_a_fork(conversations.close) == "None"
        conversations.start("ada")


@forks
def test_a_process_may_open_it_after_the_fork(tmp_path):
    conversations = blocking(collect, store=SQLiteStore(tmp_path / "bot.db"))

    def work():
        with conversations:
            conversations.start("ada")
            return conversations.handle_message("ada", "hi").messages

    assert in_a_fork(work) == "['1']"
    with conversations:
        assert conversations.handle_message("ada", "stop").result == ["hi"]


# --- Ctrl-C -----------------------------------------------------------------------------------


# Before the main thread waits, Ctrl-C would find it still on its way into the call.
MAIN_WAITS = """
import asyncio, sys, threading

async def main_waits():
    while sys._current_frames()[threading.main_thread().ident].f_code.co_name != "wait":
        await asyncio.sleep(0.001)
"""


def program(text, tmp_path):
    """A program that prints lines."""
    return subprocess.Popen(
        [sys.executable, "-c", MAIN_WAITS + textwrap.dedent(text)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_ctrl_c_during_a_call_undoes_its_turn_and_closes_cleanly(tmp_path):
    running = program(
        """
        from dialogs import *
        from dialogs.stores import SQLiteStore

        async def think():
            await main_waits()
            print("thinking", flush=True)
            try:
                await asyncio.sleep(600)
            finally:
                print("interrupted", flush=True)

        @dialog
        def thoughtful():
            yield call(think)

        store = SQLiteStore("bot.db")
        with BlockingOrchestrator(Orchestrator(thoughtful, store=store)) as conversations:
            try:
                conversations.start("ada")
            except KeyboardInterrupt:
                print(conversations.conversation("ada"))
                raise
        """,
        tmp_path,
    )
    assert running.stdout.readline() == "thinking\n"
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert said.startswith(("interrupted\nNone\nTraceback", "None\ninterrupted\nTraceback"))
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in said


@contextmanager
def ctrl_c_before_it_waits():
    """Ctrl-C comes when the next call has begun its work, and does not wait for it yet."""
    begin = BlockingPortal.start_task_soon

    def interrupted(portal, *work):
        begin(portal, *work)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockingPortal, "start_task_soon", interrupted)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_ctrl_c_before_a_call_waits_for_its_turn_undoes_the_turn():
    async def think():
        await asyncio.Event().wait()

    @dialog
    def thoughtful():
        yield call(think)

    store = MemoryStore()
    with blocking(thoughtful, store=store) as conversations, ctrl_c_before_it_waits():
        conversations.start("ada")
    assert asyncio.run(store.load("ada", now=0.0)) is None


def test_ctrl_c_before_the_timers_are_waited_for_does_not_keep_it_open():
    with blocking(nap) as conversations:
        for begin in (conversations.start_timers, conversations.run_timers):
            with ctrl_c_before_it_waits():
                begin()


def test_ctrl_c_ends_a_process_that_runs_the_timers(tmp_path):
    running = program(
        """
        from dialogs import *
        from dialogs.stores import SQLiteStore

        class Printer:
            async def send_message(self, chat_id, message, *, delivery_id):
                await main_waits()
                print(message, flush=True)

        @dialog
        def nap():
            yield sleep(0.01)
            yield send_message("Good morning!")

        orchestrator = Orchestrator(nap, store=SQLiteStore("bot.db"), sender=Printer(), poll=0.01)
        try:
            with BlockingOrchestrator(orchestrator) as conversations:
                conversations.start("ada")
                conversations.run_timers()
        except KeyboardInterrupt:
            print("bye")
        """,
        tmp_path,
    )
    assert running.stdout.readline() == "Good morning!\n"
    running.send_signal(signal.SIGINT)
    assert running.communicate(timeout=60)[0] == "bye\n"
    assert running.returncode == 0


def test_a_program_that_forgets_to_close_it_ends_all_the_same(tmp_path):
    running = program(
        """
        from dialogs import *
        from dialogs.stores import SQLiteStore

        @dialog
        def greet():
            yield send_message("Hello!")

        conversations = BlockingOrchestrator(Orchestrator(greet, store=SQLiteStore("bot.db")))
        conversations.open()
        conversations.start_timers()
        print(*conversations.start("ada").messages)
        """,
        tmp_path,
    )
    assert running.communicate(timeout=60)[0] == "Hello!\n"
    assert running.returncode == 0
