"""Conversations as scripts, and as transcripts."""

import pytest

from dialogs import (
    Attachment,
    Message,
    UsageError,
    gather,
    send_message,
)
from dialogs.testing import DialogTester
from tests.tester.tested import failure, greet, hasty


def test_a_script_is_played():
    DialogTester(greet()).play(
        """
        bot: Who is there?
        you: Ada
        bot: Hello, ...!
        bot: Go on? [Yes] [No]

        you: [No]
        (done: False)
        """
    )


def test_a_transcript_is_a_script():
    tester = DialogTester(greet()).say("Ada\nLovelace").press("Yes")
    assert tester.transcript == (
        "bot: Who is there?\n"
        "you: Ada\n"
        "     Lovelace\n"
        "bot: Hello, Ada\n"
        "     Lovelace!\n"
        "bot: Go on? [Yes] [No]\n"
        "you: [Yes]\n"
        "(done: True)"
    )
    DialogTester(greet()).play(tester.transcript)


def test_a_script_goes_on_where_the_conversation_stands():
    DialogTester(greet()).say("Ada").play("bot: Hello, Ada!\nbot: Go on?").press("Yes").play(
        "(done)"
    )


def test_a_script_lets_time_pass():
    tester = DialogTester(hasty())
    tester.play("(timed out)\n(done: (120.0, datetime.timedelta(seconds=120)))")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("bot: Who?", "- Who?"),
        ("bot: Who ...!", "expected  'Who ...!'"),
        ("you: Ada", "expected  nothing more\nbut said  'Who is there?'"),
        (
            "bot: Who is there?\nyou: Ada\nbot: Hello, Ada!",
            "nothing more\nbut said  Message('Go on?') [Yes]",
        ),
        ("bot: ...\nbot: And?", "nothing more was said"),
        ("bot: ...\n(done)", "that the dialog is done"),
        (
            "bot: ...\nyou: a\nbot: ...\nbot: ...\nyou: b\n(done: 'c')",
            "(done: 'c')\nbut it is (done: 'b')",
        ),
    ],
)
def test_a_script_that_is_not_followed_fails(script, text):
    assert text in failure(lambda: DialogTester(greet()).play(script))


def test_a_script_begins_with_a_speaker():
    with pytest.raises(UsageError, match="human: Hi"):
        DialogTester(greet()).play("human: Hi")


def test_other_messages_are_shown_as_they_are():
    files = Message("Look", attachments=(Attachment("cat.png"),))
    tester = DialogTester(gather(send_message(files), send_message({"a": 1}))).start()
    assert tester.transcript == "bot: Look <cat.png>\nbot: {'a': 1}\n(done: [None, None])"
