"""Dialogs for programs that do not await, and the blocking face to talk to them by."""

import time

from dialogs import (
    BlockingOrchestrator,
    Orchestrator,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from dialogs.stores import MemoryStore


@dialog
def collect():
    """Collects what is said until somebody says stop."""
    words = []
    while (word := (yield get_client_response())) != "stop":
        words.append(word)
        yield send_message(f"{len(words)}")
    return words


@dialog
def nap():
    yield sleep(60)
    yield send_message("Good morning!")
    return "rested"


def blocking(root, **options):
    return BlockingOrchestrator(Orchestrator(root, **{"store": MemoryStore(), **options}))


def wait_for(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.005)
