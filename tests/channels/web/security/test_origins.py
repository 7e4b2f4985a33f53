"""Pages of other sites: what they cannot do, and which may."""

import pytest
from websockets.exceptions import InvalidStatus

from tests.channels.web.people import client_at, live, serving, site
from tests.channels.web.security.attempts import ROUTES

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
