"""The host's own users: each has a conversation of their own."""

import re

import pytest
from fastapi import HTTPException, Request

from dialogs.channels.web import chat_id_of, live as lines
from dialogs.channels.web.problems import Refused
from tests.channels.web.people import Client, client_at, client_of, live, serving, site
from tests.channels.web.security.attempts import ROUTES, ask, later


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
