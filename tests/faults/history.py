"""What is known of a run in the end: what was given, answered, kept, done and said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from dialogs import Orchestrator
from tests.faults.outside import Journal
from tests.faults.places import Place
from tests.faults.talks import talks


@dataclass
class Kept:
    """What the store has of one conversation."""

    status: str
    result: Any
    unsent: int


@dataclass
class History:
    """A run of roll calls.

    Args:
        given: the messages of each conversation that were acknowledged, in order.
        answers: what was said in answer to a message, by conversation and number, each time that
            it was answered.
        kept: what the store has in the end.
        effects: the step key and the receipt of everything done outside, oldest first.
        said: the conversation, the delivery id and the message of all that was sent, oldest first.
        errors: how often the workers raised which error.
        texts: what the errors said, each once.
        allowed: the errors that such a run may have.
    """

    given: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[tuple[str, int], list[Any]] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    effects: list[list[Any]] = field(default_factory=list)
    said: list[list[Any]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    texts: set[str] = field(default_factory=set)
    allowed: frozenset[str] = frozenset({"Conflict"})

    @property
    def sent_again(self) -> int:
        """How many messages were sent that were sent before."""
        return len(self.said) - len({delivery_id for _, delivery_id, _ in self.said})

    @property
    def done_again(self) -> int:
        """How many effects were done that were done before."""
        return len(self.effects) - len({key for key, _ in self.effects})

    def read_journal(self, journal: Journal) -> None:
        """Take in what was done and said."""
        self.effects = journal.read("effect")
        self.said = journal.read("said")


async def kept_in(place: Place, journal: Journal) -> dict[str, Kept]:
    """What a store has of each conversation."""
    async with Orchestrator(talks(journal)["roll_call"], store=place.open()) as orchestrator:
        return {
            chat_id: Kept(conversation.status, conversation.result, len(conversation.outbox))
            async for chat_id, conversation in orchestrator.conversations()
        }
