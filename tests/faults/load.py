"""The load: clients that give their messages to the workers, again where a worker was lost.

As a webhook does, a client gives a message with the same message id until it is acknowledged, to
whichever worker comes next, and at times once more after that. Then it says the next thing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from tests.faults.crew import Crew, Gone, Member
from tests.faults.history import History, kept_in
from tests.faults.outside import Journal
from tests.faults.places import PATIENCE_S
from tests.faults.talks import END

# More than a server takes to start again.
ATTEMPTS = 10_000
RETRY_S = 0.02


class Refused(Exception):
    """A worker raised an error that must not be raised here."""


@dataclass
class Figures:
    """What a run was like.

    Attributes:
        conversations: how many there were.
        kills: how many processes were killed or stopped.
        turns: how many messages were acknowledged.
        retries: how often a message was given again, since its worker was lost or raised an error.
        duplicates: how many answers were those of a message that was seen before.
        done_again: how many effects were done once more.
        sent_again: how many messages were sent once more.
        slowest_s: the longest time from the loss of a worker to the answer to what it had, in
            seconds.
    """

    conversations: int = 0
    kills: int = 0
    turns: int = 0
    retries: int = 0
    duplicates: int = 0
    done_again: int = 0
    sent_again: int = 0
    slowest_s: float = 0.0

    def __iadd__(self, other: Figures) -> Self:
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, max(mine, value) if name == "slowest_s" else mine + value)
        return self


@dataclass
class Load:
    """Clients of a crew.

    Args:
        crew: takes their messages.
        journal: what is done and said outside.
        dice: decides who is asked, and who asks again.
        after: is called with the number of acknowledged messages, after each.
    """

    crew: Crew
    journal: Journal
    dice: random.Random
    after: Callable[[int], None] = lambda _turns: None
    history: History = field(default_factory=History)
    figures: Figures = field(default_factory=Figures)

    async def converse(self, chat_id: str, turns: int) -> None:
        """Hold one conversation from its begin to its end.

        Args:
            chat_id: its name.
            turns: how many messages it has.
        """
        self.figures.conversations += 1
        for number in range(turns):
            message = END if number == turns - 1 else f"m{number}"
            await self.give(chat_id, number, message)
            self.history.given.setdefault(chat_id, []).append(message)
            self.figures.turns += 1
            self.after(self.figures.turns)
            if self.dice.random() < 0.1:
                earlier = self.dice.randint(0, number)
                await self.give(chat_id, earlier, self.history.given[chat_id][earlier])

    async def give(
        self, chat_id: str, number: int, message: str, first: Member | None = None
    ) -> dict[str, Any]:
        """Give a message until it is answered; the answer.

        Args:
            chat_id: the conversation.
            number: the message's number in it.
            message: the message.
            first: the worker to be tried first; None: any.

        Raises:
            Refused: a worker raised an error that such a run may not have.
        """
        lost_at: float | None = None
        for attempt in range(ATTEMPTS):
            member = first if first and not attempt else self.dice.choice(self.crew.members)
            asked_at = time.monotonic()
            try:
                answer = await member.ask(chat_id, message, f"{chat_id}-{number}")
            except Gone:
                gone_at = member.gone_at or time.monotonic()
                # Who was gone before it was asked did not have this message.
                lost_at = gone_at if gone_at >= asked_at else lost_at
                await asyncio.sleep(0)
            else:
                if "turn" in answer:
                    if lost_at is not None:
                        waited = time.monotonic() - lost_at
                        self.figures.slowest_s = max(self.figures.slowest_s, waited)
                    self._note(chat_id, number, answer["turn"])
                    return answer["turn"]
                self.history.errors[answer["error"]] += 1
                self.history.texts.add(answer["text"])
                if answer["error"] not in self.history.allowed:
                    raise Refused(f"{chat_id}, message {number}: {answer['text']}")
                await asyncio.sleep(RETRY_S)
            self.figures.retries += 1
        raise AssertionError(f"{chat_id}: message {number} was never acknowledged")

    def _note(self, chat_id: str, number: int, turn: dict[str, Any]) -> None:
        self.figures.duplicates += turn["duplicate"]
        self.history.answers.setdefault((chat_id, number), []).append(turn["messages"])

    async def close_books(self) -> None:
        """Wait until everything is sent, and write down what is kept, done and said."""

        async def all_is_sent() -> bool:
            self.history.kept = await kept_in(self.crew.job.place.patiently(), self.journal)
            return not any(kept.unsent for kept in self.history.kept.values())

        await until(all_is_sent)
        self.history.read_journal(self.journal)
        self.figures.sent_again = self.history.sent_again
        self.figures.done_again = self.history.done_again


async def until(holds: Callable[[], Awaitable[bool]], timeout_s: float = PATIENCE_S) -> None:
    """Wait until something holds; goes on after the timeout, and leaves the verdict to others."""
    give_up = time.monotonic() + timeout_s
    while not await holds() and time.monotonic() < give_up:  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.05)
