"""The REST API: what it answers, and in which shape."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dialogs import (
    Button,
    Message,
    Orchestrator,
    dialog,
    get_client_response,
    send_message,
    sleep,
    wait_for_signal,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.channels.web.people import Client, app_of, client_of
from tests.channels.web.site import PIXEL, orchestrator_of
from tests.senders import UnsteadyStore


@pytest.fixture
def orchestrator():
    return orchestrator_of(MemoryStore())


@pytest.fixture
async def client(orchestrator):
    async with client_of(app_of(orchestrator)) as http:
        yield Client(http)


def texts(view):
    return [message["text"] for message in view["messages"]]


async def test_a_conversation_is_started_answered_and_read(client):
    turn = await client.start()
    assert texts(turn)[0].startswith("What shall it be?")
    assert (turn["status"], turn["waiting"]) == ("WAITING_FOR_RESPONSE", "response")

    turn = await client.say("pizza", in_reply_to=turn["prompt"])
    assert texts(turn) == ["Which size?"]
    assert turn["messages"][0]["buttons"] == [
        {"index": 0, "label": "Small"},
        {"index": 1, "label": "Large"},
    ]
    assert turn["answerable"] == [turn["messages"][0]["number"]]

    view = await client.read()
    assert texts(view)[1:] == ["pizza", "Which size?"]
    assert [message["by_client"] for message in view["messages"]] == [False, True, False]
    numbers = [message["number"] for message in view["messages"]]
    assert numbers == sorted(set(numbers))
    assert texts(await client.read(after=numbers[1])) == ["Which size?"]


async def test_a_button_is_pressed_by_its_number_and_its_value_stays_on_the_server(client):
    await client.start()
    size = await client.say("pizza")

    olives = await client.press(size["messages"][0], 1)
    assert texts(olives) == ["With olives?"]

    view = await client.get()
    assert "secret" not in view.text
    assert texts(view.json())[-2:] == ["Large", "With olives?"]
    end = await client.press(olives["messages"][0], 1)
    assert texts(end) == ["{'cm': 40, 'price': 'secret'}, False: it is on its way."]


async def test_the_button_of_an_old_question_is_stale(client):
    await client.start()
    size = await client.say("pizza")
    await client.press(size["messages"][0], 0)

    late = await client.press(size["messages"][0], 1)

    assert (late["stale"], late["messages"]) == (True, [])
    assert texts(await client.read())[-1] == "With olives?"


async def test_a_message_id_counts_once_and_gets_the_same_answer(client):
    await client.start()
    first = await client.say("pizza", message_id="once")
    again = await client.say("pizza", message_id="once")

    assert again["duplicate"]
    assert again["messages"] == first["messages"]
    assert texts(await client.read()).count("pizza") == 1


async def test_a_button_that_is_not_there_is_not_found(client):
    await client.start()
    size = (await client.say("pizza"))["messages"][0]["number"]
    mine = (await client.read())["messages"][1]["number"]
    for message, index in [(size, 2), (mine, 0), (1, 0)]:
        answer = await client.post(button={"message": message, "index": index})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "a", "button": {"message": 1, "index": 0}},
        {"text": ["a"]},
        {"text": "\ud800"},
        {"text": "a", "unknown": 1},
        {"text": "a", "message_id": ""},
        {"text": "a", "message_id": "x" * 256},
        {"text": "a", "message_id": "\0"},
        {"text": "a", "in_reply_to": 7},
        {"button": {"message": -1, "index": 0}},
        {"button": {"message": 1, "index": True}},
        [],
        "text",
    ],
    ids=repr,
)
async def test_what_is_no_message_is_refused_with_the_place_of_the_fault(client, body):
    await client.start()
    answer = await client.http.post(
        f"conversations/{client.id}/messages",
        content=json.dumps(body),
        headers={**client.headers, "Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["errors"]
    assert {"title", "status", "detail", "why", "remedy"} <= problem.keys()
    assert len((await client.read())["messages"]) == 1


async def test_what_is_no_json_is_a_bad_request(client):
    await client.start()
    answer = await client.http.post(
        f"conversations/{client.id}/messages",
        content="{",
        headers={**client.headers, "Content-Type": "application/json"},
    )
    assert answer.status_code == 400


async def test_a_dialog_that_fails_tells_nothing_of_itself_and_keeps_nothing(client, caplog):
    await client.start()
    await client.say("broken")
    answer = await client.post(text="boom", message_id="b")

    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["title"] == "The dialog failed"
    for secret in ("hunter2", "ConnectionError", "Traceback", "site.py"):
        assert secret not in answer.text
    assert "hunter2" in caplog.text
    view = await client.read()
    assert (view["status"], texts(view)[-1]) == ("ERROR", "Say anything.")
    assert texts(await client.say("well", message_id="b")) == ["All is well."]


async def test_an_apology_is_in_the_transcript():
    orchestrator = orchestrator_of(MemoryStore(), on_error="Sorry, that went wrong.")
    async with client_of(app_of(orchestrator)) as http:
        client = Client(http)
        await client.start()
        await client.say("broken")
        assert (await client.post(text="boom")).status_code == 500
        assert texts(await client.read())[-1] == "Sorry, that went wrong."


async def test_a_store_that_fails_is_said_to_be_out_of_reach_and_no_more(caplog):
    store = UnsteadyStore()
    async with client_of(app_of(orchestrator_of(store))) as http:
        client = Client(http)
        await client.start()
        for path in ("messages", "", "health"):
            store.fail("claim" if path == "messages" else "load", "before")
            if path == "messages":
                answer = await client.post(text="pizza")
            else:
                answer = await (client.get() if path == "" else http.get(path))
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            assert "claim" not in answer.text


async def test_health_says_that_all_is_well(client):
    assert (await client.http.get("health")).json() == {"status": "ok"}


async def test_a_forgotten_conversation_is_gone_and_can_begin_anew(client, orchestrator):
    await client.start()
    await client.say("pizza")
    answer = await client.http.delete(f"conversations/{client.id}", headers=client.headers)
    assert answer.status_code == 204
    assert await orchestrator.conversation(f"web:{client.id}") is None
    assert (await client.get()).status_code == 404

    turn = (await client.post("start")).json()

    assert texts(turn)[0].startswith("What shall it be?")


async def test_a_file_is_served_as_what_no_browser_runs(client):
    await client.start()
    shown, page, menu, script = (await client.say("files"))["messages"][0]["attachments"]

    image = await client.http.get(shown["file"], headers=client.headers)
    assert image.content == PIXEL
    assert image.headers["content-type"] == "image/png"
    assert image.headers["content-disposition"].startswith("inline;")
    html = await client.http.get(page["file"], headers=client.headers)
    assert html.headers["content-type"] == "application/octet-stream"
    assert html.headers["content-disposition"].startswith("attachment;")
    for answer in (image, html):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
    assert (menu["url"], menu["file"]) == ("https://shop.example/menu.pdf", None)
    assert (script["url"], script["file"]) == (None, None)
    missing = await client.get(f"/files/{page['file'].split('/')[-2]}/4")
    assert missing.status_code == 404


async def test_values_that_json_does_not_have_are_said_as_text():
    @dialog
    def odd():
        yield send_message({"at": datetime(2030, 1, 2, tzinfo=UTC), 1: Decimal("2.50")})
        yield send_message(Message("", data=[float("inf"), 2**70, b"x", None, {"a": "\ud800"}]))
        yield send_message(10**5000)
        yield send_message("\ud800 is half of a letter")
        yield send_message(Message("?", buttons=(Button("\ud800"),)))
        yield get_client_response()

    async with client_of(app_of(Orchestrator(odd, store=MemoryStore(), history=9))) as http:
        messages = (await Client(http).start())["messages"]
    assert messages[0]["data"] == {"at": "2030-01-02 00:00:00+00:00", "1": "2.50"}
    assert messages[1]["data"] == ["inf", str(2**70), "b'x'", None, {"a": "?"}]
    assert messages[3]["text"] == "? is half of a letter"
    assert messages[4]["buttons"] == [{"index": 0, "label": "?"}]


async def test_what_a_dialog_waits_for_is_told_and_where_its_code_is_is_not():
    @dialog
    def patient():
        yield sleep(60)
        yield wait_for_signal("paid", timeout=60)

    clock = FakeClock()
    orchestrator = Orchestrator(patient, store=MemoryStore(), history=9, clock=clock)
    async with client_of(app_of(orchestrator)) as http:
        client = Client(http)
        turn = await client.start()
        assert (turn["status"], turn["waiting"], turn["prompt"]) == ("PROCESSING", "time", None)
        assert turn["wake_at"] == clock().timestamp() + 60
        clock.advance(61)
        await orchestrator.fire_due()
        view = await client.get()
        assert view.json()["waiting"] == "signal"
        assert "patient" not in view.text
        assert "test_api" not in view.text


async def test_a_dialog_that_needs_the_opening_message_waits_for_it():
    @dialog
    def echo(opening):
        yield send_message(f"You opened with {opening!r}.")
        yield get_client_response()

    async with client_of(app_of(Orchestrator(echo, store=MemoryStore(), history=9))) as http:
        client = Client(http)
        turn = await client.start()
        assert (turn["status"], turn["messages"]) == ("INITIATED", [])
        assert texts(await client.say("hello")) == ["You opened with 'hello'."]


async def test_messages_that_the_transcript_no_longer_has_are_said_without_a_number():
    @dialog
    def chatty():
        for number in range(5):
            yield send_message(Message(f"{number}", buttons=(Button("Yes"),)))
        yield get_client_response()

    async with client_of(app_of(Orchestrator(chatty, store=MemoryStore(), history=2))) as http:
        client = Client(http)
        turn = await client.start()
        assert texts(turn) == ["0", "1", "2", "3", "4"]
        assert {message["number"] for message in turn["messages"]} == {None}
        assert turn["messages"][0]["buttons"] == []
        assert texts(await client.read()) == ["3", "4"]


async def test_paths_and_methods_that_are_not_there_are_problems_too(client):
    for method, path, status in [("GET", "nothing", 404), ("PUT", "health", 405)]:
        answer = await client.http.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
