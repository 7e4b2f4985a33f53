"""Sockets: who hears nothing, and which frames, floods and silences close one."""

import json
import time

from dialogs import dialog, send_message as say
from dialogs.channels.web import live as lines
from dialogs.stores import MemoryStore
from tests.channels.web.people import Client, app_of, client_at, live, met, serving, site
from tests.channels.web.security.attempts import changed
from tests.channels.web.site import orchestrator_of


async def test_a_socket_without_a_valid_token_hears_nothing():
    app = site()
    async with met(app) as (url, ada):
        for token in [*changed(ada.token), app.state.talk.tokens.sign(ada.id, "ticket")]:
            async with live(url, token) as socket:
                assert await socket.closed() == 4401
                assert socket.heard == []


async def test_a_first_frame_that_is_no_hello_closes_the_socket():
    frames = {
        "{": 4400,
        "[]": 4400,
        '{"type": "ping"}': 4400,
        '{"type": "message", "message_id": "1", "text": "pizza"}': 4400,
        '{"type": "hello", "token": 5}': 4400,
        '{"type": "hello", "token": ""}': 4401,
        '{"type": "hello", "token": "a", "after": -1}': 4400,
        '{"type": "hello", "token": "\\ud800"}': 4400,
        b'{"type": "hello", "token": "a"}': 1003,
        "x" * 16_385: 1009,
    }
    async with serving(site()) as url:
        for frame, code in frames.items():
            async with live(url, None) as socket:
                await socket.connection.send(frame)
                assert await socket.closed() == code, frame


async def test_a_frame_that_is_not_understood_closes_the_socket():
    frames = {
        "{": 4400,
        '{"type": "hello", "token": "a"}': 4400,
        '{"type": "message", "text": "no id"}': 4400,
        '{"type": "message", "message_id": "1"}': 4400,
        '{"type": "start", "root": ""}': 4400,
        '{"type": "start", "root": ["pizza"]}': 4400,
        '{"type": "start", "chat_id": "web:another"}': 4400,
        '{"type": "watch"}': 4400,
        '{"type": "watch", "view": null}': 4400,
        '{"type": "watch", "view": "secrets", "id": "another"}': 4400,
        json.dumps({"type": "message", "message_id": "1", "text": "x" * 16_384}): 1009,
        b"\x00": 1003,
    }
    async with met(site()) as (url, ada):
        for frame, code in frames.items():
            async with live(url, ada.token) as socket:
                await socket.next("news")
                await socket.connection.send(frame)
                assert await socket.closed() == code, frame
        assert len((await ada.read())["messages"]) == 1


async def test_a_closed_socket_is_told_where_its_frame_is_wrong():
    frames = {
        '{"type": "message", "text": "no id"}': "message.message_id Field required",
        json.dumps({"type": "start", "é" * 300: 1}): "start.é",
    }
    async with serving(site()) as url:
        for frame, reason in frames.items():
            async with live(url, None) as socket:
                await socket.send(type="hello")
                await socket.next("news")
                await socket.connection.send(frame)
                assert await socket.closed() == 4400
                told = socket.connection.close_reason
                assert told.startswith(f"the frame is not understood: {reason}")


async def test_a_socket_begins_no_root_and_sees_no_view_that_the_app_does_not_give():
    orchestrator = orchestrator_of(MemoryStore())
    orchestrator.add_root("payroll", payroll)
    async with serving(app_of(orchestrator)) as url, live(url, None) as socket:
        await socket.send(type="hello")
        for frame in ({"type": "start", "root": "payroll"}, {"type": "watch", "view": "secrets"}):
            await socket.send(**frame)
            refused = await socket.next("refused")
            assert (refused["message_id"], refused["problem"]["status"]) == (None, 404)
        assert [one async for one in orchestrator.conversations()] == []


@dialog
def payroll():
    yield say("Everybody's wages.")


async def test_sockets_start_as_few_conversations_as_requests_do():
    async with serving(site(starts_per_minute=3)) as url, client_at(url) as http:
        await Client(http).start()
        for code in (None, None, 4429):
            async with live(url, None) as socket:
                await socket.send(type="hello")
                if code is None:
                    assert (await socket.next())["type"] == "welcome"
                else:
                    assert await socket.closed() == code
                    assert socket.heard == []


async def test_a_socket_watches_as_rarely_as_requests_read(monkeypatch):
    app = site(messages_per_minute=1)
    monkeypatch.setattr(app.state.talk.readings, "_clock", lambda: 0.0)
    app.state.talk.views["nothing"] = lambda _conversation: None
    async with serving(app) as url, live(url, None) as socket:
        await socket.send(type="hello")
        for _ in range(11):
            await socket.send(type="watch", view="nothing")
        assert (await socket.next("refused"))["problem"]["status"] == 429
        assert sum(frame["type"] == "view" for frame in socket.heard) == 10


async def test_a_view_that_fails_tells_nothing_of_the_inside():
    app = site()
    app.state.talk.views["broken"] = lambda _conversation: {}["hunter2"]
    async with serving(app) as url, live(url, None) as socket:
        await socket.send(type="hello")
        await socket.send(type="watch", view="broken")
        assert await socket.next("view") == {"type": "view", "view": "broken", "value": None}
        await socket.send(type="start")
        await socket.next("answered")


async def test_a_socket_that_says_nothing_is_closed(monkeypatch):
    monkeypatch.setattr(lines, "SILENCE_S", 0.1)
    async with met(site()) as (url, ada):
        async with live(url, ada.token) as socket:
            assert await socket.closed() == 4408
        monkeypatch.setattr(lines, "HELLO_S", 0.1)
        async with live(url, None) as socket:
            assert await socket.closed() == 4408


async def test_a_conversation_is_open_in_so_many_places_and_no_more():
    app = site(sockets_per_conversation=2)
    async with serving(app) as url, client_at(url) as http:
        ada, eve = Client(http), Client(http)
        await ada.start()
        await eve.start()
        async with live(url, ada.token) as one, live(url, ada.token) as two:
            await one.next("news")
            await two.next("news")
            async with live(url, ada.token) as three:
                assert await three.closed() == 4409
            async with live(url, eve.token) as other:
                await other.next("news")
            await ada.say("pizza")
            while "Which size?" not in one.texts:
                await one.next("news")


async def test_a_flood_of_frames_closes_the_socket(monkeypatch):
    monkeypatch.setattr(lines, "FRAMES_A_MINUTE", 20)
    async with met(site()) as (url, ada), live(url, ada.token) as socket:
        for _ in range(25):
            await socket.send(type="ping")
        assert await socket.closed() == 4429


async def test_messages_that_wait_for_a_slow_turn_have_a_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(lines, "WAITING", 3)
    async with met(site()) as (url, ada):
        await ada.say("slow")
        async with live(url, ada.token) as socket:
            for number in range(6):
                text = str(tmp_path / "answer")
                await socket.send(type="message", message_id=str(number), text=text)
            assert await socket.closed() == 4429
        (tmp_path / "answer").write_text("42")


async def test_a_token_that_is_used_is_renewed_before_its_time(monkeypatch):
    app = site(token_age=100)
    async with met(app) as (url, ada):
        async with live(url, ada.token) as socket:
            assert "token" not in await socket.next("welcome")
        half_over = time.time() + 60
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: half_over)
        async with live(url, ada.token) as socket:
            token = (await socket.next("welcome"))["token"]
        assert app.state.talk.tokens.read(token).conversation_id == ada.id


async def test_a_socket_ends_with_its_token(monkeypatch):
    async with met(site(token_age=1)) as (url, ada), live(url, ada.token) as socket:
        assert await socket.closed() in (4440, 4401)
