"""A real browser and real servers: Debian's Chromium, driven by Playwright; uvicorn."""

import os
import shutil
import sys

import pytest
import pytest_asyncio

from dialogs.channels.web import live
from tests.servers.base import Process, answers, free_port, missing, wait_until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Site:
    """The site of `site.py`, as a process.

    Attributes:
        url: its page.
    """

    def __init__(self, folder, *, port=None):
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self):
        command = [sys.executable, "-m", "tests.channels.web.site"]
        self.process = Process(
            [*command, str(self.port), self.folder / "site.db"], log=self.folder / "site.log"
        )
        wait_until(lambda: answers("127.0.0.1", self.port), self.process, "the site")

    def kill(self):
        self.process.kill()


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """On a slow machine, too, a socket says in time who it is."""
    monkeypatch.setattr(live, "HELLO_S", 60)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.kill()


@pytest.fixture
def own_site(tmp_path):
    """A site that a test may kill."""
    site = Site(tmp_path)
    yield site
    site.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    path = os.environ.get("DIALOGS_TEST_CHROMIUM", path)
    if path is None:
        missing("Chromium")
    playwright = pytest.importorskip("playwright.async_api")
    playwright.expect.set_options(timeout=60_000)
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=FLAGS, timeout=90_000)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def person(chromium):
    """A browser profile of its own: cookies, storage and tabs."""
    context = await chromium.new_context(viewport={"width": 900, "height": 700})
    context.set_default_timeout(60_000)
    yield context
    await context.close()
