"""Runs a script over a store that fails, retries as callers do, and compares with a good run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dialogs import Busy, Conversation, Orchestrator, StoreUnavailable, Turn
from dialogs.stores import Store
from dialogs.testing import FakeClock
from tests.faults.flaky_store import Failure, FlakyStore
from tests.faults.scripts import Event, Outside, Script

LEASE_S = 30.0
ATTEMPTS = 20


class Hangup(Exception):
    """The caller was cancelled, and does not know whether the turn has happened."""


class Sender:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        self.sent.append((delivery_id, message))


@dataclass
class Told:
    """What came of a script.

    Args:
        turns: the turns of the events with an id.
        said: what was sent, each once, in order of its first sending.
        done: the step keys, each once, in order.
        ended: the status and the result in the end; None: there is no such conversation.
        calls: how many calls the store got.
        failed: how many of them failed.
        wrong: what a caller must not see.
    """

    turns: list[Turn] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    ended: tuple[Any, ...] | None = None
    calls: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)

    def outcome(self) -> Any:
        """What a run over a store that fails has in common with one over a good one.

        Random numbers are drawn anew in each.
        """
        turns = [(turn.messages, turn.status, turn.result, turn.stale) for turn in self.turns]
        return _without_draws([turns, self.said, self.done, self.ended])


async def tell(script: Script, inner: Store, chat_id: str, failure: Failure | None) -> Told:
    """Let a script happen to a conversation.

    Args:
        script: the script.
        inner: where the conversation is kept.
        chat_id: a conversation that is not there yet.
        failure: which calls fail; None: none does.
    """
    return await finish(Telling(script, FlakyStore(inner, failure, FakeClock()), chat_id, Sender()))


async def finish(telling: Telling) -> Told:
    """Tell a script to its end; what came of it."""
    for number, event in enumerate(telling.script.events):
        telling.clock.advance(1 + event.after_s)
        await telling.happen(event, f"id-{number}")
    for _ in range(3):  # what was not sent is sent
        telling.clock.advance(2 * LEASE_S)
        await telling.until_it_happens(Event("timers"), "")
    return await telling.close_books()


class Telling:
    """A script under way.

    Args:
        script: the script.
        store: the store that fails.
        chat_id: the conversation.
        sender: sends what is said, where the script has a sender.
    """

    def __init__(self, script: Script, store: FlakyStore, chat_id: str, sender: Sender) -> None:
        self.script = script
        self.store = store
        self.clock = store.clock
        self.chat_id = chat_id
        self.sender = sender
        self.outside = Outside()
        self.told = Told()
        self.orchestrator = Orchestrator(
            script.root(self.outside),
            store=store,
            sender=self.sender if script.sends else None,
            interrupts=script.interrupts(self.outside),
            clock=self.clock,
            lease=LEASE_S,
            patience=1e-9,
        )

    async def happen(self, event: Event, message_id: str) -> None:
        """Let an event happen, and once more as a retry of it."""
        first = await self.until_it_happens(event, message_id)
        if not event.has_id:
            return
        again = await self.until_it_happens(event, message_id)
        if not first.stale and (again.messages, again.result) != (first.messages, first.result):
            self._wrong(f"{message_id}: answered {first.messages}, and then {again.messages}")
        if again.duplicate == first.stale:
            self._wrong(f"{message_id}: the retry ran")
        self.told.turns.append(first)

    async def until_it_happens(self, event: Event, message_id: str) -> Any:
        """Ask again until there is an answer; each time the turn happened or it did not."""
        for _ in range(ATTEMPTS):
            before, failed = await self._kept(), self.store.failed
            try:
                return await self._ask(event, message_id)
            except (StoreUnavailable, Hangup):
                if self.store.failed == failed:
                    self._wrong(f"{message_id}: unavailable, and nothing had failed")
                if event.has_id and _is_half(before, await self._kept()):
                    self._wrong(f"{message_id}: it happened by half")
            except Busy as busy:
                # Nobody knows of a claim that was made and whose caller was told that it failed.
                if not self.store.failed or busy.retry_after_s > LEASE_S:
                    self._wrong(f"{message_id}: {busy}")
                self.clock.advance(busy.retry_after_s)
        raise AssertionError(f"{message_id} never happened")

    async def _ask(self, event: Event, message_id: str) -> Any:
        ask, chat_id = self.orchestrator, self.chat_id
        match event.kind:
            case "message":
                return await ask.handle_message(chat_id, event.what, message_id=message_id)
            case "signal":
                return await ask.signal(chat_id, *event.what, message_id=message_id)
            case "start":
                return await ask.start(chat_id)
            case "cancel":
                return await ask.cancel(chat_id)
            case "forget":
                return await ask.forget(chat_id)
            case "timers":
                return await self._fire()
        raise ValueError(event.kind)

    async def _fire(self) -> None:
        """Let the timers run until nothing is due: what failed is tried again."""
        for _ in range(ATTEMPTS):
            await self.orchestrator.fire_due()
            kept = await self._kept()
            if kept is None or kept.wake_at is None or kept.wake_at > self._now():
                return
            self.clock.advance(LEASE_S)
        raise AssertionError("the timer never fired")

    async def close_books(self) -> Told:
        """What came of it all."""
        await self.orchestrator._leases.settle()
        told, kept = self.told, await self._kept()
        told.ended = kept and (kept.status, kept.result)
        if kept and kept.outbox:
            self._wrong(f"unsent: {kept.outbox}")
        told.said = list(self._sent().values())
        told.done = list(dict.fromkeys(self.outside.done))
        told.calls, told.failed = len(self.store.calls), self.store.failed
        if len(self.outside.done) > len(told.done) + told.failed:
            self._wrong(f"done more often than the store failed: {self.outside.done}")
        if told.said:
            self._compare_with_said()
        return told

    def _sent(self) -> dict[str, Any]:
        """The messages by delivery id, in order of their first sending."""
        found: dict[str, Any] = {}
        for delivery_id, message in self.sender.sent:
            if found.setdefault(delivery_id, message) != message:
                self._wrong(f"{delivery_id} was {found[delivery_id]}, and then {message}")
        numbers = [int(delivery_id.rpartition("/")[2]) for delivery_id in found]
        if numbers != sorted(numbers):
            self._wrong(f"sent in another order: {list(found)}")
        return found

    def _compare_with_said(self) -> None:
        """What callers were answered, and what is kept, is what the client heard, draws and all."""
        told = self.told
        for turn in told.turns:
            if any(message not in told.said for message in turn.messages):
                self._wrong(f"answered {turn.messages}, and sent {told.said}")
        results = [turn.result for turn in told.turns]
        if not set(_draws(results)) <= set(_draws(told.said)):
            self._wrong(f"kept {results}, and sent {told.said}")

    async def _kept(self) -> Conversation | None:
        stored = await self.store.inner.load(self.chat_id, now=self._now())
        return None if stored is None else Conversation.decode(stored.body)

    def _now(self) -> float:
        return self.clock().timestamp()

    def _wrong(self, what: str) -> None:
        self.told.wrong.append(what)


def _is_half(before: Conversation | None, after: Conversation | None) -> bool:
    """Whether a turn changed a conversation, and its message id is not known there."""
    seen = set(before.seen) if before else set()
    return after != before and (after is None or set(after.seen) == seen)


def _without_draws(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without_draws(item) for item in value]
    return "a draw" if _is_draw(value) else value


def _draws(value: Any) -> Iterator[int]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _draws(item)
    elif _is_draw(value):
        yield value


def _is_draw(value: Any) -> bool:
    return isinstance(value, int) and value >= 1000
