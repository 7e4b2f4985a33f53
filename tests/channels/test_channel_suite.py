"""The channel suite passes on a sound channel, and each of its tests fails on a faulty one."""

from pathlib import Path

import pytest

from dialogs.testing.channel_suite import ChannelSuite
from tests.channels.room import Rooms, Visitor
from tests.outcomes import outcomes_of

FILE = Path(__file__).parent / "faulty_rooms.py"
TESTS = [name for name in dir(ChannelSuite) if name.startswith("test_")]


class TestRooms(ChannelSuite):
    @pytest.fixture
    def channel(self, orchestrator):
        channel = Rooms(orchestrator)
        orchestrator.attach(channel.prefix, channel)
        return channel

    @pytest.fixture
    def meet(self, channel):
        return lambda name: Visitor(channel, name)

    @pytest.fixture
    def unreachable(self):
        return "room:no such room"


@pytest.fixture(scope="module")
def outcomes():
    """What became of the tests: {channel: {test: {"PASSED", "FAILED"}}}."""
    return outcomes_of(FILE)


def test_faulty_channels_are_caught(outcomes):
    assert len(outcomes) >= 25
    not_caught = {
        (channel, test)
        for channel, tests in outcomes.items()
        for test, found in tests.items()
        if "FAILED" not in found
    }
    assert not_caught == set()


def test_every_test_of_the_suite_catches_a_faulty_channel(outcomes):
    assert {test for tests in outcomes.values() for test in tests} == set(TESTS)
