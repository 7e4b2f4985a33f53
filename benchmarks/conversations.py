"""The benchmark dialog, and conversations of a given length with it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks.measure import Candidate
from dialogs import Orchestrator, call, dialog, get_client_response, run_gen_dialog, send_message
from dialogs.log import Log
from dialogs.stores import MemoryStore, Store


def questions() -> Any:
    """Say, wait, draw a random number, without end."""
    number = 0
    while True:
        yield send_message(f"Question {number}?")
        yield get_client_response()
        yield call(random.random)
        number += 1


questions_dialog = dialog(questions)


class Kept:
    """Persistence that costs nothing: the log is handed in, and found in `log` afterwards."""

    def __init__(self, log: bytes | None = None) -> None:
        self.log = log

    def load(self) -> bytes | None:
        return self.log

    def save(self, log: bytes) -> None:
        self.log = log


def answer_of(turn: int) -> str:
    """What the client says in a turn: short, and never the same."""
    return f"answer {turn}"


def after(turns: int, make: Callable[[], Any] = questions_dialog) -> bytes:
    """The log of a conversation after so many turns."""
    kept = Kept()
    random.seed(0)
    run_gen_dialog(make(), kept, "")
    for turn in range(turns):
        run_gen_dialog(make(), kept, answer_of(turn))
    assert kept.log is not None
    return kept.log


def answers(log: bytes) -> list[Any]:
    """All answers that a log keeps, those of its outermost dialog first."""
    return [value for frame in Log.decode(log).frames for value in frame.values]


def candidate(make: Callable[[], Any], turns: int, kept: slice = slice(None)) -> Candidate:
    """This library answering the next message of a conversation.

    Args:
        make: makes the dialog.
        turns: how long the conversation is.
        kept: which of the log's answers are compared.
    """
    log, answer = after(turns, make), answer_of(turns)
    return Candidate(
        lambda kept: (run_gen_dialog(make(), kept, answer), kept),
        lambda: Kept(log),
        lambda outcome: (outcome[0].messages, answers(outcome[1].log)[kept]),
    )


async def body_after(turns: int, make: Any = questions_dialog, *, history: int = 0) -> bytes:
    """The bytes of an orchestrator's conversation after so many turns.

    Args:
        turns: how many.
        make: makes the dialog.
        history: how many messages of both sides it keeps.
    """
    orchestrator = Orchestrator(make, store=MemoryStore(), history=history)
    await orchestrator.start("key")
    for turn in range(turns):
        await orchestrator.handle_message("key", answer_of(turn), message_id=f"id-{turn}")
    stored = await orchestrator.store.load("key", now=time.time())
    assert stored is not None
    return stored.body


async def put(store: Store, keys: list[str], body: bytes) -> None:
    """Put conversations back to where they were."""

    async def put_one(key: str) -> None:
        claim = await store.claim(key, now=time.time(), lease_s=30)
        await store.commit(claim, body, now=time.time(), status="WAITING_FOR_RESPONSE")

    await asyncio.gather(*map(put_one, keys))
