"""Logs written by released versions still replay, go on, and end as they would have then."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dialogs import InMemoryPersistence, run_async_gen_dialog, run_dialog, run_gen_dialog
from dialogs.log import FALLBACK, FORMAT, Log
from tests.golden.conversations import CONVERSATIONS, TIMED_OUT, Conversation
from tests.golden.make import FOLDER, file_of, turn, turns
from tests.values import same

FILES = sorted(FOLDER.glob("format-*/*.log"))
NUMBERS = [
    (name, number)
    for name, conversation in CONVERSATIONS.items()
    for number in range(len(conversation.responses) + 1)
]


def run_awaited(*args: Any) -> Any:
    return asyncio.run(run_async_gen_dialog(*args))


def belonging(file: Path) -> tuple[Conversation, int]:
    """The conversation of a golden log, and how many turns it has had."""
    name, _, number = file.stem.rpartition("-")
    return CONVERSATIONS[name], int(number) + 1


def ours(name: str, number: int) -> Log:
    """A golden log of the format that is written today."""
    return Log.decode(file_of(name, number).read_bytes())


@pytest.mark.parametrize("runner", [run_gen_dialog, run_dialog, run_awaited])
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_golden_log_goes_on_to_its_end(file: Path, runner: Callable[..., Any]):
    conversation, done = belonging(file)
    kept = InMemoryPersistence(file.read_bytes())
    for number, response in enumerate(conversation.responses[done - 1 :], done):
        if response is TIMED_OUT:
            outcome = turn(conversation, kept.log, response)
            kept.save(outcome.log)
            messages = outcome.messages
        else:
            messages = runner(conversation.root, kept, response, conversation.fallback).messages
        if conversation.said is not None:
            assert same(messages, conversation.said[number])
    # Done, and asked once more: the result again, and nothing is said.
    end = runner(conversation.root, kept, "again", conversation.fallback)
    assert end.is_done
    assert end.messages == []
    assert same(end.return_value, conversation.result)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_same_history_gives_the_same_bytes_today(name):
    conversation = CONVERSATIONS[name]
    for number, outcome in enumerate(turns(conversation)):
        assert outcome.log == file_of(name, number).read_bytes()
        if conversation.said is not None:
            assert same(outcome.messages, conversation.said[number])


@pytest.mark.parametrize(("name", "number"), NUMBERS)
def test_every_turn_of_every_conversation_is_kept(name, number):
    assert file_of(name, number).exists(), "python -m tests.golden.make writes it"


def test_no_golden_log_is_without_its_conversation_and_no_format_without_logs():
    for file in FILES:
        belonging(file)
    assert {file.parent.name for file in FILES} >= {f"format-{n}" for n in range(1, FORMAT + 1)}


def test_the_golden_logs_are_in_the_states_that_they_are_kept_for():
    assert [frame.dialog for frame in ours("nested", 0).frames] == [
        "golden.nested",
        "golden.one",
        "golden.two",
        "golden.three",
    ]
    assert len(ours("nested", 2).frames) == 4
    assert sum(entry[0] == "2" for entry in ours("failing", 0).table) == 2
    assert len(ours("collapsing", 2).frames[0].codes) == 3
    assert ours("fallback", 1).phase == FALLBACK
    assert ours("rounds", 1).frames[0].arguments is not None
    assert ours("rounds", 3).frames[0].dialog == "golden.farewell"
    assert ours("rounds_inside", 1).frames[1].arguments is not None
    assert len(ours("many", 0).table) > 256
    assert ours("greet", 2).result == {"name": "Ada", "age": 36}
