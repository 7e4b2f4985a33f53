"""The bots that the orchestrator's tests talk to, and a message that is given up."""

import asyncio

import pytest

from dialogs import (
    Orchestrator,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.senders import UnsteadyStore


@dialog
def greet():
    yield send_message("Name?")
    name = yield get_client_response()
    yield send_message("Age?")
    age = yield get_client_response()
    return name, age


@dialog
def collect():
    """Everything that was said, until "done"."""
    heard = []
    while (word := (yield get_client_response())) != "done":
        heard.append(word)
        yield send_message(len(heard))
    return heard


@dialog
def echo():
    """Says every word twice."""
    yield send_message("Go on.")
    heard = []
    while (word := (yield get_client_response())) != "done":
        heard.append(word)
        yield send_message(f"{word} 1")
        yield send_message(f"{word} 2")
    return heard


class Code:
    """A dialog whose code can be broken and repaired, as by deployments."""

    def __init__(self):
        self.broken = False
        self.runs = 0

    def root(self):
        @dialog(name="code")
        def code():
            yield send_message("Name?")
            name = yield get_client_response()
            self.runs += 1
            if self.broken:
                raise ValueError(f"cannot greet {name}")
            yield send_message(f"Hello, {name}!")
            return (yield get_client_response())

        return code


def orchestrator(root=greet, **options):
    options.setdefault("store", MemoryStore())
    options.setdefault("clock", FakeClock())
    return Orchestrator(root, **options)


class Bots:
    """Workers of one store, each with a sender of its own kind, and a clock."""

    def __init__(self, root=echo):
        self.root, self.store, self.clock = root, UnsteadyStore(), FakeClock()

    def bot(self, sender, **options):
        return Orchestrator(self.root, store=self.store, clock=self.clock, sender=sender, **options)


async def given_up(stop, work):
    """Cancel a task that has stopped at a call of the store, which then goes on."""
    await stop.reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    stop.opened.set()
