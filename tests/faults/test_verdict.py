"""The checks bite: a history with one thing wrong is refused, and so is what broken parts do."""

import asyncio
import copy
import random
from dataclasses import replace

import pytest

from dialogs import Orchestrator
from dialogs.stores import MemoryStore
from tests.faults.aim import AFTER, BEFORE
from tests.faults.broken import Unchecked
from tests.faults.crew import Crew
from tests.faults.history import History, Kept
from tests.faults.load import Load, Refused
from tests.faults.outside import Journal
from tests.faults.talks import END, talks
from tests.faults.verdict import faults


@pytest.fixture
def history():
    """A run of two conversations in which nothing is wrong."""
    history = History()
    for chat in ("a", "b"):
        result = [[text, 10 + n, [f"{chat}/{n}", f"run-{n}"]] for n, text in enumerate(("m0", END))]
        history.given[chat] = ["m0", END]
        history.kept[chat] = Kept("COMPLETED", result, 0)
        for number, (text, draw, receipt) in enumerate(result):
            said = [["heard", number, text, draw], ["noted", number, receipt]]
            history.answers[chat, number] = [said, copy.deepcopy(said)]
            history.effects.append(receipt)
            for place, message in enumerate(said):
                history.said.append([chat, f"{chat}/{10 * number + place}", message])
    return history


def lose_a_conversation(history):
    del history.kept["a"]


def keep_one_that_nobody_began(history):
    history.kept["c"] = history.kept["a"]


def leave_one_open(history):
    history.kept["a"].status = "WAITING_FOR_RESPONSE"


def leave_a_message_unsent(history):
    history.kept["a"].unsent = 1


def lose_an_acknowledged_message(history):
    history.given["a"].insert(1, "m1")


def count_a_message_twice(history):
    history.kept["a"].result.insert(1, copy.deepcopy(history.kept["a"].result[0]))


def swap_two_messages(history):
    history.given["a"].reverse()


def skip_an_effect(history):
    history.effects.pop()


def record_another_run_of_an_effect(history):
    history.effects[0] = [history.effects[0][0], "another run"]


def answer_differently_the_second_time(history):
    history.answers["a", 0][1][0][3] = 99


def answer_nothing_the_second_time(history):
    history.answers["a", 0][1].clear()


def say_nothing(history):
    del history.said[2]


def say_it_in_another_order(history):
    history.said[0], history.said[1] = history.said[1], history.said[0]


def say_it_twice_under_other_ids(history):
    history.said.insert(1, ["a", "a/other", history.said[0][2]])


def say_another_thing_under_the_same_id(history):
    history.said.append(["a", history.said[0][1], "something else"])


def draw_another_number_than_was_said(history):
    history.kept["a"].result[0][1] = 99


def be_stuck(history):
    history.errors["Busy"] += 1


def raise_an_error(history):
    history.errors["ReplayError"] += 1


MISHAPS = [
    lose_a_conversation,
    keep_one_that_nobody_began,
    leave_one_open,
    leave_a_message_unsent,
    lose_an_acknowledged_message,
    count_a_message_twice,
    swap_two_messages,
    skip_an_effect,
    record_another_run_of_an_effect,
    answer_differently_the_second_time,
    answer_nothing_the_second_time,
    say_nothing,
    say_it_in_another_order,
    say_it_twice_under_other_ids,
    say_another_thing_under_the_same_id,
    draw_another_number_than_was_said,
    be_stuck,
    raise_an_error,
]


def test_nothing_is_wrong_with_a_run_in_which_all_was_kept(history):
    assert faults(history) == []


def test_what_was_said_and_done_once_more_is_not_wrong(history):
    history.said += history.said[:4]
    history.effects.append([history.effects[0][0], "another run"])
    history.errors["Conflict"] += 1
    assert faults(history) == []
    assert (history.sent_again, history.done_again) == (4, 1)


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.__name__)
def test_one_mishap_is_found(history, mishap):
    mishap(history)
    assert faults(history) != []


# --- broken parts -----------------------------------------------------------------------------

# The steps outside of a turn with a sender: claim, effect, commit, two sendings, commit. What is
# only promised is not sent, and what is said before it is kept has two steps more.
COMMIT, ACKNOWLEDGED, COMMIT_AFTER_SAYING = 3, 4, 5

BROKEN = [
    ("forgetful", COMMIT, AFTER, "and heard ['m0', 'm1', 'm1', 'end']"),
    ("said first", COMMIT_AFTER_SAYING, BEFORE, "and then"),
    ("promising", ACKNOWLEDGED, AFTER, "to be said was"),
    ("clinging", COMMIT, BEFORE, "stuck for longer than its lease"),
]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case[0])
@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_worker_with_a_broken_part_is_found_out(nursery, job, case):
    broken, strike, when, sentence = case
    found = await struck_once(nursery, job, broken, strike, when)
    assert sentence in "\n".join(found)


@pytest.mark.parametrize(
    ("strike", "when"), sorted({(strike, when) for _, strike, when, _ in BROKEN})
)
@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_worker_without_a_broken_part_is_not(nursery, job, strike, when):
    assert await struck_once(nursery, job, "", strike, when) == []


async def struck_once(nursery, job, broken, strike, when):
    """What is wrong when one worker is killed in its first turn, and another one goes on."""
    job = replace(job, broken=broken, patience_s=2.0 if broken == "clinging" else job.patience_s)
    async with Crew(nursery, job, size=1) as crew:
        load = Load(crew, Journal(job.journal), random.Random(0))
        member = await crew.hire(strike=strike, when=when, poll_s=None)
        try:
            for number, message in enumerate(["m0", "m1", END]):
                # Of the worker that begins, which may be slow, and take more steps, none counts.
                await load.give("chat", number, message, member if number else None)
                load.history.given.setdefault("chat", []).append(message)
            await load.close_books()
        except Refused:
            load.history.given.clear()  # only the error tells
    load.journal.close()
    return faults(load.history)


async def test_a_store_that_lends_a_conversation_to_two_is_found_out(tmp_path):
    assert await two_at_once(Unchecked(), tmp_path) != []


async def test_a_store_that_lends_it_to_one_at_a_time_is_not(tmp_path):
    assert await two_at_once(MemoryStore(), tmp_path) == []


async def two_at_once(store, tmp_path):
    """What is wrong when two orchestrators are given the messages of one conversation at once."""
    journal = Journal(tmp_path / "journal")
    queue = talks(journal)["queue"]
    sides = [Orchestrator(queue, store=store, sender=journal) for _ in range(2)]
    await sides[0].handle_message("chat", "first")
    await asyncio.gather(
        *(sides[n % 2].handle_message("chat", f"m{n}", message_id=f"{n}") for n in range(20))
    )
    turn = await sides[0].handle_message("chat", END)
    found = [f"{what} was served beside another" for [what] in journal.read("crowded")]
    if sorted(turn.result or []) != sorted(["first", *(f"m{n}" for n in range(20))]):
        found.append(f"served were {turn.result}")
    journal.close()
    return found
