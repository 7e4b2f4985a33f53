"""How a message looks in text, and what a typed answer means."""

import pytest

from dialogs import Attachment, Button, Message
from dialogs.channels.showing import attachments_of, buttons_of, in_text, meant, text_of

QUESTION = Message(
    "Tea or coffee?",
    buttons=(Button("Tea", {"price": 2}), Button("Coffee", False), Button("10")),
    attachments=(Attachment("menu.pdf", "https://example.com/menu.pdf"), Attachment("a.txt")),
)


def test_a_message_has_its_files_and_its_buttons_in_text():
    assert in_text(QUESTION) == (
        "Tea or coffee?\n  [menu.pdf] https://example.com/menu.pdf\n  [a.txt]\n"
        "  1. Tea\n  2. Coffee\n  3. 10"
    )


def test_what_a_channel_shows_by_itself_can_be_left_out():
    assert in_text(QUESTION, buttons=False, attachments=False) == "Tea or coffee?"
    assert in_text(QUESTION, attachments=False).count("\n") == 3
    assert in_text(QUESTION, buttons=False).count("\n") == 2


def test_a_message_without_text_begins_with_what_it_has():
    assert in_text(Message(buttons=(Button("Yes"),))) == "  1. Yes"
    assert in_text(Message()) == ""


@pytest.mark.parametrize(("message", "text"), [("hi", "hi"), (42, "42"), ({"a": 1}, "{'a': 1}")])
def test_what_is_no_message_is_its_text(message, text):
    assert in_text(message) == text_of(message) == text
    assert buttons_of(message) == attachments_of(message) == ()


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("1", {"price": 2}),
        (" 2 ", False),
        ("COFFEE", False),
        ("10", "10"),  # a label goes before a number
        ("3", "10"),
        ("0", "0"),
        ("4", "4"),
        ("-1", "-1"),
        ("two", "two"),
        ("", ""),
        ("²", "²"),
    ],
)
def test_a_number_or_a_label_means_the_value_of_its_button(typed, answer):
    assert meant(typed, [QUESTION]) == answer


def test_the_last_message_with_buttons_counts():
    older = Message("Go on?", buttons=(Button("Yes", True),))
    assert meant("1", [older, QUESTION, "Please answer."]) == {"price": 2}
    assert meant("yes", [older, QUESTION]) == "yes"


def test_where_there_are_no_buttons_a_number_is_a_number():
    assert meant("1", []) == meant("1", ["How many?"]) == "1"
