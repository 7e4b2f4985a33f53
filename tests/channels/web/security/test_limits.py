"""Sizes and rates: how long a request is, and how many come."""

import pytest
from websockets.exceptions import InvalidStatus

from dialogs.channels.web import limits
from dialogs.channels.web.limits import Limit
from dialogs.channels.web.problems import Refused
from tests.channels.web.people import Client, client_of, live, met, serving, site


async def test_a_request_that_is_too_long_is_refused_before_it_is_read(http, ada):
    async def endless():
        for _ in range(100):
            yield b"x" * 1_000
        raise AssertionError("all of it was read")

    url = f"conversations/{ada.id}/messages"
    for body in ({"json": {"text": "x" * 16_384}}, {"content": endless()}):
        answer = await http.post(url, headers=ada.headers, **body)
        assert answer.status_code == 413
    longest = "x" * (16_384 - len('{"text":""}'))
    answer = await http.post(url, headers=ada.headers, json={"text": longest})
    assert answer.status_code == 200


async def test_a_conversation_takes_so_many_messages_and_others_go_on():
    async with client_of(site(messages_per_minute=3)) as http:
        ada, eve = Client(http), Client(http)
        await ada.start()
        await eve.start()
        for _ in range(3):
            await ada.say("game")
        for path in ("messages", "start"):
            answer = await ada.post(path, text="game")
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= 20
        await eve.say("game")


async def test_a_conversation_is_read_so_often(monkeypatch):
    app = site(messages_per_minute=1)
    monkeypatch.setattr(app.state.talk.readings, "_clock", lambda: 0.0)
    async with client_of(app) as http:
        ada = Client(http)
        await ada.start()
        assert [(await ada.get()).status_code for _ in range(11)] == [200] * 10 + [429]
        assert (await ada.get("/files/1/0")).status_code == 429


async def test_a_socket_is_told_when_to_send_a_message_again():
    app = site(messages_per_minute=1)
    async with met(app) as (url, ada), live(url, ada.token) as socket:
        for message_id in "12":
            await socket.send(type="message", message_id=message_id, text="game")
        refused = await socket.next("refused")
        assert refused["message_id"] == "2"
        assert 1 <= refused["problem"]["retry_after"] <= 60


async def test_an_address_starts_so_many_conversations():
    async with client_of(site(starts_per_minute=2)) as http:
        assert [(await http.post("conversations")).status_code for _ in range(3)] == [201, 201, 429]


async def test_an_address_opens_so_many_sockets():
    async with serving(site(connections_per_minute=2)) as url:
        for _ in range(2):
            async with live(url, None):
                pass
        with pytest.raises(InvalidStatus) as caught:
            async with live(url, None):
                pass
        assert caught.value.response.status_code == 429


def test_a_bucket_fills_again_and_a_full_one_is_forgotten(monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEYS", 10)
    now = 0.0
    limit = Limit(60, "things", clock=lambda: now)
    for _ in range(60):
        limit.take("ada")
    with pytest.raises(Refused) as caught:
        limit.take("ada")
    assert caught.value.retry_after_s == 1
    now = 1.0
    limit.take("ada")
    for number in range(100):
        limit.take(f"eve {number}")
    assert len(limit._buckets) <= 11
