"""The blocking face among threads, and its timers, which have one."""

import asyncio
import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from dialogs import BlockingOrchestrator, Orchestrator, call, dialog, get_client_response, step_key
from dialogs.stores import MemoryStore, SQLiteStore
from dialogs.testing import FakeClock
from tests.orchestrator.blocked import blocking, collect, nap, wait_for


class Phone:
    """Keeps what is sent."""

    def __init__(self):
        self.messages = []
        self.rang = threading.Event()

    async def send_message(self, chat_id, message, *, delivery_id):
        self.messages.append((chat_id, message))
        self.rang.set()


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
