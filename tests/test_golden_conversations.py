"""Conversations written by released versions still say the same, and go on as they would have."""

from pathlib import Path

import pytest

from dialogs import Conversation
from dialogs.conversation import FORMAT
from tests.golden.orchestrated import FOLDER, STORIES, Story, Teller, facts, file_of
from tests.values import same

FILES = sorted(FOLDER.glob("conversations-format-*/*.bin"))
NUMBERS = [(name, number) for name, story in STORIES.items() for number in range(len(story.events))]


def label(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def belonging(file: Path) -> tuple[Story, int]:
    """The story of a golden conversation, and how many of its events have happened."""
    name, _, number = file.stem.rpartition("-")
    return STORIES[name], int(number) + 1


@pytest.mark.parametrize("file", FILES, ids=label)
def test_a_golden_conversation_says_what_it_said(file):
    known = file.with_suffix(".txt").read_text("utf-8").splitlines()
    found = facts(Conversation.decode(file.read_bytes())).splitlines()
    assert [line for line in known if line not in found] == []


@pytest.mark.parametrize("file", FILES, ids=label)
async def test_a_golden_conversation_goes_on(file):
    story, done = belonging(file)
    said = [words async for words in Teller(story).tell(file.read_bytes(), done)]
    assert same(said, story.said[done:])


@pytest.mark.parametrize("name", STORIES)
async def test_the_same_story_gives_the_same_bytes_today(name):
    teller, number = Teller(STORIES[name]), 0
    async for words in teller.tell():
        assert same(words, STORIES[name].said[number])
        assert await teller.body() == file_of(name, number).read_bytes()
        number += 1


@pytest.mark.parametrize(("name", "number"), NUMBERS)
def test_every_event_of_every_story_is_kept(name, number):
    assert file_of(name, number).exists(), "python -m tests.golden.make_conversations writes it"


def test_no_golden_conversation_is_without_its_story_and_no_format_without_conversations():
    for file in FILES:
        belonging(file)
    folders = {f"conversations-format-{number}" for number in range(1, FORMAT + 1)}
    assert {file.parent.name for file in FILES} >= folders


def test_the_golden_conversations_are_in_the_states_that_they_are_kept_for():
    kept = [Conversation.decode(file_of(name, number).read_bytes()) for name, number in NUMBERS]
    assert {conversation.status.value for conversation in kept} == {
        "INITIATED",
        "WAITING_FOR_RESPONSE",
        "PROCESSING",
        "COMPLETED",
        "TIMED_OUT",
        "CANCELLED",
        "ERROR",
    }
    for has in (
        lambda c: c.inbox,
        lambda c: c.signals,
        lambda c: c.outbox and c.resends > 1,
        lambda c: len(c.seen) > 2,
        lambda c: c.history,
        lambda c: c.digression and c.is_open and c.digression.pending.deadline,
        lambda c: c.digression and not c.is_open,
        lambda c: c.digression and c.digression.cancel,
        lambda c: len(c.pending.place) > 1 if c.pending else False,
        lambda c: c.opening and c.result is None,
        lambda c: c.result,
        lambda c: c.error and c.retry_at,
    ):
        assert any(map(has, kept))
