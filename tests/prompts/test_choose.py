"""`choose`."""

import pytest

from dialogs import (
    Attachment,
    Button,
    Message,
    NotSerializable,
    UsageError,
)
from dialogs.prompts import choose
from tests.prompts.asked import only


def test_options_are_shown_as_buttons_with_their_values():
    options = [Button("Small", 1), "Large"]
    question = Message("Size?", attachments=(Attachment("sizes.png"),))
    only(choose(question, options)).start().expect(
        Message(
            "Size?",
            buttons=(Button("Small", 1), Button("Large", "Large")),
            attachments=(Attachment("sizes.png"),),
        )
    )


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("Tea", "Tea"),
        ("tea", "Tea"),
        ("  IRISH   coffee ", "Irish Coffee"),
        ("2", "Irish Coffee"),
        ("2.", "Irish Coffee"),
        ("2)", "Irish Coffee"),
        (1, "Tea"),
    ],
)
def test_an_option_is_chosen_by_its_text_or_its_number(response, answer):
    only(choose("Drink?", ["Tea", "Irish Coffee"])).say(response).expect_done(answer)


@pytest.mark.parametrize(
    "response", ["", "0", "3", "-1", "t", 0, 3, True, None, 1.0, "9" * 999, []]
)
def test_what_is_no_option_is_refused(response):
    tester = only(choose("Drink?", ["Tea", "Coffee"])).say(response)
    tester.expect("Please answer Tea or Coffee. Drink?").press("Tea").expect_done("Tea")


def test_more_than_two_options_are_listed_when_a_response_is_refused():
    tester = only(choose("Drink?", ["Tea", "Coffee", "Milk"])).say("beer")
    tester.expect("Please choose one of these: Tea, Coffee, Milk. Drink?")


def test_a_mapping_gives_the_value_of_the_chosen_text():
    prices = {"Tea": 2, "Coffee": 1, "Nothing": None}
    only(choose("Drink?", prices)).say("tea").expect_done(2)
    only(choose("Drink?", prices)).start().press("Coffee").expect_done(1)
    only(choose("Drink?", prices)).start().press("Nothing").expect_done(None)


def test_the_value_of_a_button_counts_before_the_number_of_an_option():
    prices = {"Tea": 2, "Coffee": 1}
    only(choose("Drink?", prices)).say(1).expect_done(1)
    only(choose("Drink?", prices)).say("1").expect_done(2)


def test_the_text_of_an_option_counts_before_its_number():
    only(choose("How many?", ["3", "2", "1"])).say("3").expect_done("3")


def test_a_value_of_another_type_is_another_value():
    only(choose("?", {"Yes": True, "No": False})).say(1).expect_done(True)
    only(choose("?", {"No": False, "Yes": True})).say(1).expect_done(False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "one option or more"),
        ({}, "one option or more"),
        ("", "one option or more"),
        (["Tea", "tea "], "Two options have the text 'tea '"),
        ([1, 2], "int has no text"),
        ({1: "a"}, "int has no text"),
    ],
)
def test_options_that_cannot_be_offered_are_refused_before_anything_is_asked(options, message):
    tester = only(choose("?", options))
    with pytest.raises(UsageError, match=message):
        tester.start()
    assert tester.said == []


def test_a_value_that_the_log_cannot_keep_is_refused_before_anything_is_asked():
    with pytest.raises(NotSerializable):
        only(choose("?", {"a": object()})).start()
