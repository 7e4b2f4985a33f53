"""Prompts whose code is changed while they wait."""

from functools import partial
from operator import le

import pytest
from hypothesis import given, strategies as st

from dialogs.prompts import NoValidAnswer, ask, choose, confirm
from dialogs.testing import DialogTester
from tests.prompts.asked import version


def test_the_other_words_of_a_prompt_may_change_while_it_waits():
    tester = DialogTester(version(ask("Age?", int, retry_message="No."))).start().say("x")
    tester.upgrade(version(ask("Age?", int, retry_message="A number!", attempts=5)))
    tester.say("y").expect("A number!").say("5").say("end").expect_done([5])


@pytest.mark.parametrize(
    ("before", "response", "after", "answer"),
    [
        (ask("?", int), "old", ask("?"), "36"),
        (ask("?", validate=str.islower), "ADA", ask("?", validate=bool), "36"),
        (choose("?", ["Tea"]), "Milk", choose("?", ["Tea", "36", "Milk"]), "36"),
        (confirm("?"), "36", confirm("?", yes="36"), True),
    ],
)
def test_what_was_refused_stays_refused_when_the_code_would_take_it_now(
    before, response, after, answer
):
    tester = DialogTester(version(before)).start().say(response).say("NO IDEA")
    tester.upgrade(version(after)).expect_waiting().say("36").say("end").expect_done([answer])


@pytest.mark.parametrize("before", [None, 3])
def test_fewer_attempts_end_with_the_next_refusal(before):
    tester = DialogTester(version(ask("Age?", int, attempts=before))).start().say("x").say("y")
    kept = tester.bytes
    tester.upgrade(version(ask("Age?", int, attempts=1)))
    with pytest.raises(NoValidAnswer, match="in 3 attempts"):
        tester.say("z")
    assert tester.bytes == kept
    tester.say("36").say("end").expect_done([36])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.none() | st.integers(1, 4))))
def test_what_a_prompt_takes_may_change_at_every_response(turns):
    """Each turn has a response, the lowest number taken, and the attempts that are allowed."""
    tester = DialogTester(version(ask("?", int))).start()
    for number, (response, lowest, attempts) in enumerate(turns, 1):
        taken = partial(le, lowest)
        tester.upgrade(version(ask("?", int, taken, attempts=attempts)))
        if response < lowest and attempts is not None and number >= attempts:
            with pytest.raises(NoValidAnswer):
                tester.say(str(response))
            return
        tester.say(str(response))
        if response >= lowest:
            tester.say("end").expect_done([response])
            return
        tester.expect_containing("?").expect_waiting()


def test_a_prompt_that_is_done_may_change_in_everything_but_its_name():
    tester = DialogTester(version(ask("Age?", int), ask("Name?"))).start().say("old").say("36")
    tester.upgrade(version(ask("Age?", float, attempts=1), ask("Name?"))).say("Ada").say("end")
    tester.expect_done([36, "Ada"])
