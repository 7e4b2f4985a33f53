"""The blocking face in programs: forks, Ctrl-C, and one that forgets to close it."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from dialogs import call, dialog
from dialogs.stores import MemoryStore, SQLiteStore
from tests.orchestrator.blocked import blocking, collect, nap

ROOT = Path(__file__).parents[2]


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
