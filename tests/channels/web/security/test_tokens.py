"""Tokens and secrets: nobody comes to another's conversation."""

import re

import pytest

from dialogs import UsageError
from dialogs.channels.web.problems import Refused
from dialogs.channels.web.tokens import Tokens
from tests.channels.web.people import site
from tests.channels.web.security.attempts import NOW, ROUTES, ask, changed, later
from tests.channels.web.site import SECRET


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_the_token_of_another_conversation_opens_nothing(http, ada, eve, method, path):
    answer = await ask(http, method, f"conversations/{ada.id}{path}", eve.token)

    assert answer.status_code == 403
    nobody = await ask(http, method, f"conversations/{'0' * 32}{path}", eve.token)
    assert nobody.json() == answer.json()
    assert len((await ada.read())["messages"]) == 1


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
