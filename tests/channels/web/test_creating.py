"""Creating an app: wrong ways to, and where it is mounted."""

import asyncio
import re
import subprocess
import sys

import pytest
from fastapi import FastAPI

from dialogs import Orchestrator, UsageError, dialog, get_client_response
from dialogs.channels.web import create_app
from dialogs.stores import MemoryStore
from tests.channels.web.people import Client, app_of, client_at, live, serving, site
from tests.channels.web.site import SECRET, orchestrator_of

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
