"""`confirm`."""

import pytest

from dialogs import (
    Button,
    Message,
    UsageError,
)
from dialogs.prompts import confirm
from tests.prompts.asked import only


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("yes", True),
        ("Y", True),
        ("sure", True),
        (" OK ", True),
        ("1", True),
        (True, True),
        ("No", False),
        ("n", False),
        ("2", False),
        (False, False),
    ],
)
def test_yes_and_no_are_said_in_many_ways(response, answer):
    only(confirm("Go on?")).say(response).expect_done(answer)


@pytest.mark.parametrize("response", ["", "perhaps", "yesterday", None, 0, 3])
def test_what_is_neither_yes_nor_no_is_refused(response):
    only(confirm("Go on?")).say(response).expect("Please answer Yes or No. Go on?")


def test_yes_and_no_have_buttons():
    message = Message("Go on?", buttons=(Button("Yes", True), Button("No", False)))
    only(confirm("Go on?")).start().expect(message).press("No").expect_done(False)


def test_yes_and_no_may_be_words_of_another_language():
    tester = only(confirm("Weiter?", yes=("Ja", "j"), no="Nein", retry_message="Ja oder nein?"))
    tester.say("yes").expect("Ja oder nein?").say("J").expect_done(True)
    only(confirm("Weiter?", yes="Ja", no="Nein")).start().press("Nein").expect_done(False)


@pytest.mark.parametrize("words", [{"yes": ()}, {"yes": "ok", "no": ["no", "OK"]}])
def test_yes_and_no_need_words_of_their_own(words):
    with pytest.raises(UsageError):
        only(confirm("?", **words)).start()
