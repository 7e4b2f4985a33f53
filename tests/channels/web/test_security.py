"""Every promise of security, and somebody who tries to break it."""

import asyncio
import json
import re
import subprocess
import sys
import time

import pytest
from fastapi import FastAPI, HTTPException, Request
from websockets.exceptions import InvalidStatus

from dialogs import (
    Attachment,
    Message,
    Orchestrator,
    UsageError,
    dialog,
    get_client_response,
    send_message as say,
)
from dialogs.channels.web import chat_id_of, create_app, limits, live as lines
from dialogs.channels.web.limits import Limit
from dialogs.channels.web.problems import Refused
from dialogs.channels.web.tokens import Tokens
from dialogs.channels.web.views import safe_url
from dialogs.stores import MemoryStore
from tests.channels.web.people import Client, app_of, client_at, client_of, live, serving
from tests.channels.web.site import HOSTILE, SECRET, orchestrator_of

ROUTES = [
    ("GET", ""),
    ("POST", "/messages"),
    ("POST", "/start"),
    ("DELETE", ""),
    ("GET", "/files/1/0"),
]


def site(**options):
    return app_of(orchestrator_of(MemoryStore()), **options)


@pytest.fixture
def app():
    return site()


@pytest.fixture
async def http(app):
    async with client_of(app) as http:
        yield http


@pytest.fixture
async def ada(http):
    ada = Client(http)
    await ada.start()
    return ada


@pytest.fixture
async def eve(http):
    eve = Client(http)
    await eve.start()
    return eve


async def ask(http, method, path, token=None, **more):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = {"json": {"text": "I was here"}} if path.endswith("/messages") else {}
    return await http.request(method, path, headers=headers, **body, **more)


# --- another's conversation -------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_the_token_of_another_conversation_opens_nothing(http, ada, eve, method, path):
    answer = await ask(http, method, f"conversations/{ada.id}{path}", eve.token)

    assert answer.status_code == 403
    nobody = await ask(http, method, f"conversations/{'0' * 32}{path}", eve.token)
    assert nobody.json() == answer.json()
    assert len((await ada.read())["messages"]) == 1


NOW = time.time()


def later():
    """Long after all that these tests sign."""
    return NOW + 1_000_000


def changed(token):
    head, _, signature = token.rpartition(".")
    return [
        # Its first letter: the last one has bits that base64 does not read.
        f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        f"{head}.{signature[::-1]}",
        token[:-5],
        token + "A",
        "A" + token,
        token.replace(".", ""),
        "",
        "null",
        token.encode().hex(),
        "é" * 20,
    ]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_token_and_a_changed_one_open_nothing(http, ada, method, path):
    url = f"conversations/{ada.id}{path}"
    for token in [None, *changed(ada.token)]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
        answer = await http.request(method, url, headers=headers)
        assert answer.status_code == 401, token
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len((await ada.read())["messages"]) == 1


async def test_a_token_in_the_address_where_logs_would_keep_it_is_not_taken(http, ada):
    answer = await http.get(f"conversations/{ada.id}", params={"token": ada.token})
    assert answer.status_code == 401


def test_a_token_that_another_secret_signed_is_refused():
    tokens, others = Tokens(SECRET, age_s=60), Tokens("x" * 32, age_s=60)
    with pytest.raises(Refused, match="not valid"):
        tokens.read(others.sign("id"))


def test_a_token_that_is_too_old_is_refused(monkeypatch):
    tokens = Tokens(SECRET, age_s=60)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: NOW)
    token = tokens.sign("id")
    assert 59 < tokens.read(token).left_s <= 60
    monkeypatch.setattr("itsdangerous.timed.time.time", later)
    with pytest.raises(Refused, match="too old"):
        tokens.read(token)


def test_a_ticket_is_no_token_and_a_token_no_ticket():
    tokens = Tokens(SECRET, age_s=60)
    with pytest.raises(Refused):
        tokens.read(tokens.sign("id", "ticket"))
    with pytest.raises(Refused):
        tokens.read(tokens.sign("id"), "ticket")


def test_a_secret_is_exchanged_while_tokens_of_the_old_one_still_hold():
    old, both, new = (Tokens(keys, age_s=60) for keys in ("o" * 16, ["n" * 16, "o" * 16], "n" * 16))
    assert both.read(old.sign("id")).conversation_id == "id"
    assert new.read(both.sign("id")).conversation_id == "id"
    with pytest.raises(Refused):
        new.read(old.sign("id"))


@pytest.mark.parametrize("secret", ["", "short", [], ["x" * 32, "short"], b"bytes"], ids=repr)
def test_a_secret_that_can_be_guessed_is_refused(secret):
    with pytest.raises(UsageError, match="16 characters"):
        site(secret=secret)


async def test_ids_are_random_and_have_128_bits(http):
    ids = {(await http.post("conversations")).json()["id"] for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


# --- the host's own users ---------------------------------------------------------------------


def user_of(request: Request):
    name = request.headers.get("x-user")
    if name == "raises":
        raise HTTPException(401, "Sign in first", {"WWW-Authenticate": "Basic"})
    return name


async def test_with_users_each_has_the_conversation_of_their_own_and_no_other():
    app = site(auth=user_of)
    async with client_of(app, headers={"x-user": "ada"}) as http:
        started = (await http.post("conversations")).json()
        assert f"web:{started['id']}" == chat_id_of("ada")
        url = f"conversations/{started['id']}"
        assert (await http.get(url)).status_code == 200
        for user in ("eve", "Ada", "ada ", "", "user-ada"):
            for method, path in ROUTES:
                answer = await ask(http, method, url + path, started["token"])
                assert answer.status_code != 401
                headers = {"x-user": user}
                answer = await http.request(method, url + path, headers=headers)
                assert answer.status_code in ((401,) if not user.strip() else (403, 401)), user
                if method == "DELETE":
                    await http.post("conversations")
        refused = await http.get(url, headers={"x-user": "raises"})
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Basic")
        assert (await http.post("conversations", headers={"x-user": ""})).status_code == 401


async def test_with_users_a_conversation_is_found_again_and_not_begun_again():
    async with client_of(site(auth=user_of), headers={"x-user": "ada"}) as http:
        client = Client(http)
        await client.start()
        await client.say("pizza")
        turn = await client.start()
        assert turn["messages"] == []
        assert len((await client.read())["messages"]) == 3


def test_no_two_users_share_a_conversation():
    users = ["ada", "Ada", "a/da", "a da", "..", "ada\n", "é", "e\u0301", 1, "x" * 201, "\ud800"]
    users += [chat_id_of("a/da").removeprefix("web:"), chat_id_of("ada").removeprefix("web:")]
    ids = [chat_id_of(user) for user in users]
    assert len(set(ids)) == len(users)
    assert all(re.fullmatch(r"web:[\w.@-]{1,250}", each) for each in ids)
    for nobody in (None, "", False):
        with pytest.raises(Refused):
            chat_id_of(nobody)


async def test_with_users_a_socket_needs_a_ticket_of_the_last_minute(monkeypatch):
    app = site(auth=user_of)
    async with (
        serving(app) as url,
        client_at(url, headers={"x-user": "ada"}) as http,
    ):
        ticket = (await http.post("conversations")).json()["token"]
        async with live(url, ticket) as socket:
            await socket.next("news")
        async with live(url, app.state.talk.tokens.sign("user-ada")) as socket:
            assert await socket.closed() == 4401
        async with live(url, None) as socket:
            await socket.send(type="hello")
            assert await socket.closed() == 4401
            assert socket.heard == []
        monkeypatch.setattr("itsdangerous.timed.time.time", later)
        async with live(url, ticket) as socket:
            assert await socket.closed() == 4401


async def test_with_users_a_socket_has_to_come_again_after_a_while(monkeypatch):
    monkeypatch.setattr(lines, "USERS_S", 0.2)
    async with (
        serving(site(auth=user_of)) as url,
        client_at(url, headers={"x-user": "ada"}) as http,
    ):
        ticket = (await http.post("conversations")).json()["token"]
        async with live(url, ticket) as socket:
            assert await socket.closed() == 4440


# --- sockets ----------------------------------------------------------------------------------


async def test_a_socket_without_a_valid_token_hears_nothing():
    app = site()
    async with serving(app) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
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
    async with serving(site()) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
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
    async with serving(site()) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
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
    async with serving(site()) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
        async with live(url, ada.token) as socket:
            for _ in range(25):
                await socket.send(type="ping")
            assert await socket.closed() == 4429


async def test_messages_that_wait_for_a_slow_turn_have_a_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(lines, "WAITING", 3)
    async with serving(site()) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
        await ada.say("slow")
        async with live(url, ada.token) as socket:
            for number in range(6):
                text = str(tmp_path / "answer")
                await socket.send(type="message", message_id=str(number), text=text)
            assert await socket.closed() == 4429
        (tmp_path / "answer").write_text("42")


async def test_a_token_that_is_used_is_renewed_before_its_time(monkeypatch):
    app = site(token_age=100)
    async with serving(app) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
        async with live(url, ada.token) as socket:
            assert "token" not in await socket.next("welcome")
        half_over = time.time() + 60
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: half_over)
        async with live(url, ada.token) as socket:
            token = (await socket.next("welcome"))["token"]
        assert app.state.talk.tokens.read(token).conversation_id == ada.id


async def test_a_socket_ends_with_its_token(monkeypatch):
    async with serving(site(token_age=1)) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
        async with live(url, ada.token) as socket:
            assert await socket.closed() in (4440, 4401)


# --- origins ----------------------------------------------------------------------------------

FOREIGN = ["http://evil.example", "null", "http://chat.example.evil.example", "file://", "http://["]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_another_site_cannot_do_anything(http, ada, origin):
    for method, path in [*ROUTES, ("POST", None)]:
        if method == "GET":
            continue
        url = "conversations" if path is None else f"conversations/{ada.id}{path}"
        headers = {**ada.headers, "Origin": origin}
        answer = await http.request(method, url, headers=headers, json={"text": "hi"})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert len((await ada.read())["messages"]) == 1


async def test_a_page_of_another_site_opens_no_socket():
    async with serving(site()) as url:
        for origin in FOREIGN:
            with pytest.raises(InvalidStatus) as caught:
                async with live(url, None, origin=origin):
                    pass
            assert caught.value.response.status_code == 403


async def test_the_own_site_and_the_named_ones_may():
    app = site(allowed_origins=["https://www.example.com"])
    async with serving(app) as url, client_at(url) as http:
        own = url.rstrip("/")
        for origin in (own, own.replace("http", "https"), "https://www.example.com"):
            answer = await http.post("conversations", headers={"Origin": origin})
            assert answer.status_code == 201
            async with live(url, answer.json()["token"], origin=origin) as socket:
                await socket.next("news")
        asked = {"Origin": "https://www.example.com", "Access-Control-Request-Method": "POST"}
        answer = await http.options("conversations", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://www.example.com"
        answer = await http.options("conversations", headers=asked | {"Origin": FOREIGN[0]})
        assert "access-control-allow-origin" not in answer.headers


# --- sizes and rates --------------------------------------------------------------------------


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
    async with serving(app) as url, client_at(url) as http:
        ada = Client(http)
        await ada.start()
        async with live(url, ada.token) as socket:
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


# --- what is served ---------------------------------------------------------------------------


async def test_every_answer_has_the_headers_of_safety(http, ada):
    paths = [
        "",
        "chat.js",
        "chat.css",
        "health",
        "openapi.json",
        "nothing",
        f"conversations/{ada.id}",
    ]
    for path in paths:
        answer = await http.get(path, headers=ada.headers if "conv" in path else {})
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        page = path in ("", "chat.js", "chat.css")
        assert answer.headers["cache-control"] == ("no-cache" if page else "no-store")


async def test_the_page_may_be_framed_by_those_who_are_named():
    async with client_of(site(frame_ancestors=["https://www.example.com"])) as http:
        answer = await http.get("")
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors https://www.example.com;" in policy
        assert "x-frame-options" not in answer.headers


async def test_the_page_has_no_script_and_no_style_of_its_own():
    async with client_of(site(title=HOSTILE)) as http:
        page = (await http.get("")).text
    assert re.findall(r"<script[^>]*>(.*?)</script>", page) == [""]
    assert "<style" not in page
    assert not re.search(r"\son\w+=", page.replace("&quot;", '"').replace(HOSTILE_TEXT, ""))


HOSTILE_TEXT = HOSTILE.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")


async def test_the_scripts_make_no_html_of_text(http):
    for name in ("chat.js", "line.js", "show.js"):
        script = (await http.get(name)).text
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>",
        "file:///etc/passwd",
        "//evil.example/x",
        "\\\\evil.example",
        "/\\evil.example",
        "https:",
        "https:evil.example",
        "http://[",
        "vbscript:x",
        "blob:https://a/b",
        "https://a/\ud800",
    ],
)
def test_an_address_that_runs_something_or_leads_astray_is_dropped(url):
    assert safe_url(url) is None


@pytest.mark.parametrize(
    "url", ["https://a.example/b?c=d#e", "HTTP://a.example", "/menu.pdf", "menu.pdf", "a/b?c:d"]
)
def test_an_address_of_the_web_or_of_the_site_is_kept(url):
    assert safe_url(url) == url


async def test_the_name_of_a_file_breaks_out_of_no_header():
    name = 'a"; filename=evil.exe\r\nSet-Cookie: a=b\r\n\r\n<script>é漢\ud800'

    @dialog
    def sends():
        yield say(Message("?", attachments=(Attachment(name, content=b"x"),)))
        yield get_client_response()

    app = app_of(Orchestrator(sends, store=MemoryStore(), history=9))
    async with client_of(app) as http:
        ada = Client(http)
        turn = await ada.start()
        answer = await http.get(turn["messages"][0]["attachments"][0]["file"], headers=ada.headers)
    assert answer.content == b"x"
    assert "set-cookie" not in answer.headers
    place, plain, _ = re.split("; filename", answer.headers["content-disposition"])
    assert place == "attachment"
    assert re.fullmatch(r'="[\w. -]+"', plain)


# --- wrong ways to make one -------------------------------------------------------------------


def test_an_orchestrator_without_a_history_is_refused():
    @dialog
    def deaf():
        yield get_client_response()

    orchestrator = Orchestrator(deaf, store=MemoryStore())
    with pytest.raises(UsageError, match="history"):
        create_app(orchestrator, secret=SECRET)


def test_two_apps_of_one_orchestrator_are_refused():
    orchestrator = orchestrator_of(MemoryStore())
    app_of(orchestrator)
    with pytest.raises(UsageError, match="web:"):
        app_of(orchestrator)


@pytest.mark.parametrize("library", ["fastapi", "itsdangerous"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(library):
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "import dialogs.channels.web as web\n"
        "try: web.create_app\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"create_app() needs {library}" in done.stdout
    assert 'pip install "resumable-dialogs[web]"' in done.stdout


# --- mounted ----------------------------------------------------------------------------------


async def test_it_works_under_any_path_of_another_app():
    chat = site(timers=True)
    host = FastAPI(lifespan=lambda _: chat.router.lifespan_context(chat))
    host.mount("/help/chat", chat)
    async with serving(host) as url:
        base = f"{url}help/chat/"
        async with client_at(base) as http:
            page = await http.get("")
            assert page.status_code == 200
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert not re.search(r'(src|href)="/', page.text)
            ada = Client(http)
            await ada.start()
            await ada.say("files")
            file = (await ada.read())["messages"][-1]["attachments"][0]["file"]
            assert (await http.get(file, headers=ada.headers)).status_code == 200
            async with live(base, ada.token) as socket:
                await socket.next("news")
                assert socket.texts[-1] == "Here they are."


async def test_the_lifespan_owns_the_store_unless_told_otherwise():
    class Store(MemoryStore):
        closed = False

        async def close(self):
            self.closed = True

    for owns in (True, False):
        store = Store()
        app = app_of(orchestrator_of(store), owns_store=owns, timers=True)
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0)
        assert store.closed == owns
