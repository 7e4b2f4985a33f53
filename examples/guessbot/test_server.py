import asyncio
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from dialogs import dialog, get_client_response, run_gen_dialog, send_message
from examples.guessbot import game_async_gen
from examples.guessbot.server import chats, client, client_async, server, server_adf, server_df

pytestmark = pytest.mark.usefixtures("secret_is_7")

CLONE = Path(__file__).parents[2]
QUESTION = "I am thinking of a number from 1 to 10. Which one?"
TRANSCRIPT = [
    ("hello", [QUESTION]),
    ("5", ["5 is too low."]),
    ("abc", ["A whole number from 1 to 10, please."]),
    ("", [f"{QUESTION} 5 is too low."]),
    ("7", ["Yes, it is 7! Guesses you needed: 2.", chats.AGAIN]),
    ("hello again", [QUESTION]),
    ("7", ["7 is too high."]),
]
SERVERS = [server, server_df, server_adf]
WITH_LOGS = SERVERS[1:]


def named(module):
    return module.__name__.rpartition(".")[2]


servers = pytest.mark.parametrize("module", SERVERS, ids=named)


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No chats yet, and no pauses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(game_async_gen, "THINKING_S", 0)
    monkeypatch.setattr(server, "games", {})


def browser(module):
    """What sends requests to a server in this process."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=module.app), base_url="http://guessbot"
    )


async def say(web, message, chat_id="me"):
    response = await web.post("/", json={"chat_id": chat_id, "message": message})
    assert response.status_code == 200
    return response.json()


@servers
@pytest.mark.parametrize("path", ["/", "/async"])
@pytest.mark.parametrize("where", ["params", "json"])
async def test_every_server_plays_the_transcript(module, path, where):
    async with browser(module) as web:
        for message, messages in TRANSCRIPT:
            fields = {"chat_id": "me", "message": message}
            response = await web.post(path, **{where: fields})
            assert (response.status_code, response.json()) == (200, messages)


@servers
async def test_the_fields_may_be_numbers_and_the_first_message_may_be_left_out(module):
    async with browser(module) as web:
        response = await web.post("/", json={"chat_id": 42})
        assert response.json() == [QUESTION]
        response = await web.post("/", json={"chat_id": 42, "message": 5})
        assert response.json() == ["5 is too low."]
        response = await web.post("/", params={"chat_id": 42})
        assert response.json() == [f"{QUESTION} 5 is too low."]


@servers
@pytest.mark.parametrize(
    "request_parts",
    [
        {"params": {"message": "5"}},
        {"json": {"message": "5"}},
        {"json": ["me", "5"]},
        {"content": b"{", "headers": {"content-type": "application/json"}},
    ],
)
async def test_a_request_that_names_no_chat_is_refused(module, request_parts):
    async with browser(module) as web:
        response = await web.post("/", **request_parts)
    assert response.status_code == 422
    assert "detail" in response.json()


@servers
async def test_chats_are_kept_apart(module):
    async with browser(module) as web:
        await say(web, "", "one")
        await say(web, "5", "one")
        assert await say(web, "", "two") == [QUESTION]
        assert await say(web, "", "one") == [f"{QUESTION} 5 is too low."]


@pytest.mark.parametrize("module", WITH_LOGS, ids=named)
@pytest.mark.parametrize("chat_id", ["../../stolen", "/etc/passwd", "a" * 5000, "", "né\n"])
async def test_a_chat_id_may_be_any_text_and_reaches_no_other_folder(module, chat_id, tmp_path):
    async with browser(module) as web:
        assert await say(web, "", chat_id) == [QUESTION]
        assert await say(web, "5", chat_id) == ["5 is too low."]
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.parent == tmp_path / chats.FOLDER
    assert file.suffix == ".dialog"


@pytest.mark.parametrize("module", WITH_LOGS, ids=named)
async def test_a_game_that_older_code_began_starts_anew_and_says_why(module):
    @dialog(name="game")
    def older_game():
        yield send_message("Guess!")
        yield get_client_response()

    async with chats.open_chat("me") as log:
        run_gen_dialog(older_game(), log, "")
    async with browser(module) as web:
        assert await say(web, "5") == [
            "The game was changed since you played last, so let us start anew.",
            QUESTION,
        ]


@servers
async def test_requests_of_one_chat_that_come_at_once_all_count(module):
    guesses = ["1", "2", "3", "4", "5", "6"] * 3
    async with browser(module) as web:
        await say(web, "")
        answers = await asyncio.gather(*(say(web, guess) for guess in guesses))
        assert answers == [[f"{guess} is too low."] for guess in guesses]
        [standing] = await say(web, "")
    assert standing.count("too low") == len(guesses)


async def test_a_turn_that_takes_long_holds_back_its_own_chat_and_no_other(monkeypatch):
    async with browser(server_adf) as web:
        for chat_id in ("slow", "fast"):
            await say(web, "", chat_id)
        thinking, thought = asyncio.Event(), asyncio.Event()

        async def sleep(_seconds):
            thinking.set()
            await thought.wait()

        monkeypatch.setattr(asyncio, "sleep", sleep)
        first = asyncio.create_task(say(web, "5", "slow"))
        await thinking.wait()
        second = asyncio.create_task(say(web, "", "slow"))
        assert await say(web, "abc", "fast") == ["A whole number from 1 to 10, please."]
        assert not second.done()

        thought.set()
        assert await first == ["5 is too low."]
        assert await second == [f"{QUESTION} 5 is too low."]


async def test_no_lock_outlives_its_request():
    async with browser(server_df) as web:
        await say(web, "")
    assert not chats.locks


ADF = "examples.guessbot.server.server_adf:app"
SERVER = """
import random, sys, uvicorn
random.randint = lambda *_: {number}
sys.exit(uvicorn.main())
"""


@pytest.fixture
def uvicorn(tmp_path):
    """Starts a server that would draw this number; gives its process and address."""
    started = []

    def start(number):
        options = ["--app-dir", str(CLONE), "--port", "0"]
        process: Any = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", SERVER.format(number=number), *options, ADF],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        for line in process.stderr:
            if address := re.search(r"http://[\d.:]+", line):
                return process, address[0]
        raise AssertionError("uvicorn did not start")

    yield start
    for process in started:
        process.kill()
        process.communicate()


def without_dots(screen):
    return [line for line in screen if line.strip(".")]


def test_a_game_over_http_survives_its_server_and_its_client(terminal, uvicorn):
    process, address = uvicorn(7)
    player = terminal(client.__file__, "--url", f"{address}/", "--chat-id", "me")
    assert player.screen == ["To come back to this game, add: --chat-id me", QUESTION]
    assert player.say("5") == ["5 is too low."]
    assert player.end(signal.SIGINT) == (0, "")
    process.kill()

    _, address = uvicorn(3)
    player = terminal(client_async.__file__, "--url", f"{address}/async", "--chat-id", "me")
    assert without_dots(player.screen)[1:] == [f"{QUESTION} 5 is too low."]
    assert without_dots(player.say("7")) == TRANSCRIPT[4][1]
    assert without_dots(player.say("more")) == [QUESTION]
    assert player.end() == (0, "")


@pytest.mark.parametrize("program", [client, client_async], ids=named)
def test_a_client_without_a_server_says_so(terminal, program):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = "http://{}:{}/".format(*deaf.getsockname())
        player = terminal(program.__file__, "--url", url)
    assert player.screen[-1].startswith(f"The server at {url} did not answer: ")
    assert player.end() == (1, "")
