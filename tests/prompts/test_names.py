"""What logs know a prompt by."""

import pytest

from dialogs import (
    ReplayError,
)
from dialogs.prompts import ask, choose
from dialogs.testing import DialogTester
from tests.prompts.asked import version


@pytest.mark.parametrize("answers", [["Ada"], ["Ada", "ada@example.org"]])
def test_two_prompts_that_changed_places_are_noticed(answers):
    tester = DialogTester(version(ask("Your name?"), ask("Your e-mail?"))).start()
    for answer in answers:
        tester.say(answer)
    kept = tester.bytes
    tester.upgrade(version(ask("Your e-mail?"), ask("Your name?")))
    with pytest.raises(ReplayError) as caught:
        tester.say("next")
    assert "Your name?" in caught.value.logged
    assert "Your e-mail?" in caught.value.found
    assert tester.bytes == kept


def test_two_open_prompts_that_changed_places_are_noticed():
    tester = DialogTester(
        version(choose("Drink?", ["a", "b"]), choose("Food?", ["a", "b"]))
    ).start()
    tester.upgrade(version(choose("Food?", ["a", "b"]), choose("Drink?", ["a", "b"])))
    with pytest.raises(ReplayError, match=r"Drink\?.*Food\?"):
        tester.say("a")


def test_two_long_questions_are_told_apart_by_their_ends():
    one, two = "Well, " * 50 + "one?", "Well, " * 50 + "two?"
    tester = DialogTester(version(ask(one), ask(two))).start().say("1").say("2")
    tester.upgrade(version(ask(two), ask(one)))
    with pytest.raises(ReplayError):
        tester.say("next")


def test_a_question_may_be_reworded_where_the_prompt_has_a_name():
    tester = DialogTester(version(ask("Name?", name="name"), ask("Age?", int))).start().say("Ada")
    tester.upgrade(version(ask("Who are you?", name="name"), ask("How old are you?", int)))
    with pytest.raises(ReplayError):
        tester.say("36")
    tester.upgrade(version(ask("Who are you?", name="name"), ask("Age?", int)))
    tester.say("36").say("end").expect_done(["Ada", 36])


def test_a_name_may_be_added_while_the_question_waits():
    tester = DialogTester(version(ask("Name?"))).start()
    tester.upgrade(version(ask("Who are you?", name="name"))).say("Ada").say("end")
    tester.expect_done(["Ada"])
