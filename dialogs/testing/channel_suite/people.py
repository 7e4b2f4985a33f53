"""The person who talks to the channel under test, and waiting for what is shown to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from dialogs.testing.channel_suite.probe import GREETING

PATIENCE_S = 10.0
"""How long a test waits for something to be shown, in seconds of the real clock."""

GLANCE_S = 0.01
"""How long it waits between two looks."""


class Person(Protocol):
    """Somebody on the platform, as a test of a channel needs them. You write it.

    What they do goes the way that the platform's events go: through the web server, the socket or
    the prompt, not into the orchestrator. What the channel raises about it is not theirs to see.

    Attributes:
        chat_id: their conversation's chat id, once they have arrived; asked of the channel, or
            made as it makes them.
    """

    @property
    def chat_id(self) -> str: ...  # noqa: D102 - told above

    async def arrive(self) -> None:
        """Begin the conversation as people do here: open the page, or say a first word.

        The dialog greets them then, whatever the first word is.
        """
        ...

    async def say(self, text: str, *, event_id: str | None = None) -> None:
        """Say something.

        Args:
            text: what they type, as they see it.
            event_id: the platform's name for the event; the same again is the same event, which
                the platform repeats. None: a new one, with a name of its own.
        """
        ...

    async def press(self, label: str, which: int = -1) -> None:
        """Press a button; where there are none to press, give the answer that stands for it.

        Args:
            label: what is on it.
            which: which of the buttons with this label they were shown, in order; -1 is the last.
        """
        ...

    async def heard(self) -> list[str]:
        """All that they were shown so far, in order, and not what they said themselves.

        One text for each message: its words as a person sees them, the labels of its buttons, the
        names of its files. What the channel itself tells them is a message, too.
        """
        ...


Meet = Callable[[str], Person]
"""Makes a person of a name."""


async def arrived(person: Person) -> Person:
    """A person who has been greeted."""
    await person.arrive()
    await hears(person, GREETING)
    return person


async def hears(person: Person, words: str, times: int = 1) -> list[str]:
    """Wait until a person was shown these words so many times; returns all that they were shown."""
    return await sees(
        person, lambda heard: "\n".join(heard).count(words) >= times, f"{words!r} {times} time(s)"
    )


async def sees(person: Person, is_it: Callable[[list[str]], bool], what: str) -> list[str]:
    """Wait until what a person was shown is as it should be; returns it."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        heard = await person.heard()
        if is_it(heard):
            return heard
        assert time.monotonic() < give_up, f"{what} was not shown; what was: {heard}"
        await asyncio.sleep(GLANCE_S)


async def tells(person: Person, text: str, number: int) -> list[str]:
    """Say something that the dialog repeats with its number; returns all that was shown by then."""
    await person.say(text)
    return await hears(person, repeated(number, text))


def repeated(number: int, answer: object) -> str:
    """What the dialog says to its so manieth answer."""
    return f"No. {number}: {answer!r}"
