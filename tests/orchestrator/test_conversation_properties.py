"""A conversation's bytes: damage is refused, and whatever is kept in them comes back."""

import pytest
from hypothesis import given, strategies as st

from dialogs import Conversation, LogError
from dialogs.testing import values
from tests.golden.orchestrated import FOLDER

BODIES = [file.read_bytes() for file in sorted(FOLDER.glob("conversations-format-*/*.bin"))]


@given(st.sampled_from(BODIES), st.data())
def test_a_flipped_bit_is_refused(body, data):
    at = data.draw(st.integers(0, len(body) - 1))
    bit = data.draw(st.integers(0, 7))
    damaged = body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :]
    with pytest.raises(LogError):
        Conversation.decode(damaged)


@pytest.mark.parametrize("body", [min(BODIES, key=len), max(BODIES, key=len)])
def test_every_byte_is_looked_at(body):
    for at in range(len(body)):
        with pytest.raises(LogError):
            Conversation.decode(body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :])


@given(st.sampled_from(BODIES), st.data())
def test_a_conversation_cut_short_or_made_longer_is_refused(body, data):
    cut = data.draw(st.integers(0, len(body) - 1))
    for damaged in (body[:cut], body + data.draw(st.binary(min_size=1))):
        with pytest.raises(LogError):
            Conversation.decode(damaged)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    for body in (data, b"DLC" + data, b"DLC\x01" + data):
        with pytest.raises(LogError):
            Conversation.decode(body)


@given(st.lists(values(), max_size=3), values(), values())
def test_whatever_the_log_can_keep_a_conversation_can_keep(messages, opening, payload):
    conversation = Conversation.new(1.0).replace(
        opening=opening,
        result=payload,
        inbox=messages,
        outbox=[[n, message] for n, message in enumerate(messages)],
        signals=[["paid", payload]],
    )
    body = conversation.encode()
    assert Conversation.decode(body).encode() == body
