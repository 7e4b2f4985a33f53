import copy
import dataclasses
import pickle

import pytest

from dialogs import (
    Attachment,
    Button,
    InMemoryPersistence,
    Message,
    NotSerializable,
    dialog,
    get_client_response,
    run_gen_dialog,
    send_message,
)

FULL = Message(
    "Which one?",
    buttons=(Button("Red", "r"), Button("Blue")),
    attachments=(
        Attachment("a.png", url="https://example.org/a.png", media_type="image/png"),
        Attachment("b.bin", content=b"\0\xff"),
    ),
    data={"thread": ("x", 5)},
)


@pytest.fixture
def kept():
    return InMemoryPersistence()


def test_a_message_needs_only_its_text():
    message = Message("Hello!")

    assert (message.text, message.buttons, message.attachments, message.data) == (
        "Hello!",
        (),
        (),
        None,
    )
    assert str(message) == "Hello!"


def test_an_attachment_needs_only_its_name():
    attachment = Attachment("notes")

    assert (attachment.url, attachment.content) == (None, None)
    assert attachment.media_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("button", "answer"),
    [
        (Button("Yes"), "Yes"),
        (Button("Yes", "y"), "y"),
        (Button("None of them", 0), 0),
        (Button("No", False), False),
        (Button("Nothing", ""), ""),
        (Button("Both", ("a", "b")), ("a", "b")),
    ],
)
def test_a_button_answers_with_its_value_or_else_its_label(button, answer):
    assert button.answer == answer
    assert type(button.answer) is type(answer)


@pytest.mark.parametrize("value", [FULL, FULL.buttons[0], FULL.attachments[1]])
def test_what_is_said_is_plain_frozen_data(value):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, "changed")

    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("value", [FULL, FULL.buttons[0], FULL.attachments[1]])
def test_what_is_said_can_also_be_answered_returned_and_said_again(kept, value):
    @dialog
    def echo():
        answer = yield get_client_response()
        yield send_message(answer)
        return [answer]

    run_gen_dialog(echo(), kept, "")
    result = run_gen_dialog(echo(), kept, value)
    later = run_gen_dialog(echo(), kept, "")

    assert result.messages == result.return_value == later.return_value == [value]
    assert type(later.return_value[0]) is type(value)


def test_a_message_with_buttons_is_said_once(kept):
    @dialog
    def ask():
        yield send_message(FULL)
        return (yield get_client_response())

    assert run_gen_dialog(ask(), kept, "").messages == [FULL]
    assert run_gen_dialog(ask(), kept, "r").messages == []


@pytest.mark.parametrize("edited", [Message("Which one?"), "Which one?"])
def test_a_message_is_known_by_its_text_and_the_rest_may_change(kept, edited):
    def ask(message):
        @dialog
        def ask():
            yield send_message(message)
            return (yield get_client_response())

        return ask()

    run_gen_dialog(ask(FULL), kept, "")

    assert run_gen_dialog(ask(edited), kept, "r").return_value == "r"


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (Message("x", data=[object()]), "value.data[0]"),
        (Message("x", buttons=(Button("a"), Button("b", {1: print}))), "value.buttons[1].value[1]"),
    ],
)
def test_a_message_that_the_log_cannot_keep_says_where(kept, message, path):
    with pytest.raises(NotSerializable, match=r"send_message\('x'\)") as caught:
        run_gen_dialog(send_message(message), kept, "")

    assert caught.value.path == path
    assert kept.log is None
