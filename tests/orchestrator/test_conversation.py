"""A conversation as one bytes value, and what can be asked of it."""

import itertools
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zlib import crc32

import pytest

from dialogs import Button, Conversation, Corrupt, LogError, Message, Status, UnknownFormat
from dialogs.codec import encode, load
from dialogs.standing import Digression, Entry, Pending
from tests.values import same

ASKING = Pending(
    "get_client_response", 7, (("shop", "shop.py:3"), ("pay", "")), 60.5, [5, 6], ["Pay?", {"a": 1}]
)
FULL = Conversation(
    ended=None,
    run=3,
    serial=2**40,
    log=b"\0log",
    digressions=2,
    seen={"1": b"reply", "\0paid\0evt": b""},
    error="Traceback: ä\n",
    failures=2,
    retry_at=70.25,
    resends=1,
    resend_at=80.0,
    opened_at=1.5,
    updated_at=2.5,
    opening=("hi", Decimal("1.50")),
    result={"when": datetime(2026, 1, 1, tzinfo=UTC)},
    outbox=[[5, "Pay?"], [6, Message("Go on?", (Button("Yes", True),))]],
    inbox=["early", ("x", b"y")],
    signals=[["paid", 5], ["paid", None]],
    history=[Entry(4, True, 1.0, "hi"), Entry(5, False, 2.0, ["Pay?"])],
    pending=ASKING,
    digression=Digression("helping", "/help", True, "3/2", b"aside", replace(ASKING, number=9)),
)
SHAPES = {
    "new": Conversation.new(1700000000.0),
    "full": FULL,
    "no digression": replace(FULL, digression=None),
    "a digression outside of a run": replace(FULL, pending=None, log=None),
    "over": Conversation(ended=Status.COMPLETED, run=1, result=[1, (2,)]),
}


def sealed(body, start=b"DLC\x01"):
    """Bytes whose checksum fits."""
    return start + crc32(body, start[3]).to_bytes(4, "big") + body


@pytest.mark.parametrize("name", SHAPES)
def test_a_conversation_comes_back_from_its_bytes(name):
    conversation = SHAPES[name]
    copy = Conversation.decode(conversation.encode())
    assert copy == conversation
    assert same(copy.opening, conversation.opening)
    assert same(copy.result, conversation.result)
    assert same(copy.outbox, conversation.outbox)
    assert same(copy.inbox, conversation.inbox)
    assert copy.ended is conversation.ended
    assert copy.encode() == conversation.encode()


def test_a_new_conversation_is_small():
    assert len(SHAPES["new"].encode()) < 64


@pytest.mark.parametrize("data", [b"", b"D", b"DLC", b"DLC\x01", b"DLG\x01" + b"\0" * 20, b"{}"])
def test_other_bytes_are_no_conversation(data):
    with pytest.raises(UnknownFormat, match="not a conversation"):
        Conversation.decode(data)


def test_a_newer_format_is_refused_and_named():
    with pytest.raises(UnknownFormat, match="format 2"):
        Conversation.decode(sealed(FULL.encode()[8:], b"DLC\x02"))


def test_damage_is_refused():
    data = bytearray(FULL.encode())
    data[-1] ^= 1
    with pytest.raises(Corrupt, match="checksum"):
        Conversation.decode(bytes(data))


@pytest.mark.parametrize(
    "body",
    [b"", b"\xc1", encode(None), encode([]), encode([[], b""]), encode([[1] * 40, encode([1])])],
)
def test_a_wrong_structure_under_a_checksum_that_fits_is_corrupt(body):
    with pytest.raises(Corrupt, match="structure"):
        Conversation.decode(sealed(body))


JUNK = [None, -1, 1e300, float("nan"), "", b"", "x", [], {}, [1], (1,), True, 2**70, [[]], ["x"]]


@pytest.mark.parametrize("name", ["full", "over"])
def test_fields_of_wrong_kinds_are_corrupt_or_harmless(name):
    head, words = load(SHAPES[name].encode()[8:])
    words = load(words)
    refused = 0
    for part in (head, words):
        for at, junk in itertools.product(range(len(part)), JUNK):
            whole = part[at]
            part[at] = junk
            data = sealed(encode([head, encode(words)]))
            part[at] = whole
            try:
                conversation = Conversation.decode(data)
            except LogError:
                refused += 1
                continue
            # What is taken can be asked, and kept.
            _ = conversation.status, conversation.waiting, conversation.wake_at, conversation.prompt
            conversation.encode()
    assert refused > 100


def test_a_conversation_within_a_conversation_is_no_conversation():
    with pytest.raises(LogError):
        Conversation.decode(sealed(FULL.encode()))


def test_numbers_of_a_new_conversation_begin_at_the_clock():
    assert Conversation.new(1700000000.25).serial == 1700000000250
    assert Conversation.new(1700000000.25).run == 0


def test_a_conversation_can_be_pickled_and_compared():
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    assert FULL.replace(run=4) != FULL


# --- where it stands --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "INITIATED"),
        ({"pending": ASKING}, "WAITING_FOR_RESPONSE"),
        ({"pending": replace(ASKING, step="sleep")}, "PROCESSING"),
        ({"pending": replace(ASKING, step="wait_for_signal paid")}, "PROCESSING"),
        ({"pending": ASKING, "error": "no"}, "ERROR"),
        ({"ended": Status.COMPLETED}, "COMPLETED"),
        ({"ended": Status.COMPLETED, "error": "no"}, "ERROR"),
        ({"ended": Status.TIMED_OUT}, "TIMED_OUT"),
        ({"ended": Status.CANCELLED, "digression": FULL.digression}, "CANCELLED"),
        (
            {"pending": replace(ASKING, step="sleep"), "digression": FULL.digression},
            "WAITING_FOR_RESPONSE",
        ),
    ],
)
def test_a_status_comes_from_what_there_is(changes, status):
    assert Conversation(**changes).status == status


def test_the_digression_s_prompt_comes_first():
    assert FULL.prompt == "9"
    assert replace(FULL, digression=None).prompt == "7"
    assert Conversation(pending=replace(ASKING, step="sleep")).prompt is None


def test_where_it_waits_is_a_text_for_people():
    place = "get_client_response in shop (shop.py:3) > pay"
    assert FULL.waiting == f"{place}, and {place}"
    assert Conversation().waiting == ""


@pytest.mark.parametrize(
    ("changes", "wake_at"),
    [
        ({}, None),
        ({"pending": ASKING}, 60.5),
        ({"pending": replace(ASKING, deadline=None)}, None),
        ({"pending": ASKING, "retry_at": 100.0}, 100.0),
        ({"pending": ASKING, "digression": FULL.digression}, 60.5),
        ({"outbox": [[1, "x"]], "updated_at": 3.0}, 3.0),
        ({"outbox": [[1, "x"]], "resend_at": 9.0, "updated_at": 3.0}, 9.0),
        ({"pending": ASKING, "outbox": [[1, "x"]], "resend_at": 90.0}, 60.5),
        ({"retry_at": 100.0}, None),
    ],
)
def test_it_wakes_for_its_deadline_and_for_what_was_not_sent(changes, wake_at):
    assert Conversation(**changes).wake_at == wake_at


@pytest.mark.parametrize("status", Status)
def test_three_statuses_are_over(status):
    assert status.is_over is (status in ("COMPLETED", "TIMED_OUT", "CANCELLED"))
