"""What is served: headers, the page, addresses and names of files."""

import re

import pytest

from dialogs import (
    Attachment,
    Message,
    Orchestrator,
    dialog,
    get_client_response,
    send_message as say,
)
from dialogs.channels.web.views import safe_url
from dialogs.stores import MemoryStore
from tests.channels.web.people import Client, app_of, client_of, site
from tests.channels.web.site import HOSTILE


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
