"""Dialogs for programs that do not await, and the blocking face to talk to them by."""

import threading
import time

from dialogs import (
    BlockingOrchestrator,
    Orchestrator,
    dialog,
    get_client_response,
    send_message,
    sleep,
    wait_for_signal,
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
def order():
    yield send_message("Pay, please.")
    receipt = yield wait_for_signal("paid", timeout=60)
    return f"paid: {receipt}"


@dialog
def nap():
    yield sleep(60)
    yield send_message("Good morning!")
    return "rested"


class Phone:
    """Keeps what is sent."""

    def __init__(self):
        self.messages = []
        self.rang = threading.Event()

    async def send_message(self, chat_id, message, *, delivery_id):
        self.messages.append((chat_id, message))
        self.rang.set()


def blocking(root, **options):
    return BlockingOrchestrator(Orchestrator(root, **{"store": MemoryStore(), **options}))


def wait_for(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.005)
