"""slot_fill: what is asked for until it is valid, and what is taken unasked."""

import pytest

from dialogs import Button, Message
from dialogs.workflows.understanding import Understood
from tests.workflows.documents import conversing, say, slot

DATE = "Please give a date such as 2024-12-31."


@pytest.mark.parametrize(
    ("validation", "wrong", "reason", "right", "value"),
    [
        ({"type": "integer"}, "1.5", "Please give a whole number.", " 12,500 ", 12500),
        ({"type": "integer"}, "9" * 200, "Please give a whole number.", "-3", -3),
        ({"type": "number"}, "nan", "Please give a number.", "1.5", 1.5),
        ({"type": "number"}, "1,2,3", "Please give a number.", "1,234.5", 1234.5),
        ({"type": "number", "min": 1}, "0", "Please give 1 or more.", "1", 1.0),
        ({"type": "integer", "max": 5}, "6", "Please give 5 or less.", "5", 5),
        ({"type": "boolean"}, "maybe", "Please answer yes or no.", "Yes", True),
        ({"type": "date"}, "now", DATE, "2024-02-09", "2024-02-09"),
        ({"min_length": 2}, "a", "Please give 2 characters or more.", "ab", "ab"),
        ({"max_length": 2}, "abc", "Please give 2 characters or fewer.", "ab", "ab"),
        ({"pattern": "[A-Z]{2}"}, "ABC", "That is not in the form that is needed.", "AB", "AB"),
        ({}, "  ", "Please answer.", " x ", "x"),
        ({"message": "Not so: {text}."}, "", "Not so: .", "x", "x"),
    ],
)  # fmt: skip
def test_a_slot_is_asked_for_until_it_is_valid(validation, wrong, reason, right, value):
    conversation = conversing(slot("x", **validation)).start().expect("x?")

    conversation.say(wrong).expect(reason).expect("x?")

    result = conversation.say(right).expect_done().result
    assert result["variables"] == {"x": value}
    assert type(result["variables"]["x"]) is type(value)


def test_choices_are_buttons_and_compared_apart_from_case():
    conversation = conversing(slot("x", choices=["Savings", 2])).start()
    assert conversation.said[-1] == Message("x?", buttons=(Button("Savings"), Button("2")))

    conversation.say("other").expect("Please choose one of: Savings, 2.")

    assert conversation.say("savings").result["variables"] == {"x": "Savings"}


def test_after_the_last_attempt_the_slot_has_failed():
    step = {**slot("x", type="integer"), "retry_limit": 2, "on_error": "sorry"}
    conversation = conversing(
        step, say("never", next_step="end"), say("sorry", "{error.type}")
    ).start()

    conversation.say("a").say("b").expect_done()
    assert conversation.said[-1] == "NotFilled"


def test_a_slot_is_taken_from_the_entities_of_the_last_message_once():
    conversation = conversing(
        slot("amount", type="number"),
        say("got", "{amount}"),
        slot("amount2", type="number") | {"entity": "amount"},
        message={"text": "send 5", "entities": {"amount": 5, "other": "x"}},
    ).start()

    conversation.expect("5").expect("amount2?")
    answer = {"text": "the same", "entities": {"amount": "7"}}
    assert conversation.say(answer).result["variables"] == {"amount": 5.0, "amount2": 7.0}


def test_an_entity_that_is_not_valid_is_asked_for_with_the_reason():
    conversation = conversing(
        slot("amount", type="number", max=10),
        message=Understood("send 50", intent="send", entities={"amount": 50}),
    ).start()

    conversation.expect("Please give 10 or less.").expect("amount?")
    assert conversation.say("9").result["variables"] == {"amount": 9.0}


def even(value):
    if value < 0:
        raise ValueError("Not below zero, please.")
    return value % 2 == 0


async def even_later(value):
    return even(value)


@pytest.mark.parametrize("validator", [even, even_later])
def test_a_named_validator_of_the_host_decides(validator):
    step = slot("x", type="integer", validator="even")
    conversation = conversing(step, host={"validators": {"even": validator}}).start()

    conversation.say("3").expect("That is not valid.").expect("x?")
    conversation.say("-2").expect("Not below zero, please.").expect("x?")

    assert conversation.say("4").result["variables"] == {"x": 4}


def test_no_pattern_and_no_answer_take_long_together():
    conversation = conversing(slot("x", pattern="(a+)+b")).start()

    conversation.say("a" * 9_999).expect("That is not in the form that is needed.").expect("x?")
    conversation.say("a" * 9_999 + "b").expect_done()


def test_a_pattern_fits_the_whole_answer():
    conversation = conversing(slot("x", pattern="a|bc") | {"retry_limit": 9}).start()

    for answer in ("ab", "xa", "a\nb", "abc"):
        conversation.say(answer).expect("That is not in the form that is needed.").expect("x?")
    conversation.say("bc").expect_done()


def test_an_answer_that_is_very_long_is_not_taken():
    conversing(slot("x")).start().say("a" * 10_001).expect("That is too long.").expect("x?")
