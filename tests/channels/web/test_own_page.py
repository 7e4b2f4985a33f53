"""The client in JavaScript that the docs show, in a real browser."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from dialogs.stores import MemoryStore
from tests.channels.web.people import app_of, serving
from tests.channels.web.site import orchestrator_of

playwright = pytest.importorskip("playwright.async_api")
expect = playwright.expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCS = Path(__file__).parents[3] / "docs" / "channels" / "web.md"
CLIENT, USE = re.findall(
    r"^```javascript\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
PAGE = (
    '<!doctype html><link rel="icon" href="data:,"><div id="log"></div><script type="module">'
    f'import {{ Chat }} from "/chat.js"; {USE} window.chat = chat;</script>'
)


def signed_in(request: Request):
    return request.cookies.get("user")


@pytest.fixture
def host():
    """A site with its own page and its own sign-in, and the chat under /help."""
    host = FastAPI()
    host.mount("/help", app_of(orchestrator_of(MemoryStore()), auth=signed_in))
    host.get("/chat.js")(lambda: Response(CLIENT, media_type="text/javascript"))
    host.get("/")(lambda: HTMLResponse(PAGE))
    return host


async def test_the_client_of_the_docs_says_and_shows_everything_once(person, host):
    """Given a connection that is lost before each message is said."""
    async with serving(host) as url:
        await person.add_cookies([{"name": "user", "value": "ada", "url": url}])
        page = await person.new_page()
        shown = page.locator("#log p")
        await page.goto(url)
        await expect(shown).to_have_text(["Bot: What shall it be? A game, or pizza?"])

        await page.evaluate("chat.socket.close(); chat.say({ text: 'pizza' })")
        await expect(shown).to_have_count(3)
        await page.evaluate("chat.say({ button: { message: chat.after, index: 0 } })")
        await expect(shown).to_have_count(5)
        await page.evaluate("chat.say({ text: 'yes' }); chat.socket.close()")
        await expect(shown).to_have_count(7)

        whole = await shown.all_text_contents()
        assert whole[1:5] == ["You: pizza", "Bot: Which size?", "You: Small", "Bot: With olives?"]
        assert whole[5] == "You: yes"
        await page.wait_for_function("chat.queue.length === 0")
        await page.reload()
        await expect(shown).to_have_text(whole)


async def test_the_client_of_the_docs_stops_where_nobody_is_signed_in(person, host):
    async with serving(host) as url:
        page = await person.new_page()
        async with page.expect_response("**/conversations") as answered:
            await page.goto(url)

        assert (await answered.value).status == 401
        assert await page.evaluate("chat.socket === undefined")
