"""Two people at one site, each with a token of their own."""

import pytest

from tests.channels.web.people import Client, client_of, site


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
