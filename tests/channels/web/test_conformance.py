"""The channel suite passes on the web channel."""

import pytest

from dialogs.testing.channel_suite import ChannelSuite
from tests.channels.web.people import Client, app_of, client_of


class Visitor:
    """Somebody who talks over REST as the page does; a browser of that name keeps the token."""

    def __init__(self, http, browser):
        self.client = Client(http)
        self.browser = browser

    @property
    def chat_id(self):
        return f"web:{self.client.id}"

    async def arrive(self):
        if "token" not in self.browser:
            await self.client.start()
            self.browser |= {"id": self.client.id, "token": self.client.token, "notices": []}
        self.client.id, self.client.token = self.browser["id"], self.browser["token"]

    async def say(self, text, *, event_id=None):
        more = {} if event_id is None else {"message_id": event_id}
        self.note(await self.client.post(text=text, **more))

    async def press(self, label, which=-1):
        places = [
            {"message": message["number"], "index": button["index"]}
            for message in (await self.client.read())["messages"]
            for button in message["buttons"]
            if button["label"] == label
        ]
        self.note(await self.client.post(button=places[which]))

    def note(self, answer):
        """What the page says to an answer."""
        body = answer.json()
        if answer.status_code >= 400:
            self.browser["notices"].append(body["detail"])
        elif body["stale"]:
            self.browser["notices"].append("That question is over.")

    async def heard(self):
        said = [
            "\n".join(
                [message["text"]]
                + [button["label"] for button in message["buttons"]]
                + [f"{file['name']} {file['url']}" for file in message["attachments"]]
            )
            for message in (await self.client.read())["messages"]
            if not message["by_client"]
        ]
        return said + self.browser["notices"]


class TestWeb(ChannelSuite):
    @pytest.fixture
    def app(self, orchestrator):
        return app_of(orchestrator, messages_per_minute=10_000)

    @pytest.fixture
    def channel(self, app):
        return app.state.talk.feeds

    @pytest.fixture
    async def meet(self, app):
        browsers = {}
        async with client_of(app) as http:
            yield lambda name: Visitor(http, browsers.setdefault(name, {}))
