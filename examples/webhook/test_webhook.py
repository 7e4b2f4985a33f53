import io
import json
import sys
import urllib.request
from datetime import timedelta

import pytest

from dialogs import BlockingOrchestrator, Orchestrator, StoreUnavailable
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from examples.webhook.booking import booking_of
from examples.webhook.tables import Tables
from examples.webhook.web import make_app
from tests.servers.base import Process, answers, free_port, wait_until


class Phones:
    def __init__(self):
        self.heard = []

    def send_message(self, chat_id, message, *, delivery_id):  # noqa: ARG002
        self.heard.append((chat_id, str(message)))


class Store(MemoryStore):
    away = False

    async def claim(self, *asked, **more):
        if self.away:
            raise StoreUnavailable("The store", "claim", "it is away")
        return await super().claim(*asked, **more)


@pytest.fixture
def phones():
    return Phones()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def bot(tmp_path, phones, clock):
    """No event loop is to be seen, and no plugin of pytest is needed for one."""
    booking = booking_of(Tables(tmp_path / "tables.db"))
    orchestrator = Orchestrator(booking, store=Store(), sender=phones, clock=clock, threads=True)
    with BlockingOrchestrator(orchestrator) as bot:
        yield bot


def request(bot, method, path, body=None, query=""):
    """What the app answers: the status's number and the JSON."""
    sent = json.dumps(body).encode() if body else b""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.input": io.BytesIO(sent),
    }
    statuses = []
    answer = make_app(bot)(environ, lambda status, _: statuses.append(status))
    return int(statuses[0][:3]), json.loads(b"".join(answer))


def say(bot, text, number):
    event = {"chat": "ada", "text": text, "id": f"evt-{number}"}
    return request(bot, "POST", "/webhook", event)


def test_a_table_is_booked_and_asked_about_on_the_next_day(bot, phones, clock):
    for number, text in enumerate(["Hi", "many", "4", "yes"]):
        assert say(bot, text, number)[0] == 200
    clock.advance(timedelta(days=1))
    bot.fire_due()

    assert [text for _, text in phones.heard] == [
        "A table for how many?",
        "Please answer with a whole number. A table for how many?",
        "Tonight, for 4?",
        "Table 1 is yours.",
        "How was it?",
    ]
    assert bot.conversation("ada").status == "COMPLETED"


def test_a_repeated_webhook_counts_once(bot, phones):
    answered = [say(bot, "Hi", 1) for _ in range(3)]

    assert answered == [(200, {"status": "WAITING_FOR_RESPONSE"})] * 3
    assert len(phones.heard) == 1


def test_the_staff_sees_who_waits_for_what(bot):
    say(bot, "Hi", 1)

    status, waiting = request(bot, "GET", "/staff", query="status=WAITING_FOR_RESPONSE")

    assert status == 200
    assert waiting["ada"].startswith("get_client_response in booking")
    assert request(bot, "GET", "/staff", query="status=ERROR") == (200, {})
    assert request(bot, "GET", "/kitchen")[0] == 404


def test_where_the_store_is_away_the_platform_tries_again(bot, phones):
    bot.orchestrator.store.away = True

    status, answer = say(bot, "Hi", 1)

    assert status == 503
    assert answer["try again"].startswith("The store failed at claim: it is away.")
    bot.orchestrator.store.away = False
    assert say(bot, "Hi", 1)[0] == 200
    assert len(phones.heard) == 1


@pytest.fixture
def server(tmp_path):
    """A server that can be killed and started again."""
    server = Server(tmp_path)
    server.start()
    yield server
    server.process.kill()


class Server:
    def __init__(self, folder):
        self.port, self.folder, self.log = free_port(), folder, folder / "server.log"

    def start(self):
        command = [sys.executable, "-m", "examples.webhook", "--port", str(self.port)]
        self.process = Process([*command, "--folder", self.folder], log=self.log)
        wait_until(lambda: answers("127.0.0.1", self.port), self.process, "the webhook")

    def post(self, text, number):
        event = {"chat": "ada", "text": text, "id": f"evt-{number}"}
        url = f"http://127.0.0.1:{self.port}/webhook"
        with urllib.request.urlopen(url, json.dumps(event).encode(), timeout=20) as answer:
            return json.load(answer)["status"]


def test_a_booking_goes_on_in_another_process(server):
    """Given a server that is killed in the middle."""
    for number, text in enumerate(["Hi", "2"]):
        assert server.post(text, number) == "WAITING_FOR_RESPONSE"
    server.process.kill()
    server.start()

    assert server.post("yes", 2) == "PROCESSING"
    assert "Table 1 is yours." in server.log.read_text(encoding="utf-8")
