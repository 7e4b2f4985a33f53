"""How messages look in Slack: within its limits, and with nothing left out."""

import re

import pytest
from hypothesis import given, strategies as st

from dialogs import Attachment, Button, Message
from dialogs.channels.slack.blocks import posts_of
from dialogs.channels.slack.words import as_typed, escape, sayable, split, unescape
from tests.channels.slack.fake_slack import seen, wrong

TEXTS = (
    st.text(st.characters(codec=None), max_size=60)
    | st.text("&<> \n*ab", max_size=9000)
    | st.integers(0, 30_000).map(lambda length: ("some words " * 3000)[:length])
)
BUTTONS = st.lists(st.builds(Button, st.text(max_size=120), st.integers()), max_size=120)
FILES = st.lists(
    st.builds(
        Attachment,
        st.text(max_size=200),
        st.none() | st.text(max_size=30) | st.just("https://x.example/?a=1&b=<2>"),
    ),
    max_size=4,
)
MESSAGES = st.builds(Message, TEXTS, BUTTONS.map(tuple), FILES.map(tuple))


def shown(message, **options):
    return [
        seen({"text": post.text, "blocks": post.blocks, "mrkdwn": False})
        for post in posts_of(message, "7", **options)
    ]


@given(MESSAGES, st.booleans())
def test_slack_accepts_whatever_a_dialog_says(message, mrkdwn):
    for post in posts_of(message, "7", mrkdwn=mrkdwn):
        assert wrong({"text": post.text, "blocks": list(post.blocks)}) is None
        post.text.encode()


@given(TEXTS)
def test_every_word_of_a_text_is_shown(text):
    assert "".join("".join(shown(text)).split()) == "".join(sayable(text).split())


@given(TEXTS)
def test_every_word_of_a_text_above_buttons_is_shown(text):
    message = Message(text, (Button("A"), Button("B")))
    assert "".join("".join(shown(message)).split()) == "".join(sayable(text).split()) + "AB"


@given(BUTTONS)
def test_every_button_is_shown_once_and_carries_its_place(buttons):
    posts = posts_of(Message("?", tuple(buttons)), "7")
    ids = [
        element["action_id"]
        for post in posts
        for block in post.blocks
        for element in block.get("elements", ())
    ]
    assert ids == [f"dialogs:7:{at}" for at in range(len(buttons))]


def test_a_text_alone_is_sent_without_blocks():
    [post] = posts_of("Hello <@U1> & <!channel>", "7")
    assert (post.text, post.blocks) == ("Hello &lt;@U1&gt; &amp; &lt;!channel&gt;", ())


@pytest.mark.parametrize(
    "nothing", ["", "  \n", " " * 9000, Message(), Message(data={"a": 1}), "\0\x1b"]
)
def test_what_has_nothing_to_show_is_not_posted(nothing):
    assert posts_of(nothing, "7") == []


def test_a_value_that_is_no_text_is_shown_as_text():
    assert shown({"a": 1}) == ["{'a': 1}"]


def test_notifications_have_the_question_and_its_options():
    [post] = posts_of(Message("Go & on?", (Button("Yes"), Button("No"))), "7")
    assert post.text == "Go &amp; on?\n  1. Yes\n  2. No"


def test_a_label_that_is_too_long_is_said_in_full_above_the_buttons():
    label = "and on " * 30
    [post] = posts_of(Message("?", (Button("Short"), Button(label))), "7")
    [_, options, row] = post.blocks
    assert options["text"]["text"] == f"2. {label.strip()}"
    assert [each["text"]["text"][:9] for each in row["elements"]] == ["Short", "2. and on"]
    assert len(row["elements"][1]["text"]["text"]) == 75


def test_rows_have_25_buttons_and_posts_50_blocks():
    [post] = posts_of(Message("?", tuple(Button(str(n)) for n in range(60))), "7")
    assert [len(block.get("elements", ())) for block in post.blocks] == [0, 25, 25, 10]
    posts = posts_of(Message("?", tuple(Button(str(n)) for n in range(2000))), "7")
    assert [len(post.blocks) for post in posts] == [50, 31]  # of 25 labels of 4 letters


def test_blocks_of_the_authors_are_split_at_50():
    blocks = tuple({"type": "divider"} for _ in range(120))
    assert [len(post.blocks) for post in posts_of(Message("x", blocks=blocks), "7")] == [50, 50, 20]


def test_blocks_with_more_text_than_slack_takes_are_split():
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}
    wide = {"type": "section", "fields": [{"type": "mrkdwn", "text": "y" * 2000}] * 3}
    small = {"type": "section", "block_id": "z" * 255, "text": {"type": "mrkdwn", "text": "z"}}
    posts = posts_of(Message("x", blocks=(long, long, wide, long, *[small] * 40)), "7")
    assert [len(post.blocks) for post in posts] == [2, 42]
    assert [block for post in posts for block in post.blocks] == [long, long, wide, long] + [
        small
    ] * 40


def test_marks_are_shown_as_they_are_unless_they_are_wanted():
    question = Message("*Really*?", (Button("Yes"),))
    assert posts_of(question, "7")[0].blocks[0]["text"]["type"] == "plain_text"
    marked = posts_of(question, "7", mrkdwn=True)[0].blocks[0]["text"]
    assert marked == {"type": "mrkdwn", "text": "*Really*?"}
    text = posts_of(Message("<!channel> *x*", (Button("A"),)), "7", mrkdwn=True)[0].blocks[0]
    assert text["text"]["text"] == "&lt;!channel&gt; *x*"


def test_a_files_name_and_address_cannot_name_anybody():
    file = Attachment("<!channel>|x", "https://x.example/?a=1&b=<!here>")
    [post] = posts_of(Message("Look", attachments=(file,)), "7")
    assert post.blocks[1]["text"]["text"] == (
        "<https://x.example/?a=1&amp;b=&lt;!here&gt;|&lt;!channel&gt;/x>"
    )


def test_an_address_that_is_no_link_is_shown_as_text():
    [post] = posts_of(Message("", attachments=(Attachment("x", "javascript:alert(1)"),)), "7")
    assert post.blocks[0]["text"]["type"] == "plain_text"


# --- words ------------------------------------------------------------------------------------


@given(st.text(max_size=50))
def test_escaping_can_be_undone(text):
    assert unescape(escape(text)) == text


@given(st.text("a &<\n", max_size=400), st.integers(12, 40))
def test_splitting_loses_nothing_but_spaces_and_cuts_no_escape(text, limit):
    parts = split(escape(text), limit)
    assert all(0 < len(part) <= limit for part in parts)
    assert not any(re.search(r"&(?!amp;|lt;|gt;)", part) for part in parts)
    assert "".join("".join(map(unescape, parts)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("<@UBOT> hello", "hello"),
        (" <@UBOT|bot>, hello", "hello"),
        ("hello <@UBOT>", "hello <@UBOT>"),
        ("<@U2> hello", "<@U2> hello"),
        ("<https://x.example>", "https://x.example"),
        ("<https://x.example|x.example>", "x.example"),
        ("<https://x.example/?a=1&amp;b=2>", "https://x.example/?a=1&b=2"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<mailto:a@b.example>", "a@b.example"),
        ("<tel:+4930|+49 30>", "+49 30"),
        ("<#C1|general> and <#C2>", "#general and <#C2>"),
        ("<!here> <!subteam^S1|@crew> <!subteam^S2>", "@here @crew @subteam"),
        ("&lt;b&gt; &amp;amp; 1 &lt; 2", "<b> &amp; 1 < 2"),
        ("&lt;@U1&gt;", "<@U1>"),
    ],
)
def test_what_was_typed_is_heard_as_it_was_seen(sent, typed):
    assert as_typed(sent, "UBOT") == typed


@given(st.text(max_size=50))
def test_whatever_is_typed_is_heard(text):
    assert as_typed(escape(text), "UBOT") == text
