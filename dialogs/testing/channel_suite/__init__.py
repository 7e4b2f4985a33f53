"""What every channel must do, as tests that a channel of your own inherits.

Each sentence of `dialogs.channels.base` has its tests here, in classes that `ChannelSuite` gathers.
The tests know no channels: they talk to a person of the platform, whom you make, and what some
channels cannot do is a fixture.
"""

from __future__ import annotations

from typing import Any

import pytest

# Before they are imported: it makes their bare asserts tell what differed.
pytest.register_assert_rewrite(
    "dialogs.testing.channel_suite.buttons",
    "dialogs.testing.channel_suite.people",
    "dialogs.testing.channel_suite.sending",
    "dialogs.testing.channel_suite.talking",
)

from dialogs.channels.base import Channel  # noqa: E402 - after the rewriting
from dialogs.orchestrator import Orchestrator  # noqa: E402
from dialogs.stores.memory import MemoryStore  # noqa: E402
from dialogs.testing.channel_suite.buttons import Buttons  # noqa: E402
from dialogs.testing.channel_suite.people import Meet, Person  # noqa: E402
from dialogs.testing.channel_suite.probe import probe  # noqa: E402
from dialogs.testing.channel_suite.sending import Sending  # noqa: E402
from dialogs.testing.channel_suite.talking import Talking  # noqa: E402
from dialogs.testing.outside import FakeClock  # noqa: E402

__all__ = ["ChannelSuite", "Person"]


class ChannelSuite(Talking, Buttons, Sending):
    """The tests of a channel; needs pytest, and pytest-asyncio in its auto mode.

    Inherit it in a class that pytest collects, and give it two fixtures: `channel`, joined to the
    suite's `orchestrator` and at work; and `meet`, a function that makes a `Person` of a name, who
    talks to that channel as the platform's people do:

        class TestMyChannel(ChannelSuite):
            @pytest.fixture
            async def channel(self, orchestrator):
                channel = MyChannel(orchestrator)
                orchestrator.attach(channel.prefix, channel)
                async with serving(channel):
                    yield channel

            @pytest.fixture
            def meet(self, channel):
                return lambda name: MyPerson(channel, name)

    What a channel cannot do is said by overriding one of the other fixtures. In pytest-asyncio's
    strict mode, mark the class with `pytest.mark.asyncio`, and async fixtures with
    `pytest_asyncio.fixture`.
    """

    @pytest.fixture
    def clock(self) -> FakeClock:
        """The orchestrator's clock, which the suite advances."""
        return FakeClock()

    @pytest.fixture
    def orchestrator(self, clock: FakeClock) -> Orchestrator:
        """Runs the suite's dialog for the channel. Its timers are the suite's to run."""
        return Orchestrator(probe, store=MemoryStore(), clock=clock, history=1_000)

    @pytest.fixture
    def channel(self, orchestrator: Orchestrator) -> Any:
        """The channel under test, attached to the orchestrator, and at work until the test ends."""
        raise NotImplementedError("Give the suite a fixture `channel`. See ChannelSuite.")

    @pytest.fixture
    def meet(self, channel: Channel) -> Meet:
        """Makes a `Person` of a name; the same name again is the same person, come back."""
        raise NotImplementedError("Give the suite a fixture `meet`. See ChannelSuite.")

    # --- what a channel can do ----------------------------------------------------------------

    @pytest.fixture
    def events_have_ids(self) -> bool:
        """Whether the platform may repeat an event, and names it so that it can be told."""
        return True

    @pytest.fixture
    def buttons_stay(self) -> bool:
        """Whether a button can still be pressed when its question was answered."""
        return True

    @pytest.fixture
    def repeats_are_dropped(self) -> bool:
        """Whether a message that is sent again under its delivery id is seen once."""
        return True

    @pytest.fixture
    def errors_are_private(self) -> bool:
        """Whether people are not told what went wrong in the dialog's code."""
        return True

    @pytest.fixture
    def unreachable(self) -> str | None:
        """A chat id of the channel's that can never be reached; None: there is none."""
        return None
