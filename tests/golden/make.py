"""Writes the golden logs that are not there yet: `python -m tests.golden.make`, from the root.

`--again` also rewrites those of the format that this library writes. That is for a format nobody
has kept a log of: never after its first release.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dialogs.drivers import World, drive
from dialogs.log import FORMAT
from dialogs.recorder import Response, TimedOut
from dialogs.resume import Outcome, resume
from tests.golden.conversations import (
    CONVERSATIONS,
    MOMENT,
    RANDOM_ID,
    TIMED_OUT,
    Conversation,
)

FOLDER = Path(__file__).parent
OURS = FOLDER / f"format-{FORMAT}"
WORLD = World(clock=lambda: MOMENT, uuid4=lambda: RANDOM_ID)


def turn(conversation: Conversation, log: bytes | None, response: Any) -> Outcome:
    """One turn, as `run_gen_dialog` has it, but the clock stands and a client may not answer."""
    root = conversation.root
    if log is None and conversation.begun_by is not None:
        root = conversation.begun_by
    event = TimedOut() if response is TIMED_OUT else Response(response)
    return drive(resume(log, root, conversation.fallback, event, can_await=False), WORLD)


def turns(conversation: Conversation, log: bytes | None = None, done: int = 0) -> Iterator[Outcome]:
    """The turns of a conversation, from its start, or from a log after some of its turns.

    Args:
        conversation: the conversation.
        log: the log after `done` turns.
        done: how many turns the log has had.
    """
    responses = [None, *conversation.responses]
    for response in responses[done:]:
        outcome = turn(conversation, log, response)
        log = outcome.log
        yield outcome


def file_of(name: str, number: int, folder: Path = OURS) -> Path:
    """Where the log is kept that a conversation has after its turn of that number, from 0."""
    return folder / f"{name}-{number}.log"


def main(again: bool) -> None:
    """Write the logs of all conversations, after each of their turns."""
    OURS.mkdir(exist_ok=True)
    for name, conversation in CONVERSATIONS.items():
        for number, outcome in enumerate(turns(conversation)):
            path = file_of(name, number)
            if again or not path.exists():
                path.write_bytes(outcome.log)
                print(path.relative_to(FOLDER), len(outcome.log), "bytes")  # noqa: T201


if __name__ == "__main__":
    main(again="--again" in sys.argv)
