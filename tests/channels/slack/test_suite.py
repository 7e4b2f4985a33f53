"""The channel suite over Slack: direct messages, threads, and whole channels."""

import pytest

from dialogs.channels.slack import SlackChannel
from dialogs.testing.channel_suite import ChannelSuite
from tests.channels.slack.fake_slack import TEAM
from tests.channels.slack.slack_people import User


class TestDirectMessages(ChannelSuite):
    @pytest.fixture
    async def channel(self, orchestrator, served):
        async with SlackChannel(orchestrator, served) as channel:
            yield channel

    @pytest.fixture
    def meet(self, slack, channel):
        return lambda name: User(slack, name)

    @pytest.fixture
    def unreachable(self):
        return f"slack:{TEAM}:C0GONE"


class TestThreads(TestDirectMessages):
    @pytest.fixture
    def meet(self, slack, channel):
        people = {}

        def meet(name):
            if name not in people:
                people[name] = User(slack, name, "C0GENERAL", mentions=True)
            return people[name]

        return meet

    @pytest.fixture
    def unreachable(self):
        return f"slack:{TEAM}:C0GONE:1700000000.000001"


class TestChannels(TestDirectMessages):
    @pytest.fixture
    async def channel(self, orchestrator, served):
        async with SlackChannel(
            orchestrator, served, channels="channel", on_channel_message=True
        ) as channel:
            yield channel

    @pytest.fixture
    def meet(self, slack, channel):
        def meet(name):
            slack.channels.setdefault(f"C0{name.upper()}", [])
            return User(slack, name, f"C0{name.upper()}")

        return meet
