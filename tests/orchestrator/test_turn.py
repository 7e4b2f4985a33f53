"""The pure turn: a conversation and an event in, the next conversation and what to say out."""

import pytest

from dialogs import (
    Conversation,
    Interrupt,
    NotSerializable,
    Status,
    Turn,
    UnknownDialog,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from dialogs.drivers import World, drive
from dialogs.events import Cancelled, Said, Signalled, Start, Woken
from dialogs.flow import Flow, opener
from dialogs.turn import SEEN, backoff, failed, take_turn


@dialog
def greet(opening):
    yield send_message("Name?")
    name = yield get_client_response(timeout=60)
    return opening, name


def flow(root=greet, **options):
    return Flow(opener(root), **options)


def turn(before, event, flow, *, now=0.0, sends=False):
    effects = take_turn(before, event, flow, chat_id="c", now=now, sends=sends, can_await=False)
    return drive(effects, World())


def test_a_turn_changes_nothing_but_what_it_returns():
    before = Conversation.new(1.0)
    bytes_before = before.encode()
    after, what = turn(before, Said("hi", "1"), flow(), now=5.0)
    assert before.encode() == bytes_before
    assert what == Turn("c", ["Name?"], Status.WAITING_FOR_RESPONSE, None, after.prompt, wake_at=65)
    assert (after.run, after.opening, after.opened_at, after.updated_at) == (1, "hi", 5.0, 5.0)
    assert list(after.seen) == ["1"]


def test_the_same_turn_twice_gives_the_same_conversation():
    before = Conversation.new(1.0)
    one, other = (turn(before, Said("hi", "1"), flow(), now=5.0) for _ in range(2))
    assert one[0].encode() == other[0].encode()
    assert one[1] == other[1]


def test_a_conversation_goes_on_from_its_bytes():
    after, _ = turn(Conversation.new(1.0), Said("hi"), flow())
    after, what = turn(Conversation.decode(after.encode()), Said("Ada"), flow())
    assert (what.result, what.status, after.log) == (("hi", "Ada"), Status.COMPLETED, None)


@pytest.mark.parametrize(
    "event",
    [
        Woken(),
        Start(),
        Said("Ada", in_reply_to="0"),
        Said("hi", "1"),
    ],
)
def test_where_nothing_changes_the_conversation_is_the_same_object(event):
    before, _ = turn(Conversation.new(1.0), Said("hi", "1"), flow())
    after, _ = turn(before, event, flow())
    assert after is before


def test_cancelling_nothing_changes_nothing():
    before = Conversation.new(1.0)
    assert turn(before, Cancelled(), flow())[0] is before


@pytest.mark.parametrize("sends", [False, True])
def test_what_is_said_is_put_into_the_outbox_where_somebody_sends(sends):
    after, what = turn(Conversation.new(1.0), Start(), flow(), sends=sends)
    assert what.messages == ["Name?"]
    assert [message for _, message in after.outbox] == (["Name?"] if sends else [])


def test_numbers_rise_over_messages_waits_and_runs():
    numbers, conversation = [], Conversation.new(1.0)
    for word in ("hi", "Ada", "hi", "Bob"):
        conversation, what = turn(conversation, Said(word), flow(), sends=True)
        numbers += [number for number, _ in conversation.outbox]
        numbers += [int(what.prompt)] if what.prompt else []
        conversation = conversation.replace(outbox=[])
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 1000


def test_an_exception_leaves_the_conversation_before_it_as_it_was():
    @dialog
    def broken(opening):
        yield send_message("Name?")
        raise ValueError("no")

    before = Conversation.new(1.0)
    with pytest.raises(ValueError, match="no"):
        turn(before, Said("hi"), flow(broken), sends=True)
    assert before == Conversation.new(1.0)


def test_a_failed_turn_keeps_the_error_and_backs_off():
    before, _ = turn(Conversation.new(1.0), Said("hi"), flow())
    once = failed(before, ValueError("no"), None, now=70.0)
    twice = failed(once, ValueError("no"), "Sorry.", now=80.0)
    assert (once.status, once.error, once.retry_at) == (Status.ERROR, "ValueError: no\n", 75.0)
    assert (once.pending, once.log) == (before.pending, before.log)
    assert (twice.failures, twice.retry_at) == (2, 90.0)
    assert [message for _, message in twice.outbox] == ["Sorry."]
    after, _ = turn(twice, Said("Ada"), flow())
    assert (after.error, after.failures, after.retry_at) == ("", 0, None)


def test_a_turn_that_failed_before_a_deadline_leaves_it_where_it_is():
    before, _ = turn(Conversation.new(1.0), Said("hi"), flow())
    after = before
    for now in range(10):
        after = failed(after, ValueError("no"), None, now=float(now))
    assert (after.status, after.deadline) == (Status.ERROR, before.deadline)
    assert failed(after, ValueError("no"), None, now=61.0).deadline == 66.0


def test_a_long_traceback_is_cut_at_its_beginning():
    kept = failed(Conversation.new(1.0), ValueError("x" * 100_000 + "end"), None, now=0.0)
    assert len(kept.error) == 10_000
    assert kept.error.endswith("end\n")


def test_trying_again_waits_longer_each_time_and_an_hour_at_most():
    assert [backoff(n) for n in (1, 2, 3, 10, 11, 1000, 10**9)] == [
        5,
        10,
        20,
        2560,
        3600,
        3600,
        3600,
    ]


def test_the_window_of_message_ids_keeps_the_last_ones():
    @dialog
    def listen():
        while True:
            yield get_client_response()

    conversation, _ = turn(Conversation.new(1.0), Start(), flow(listen))
    for number in range(SEEN + 5):
        conversation, _ = turn(conversation, Said("x", str(number)), flow(listen))
    assert list(conversation.seen) == [str(number) for number in range(5, SEEN + 5)]


def test_a_timer_that_is_not_due_fires_nothing():
    before, _ = turn(Conversation.new(1.0), Said("hi"), flow())
    assert turn(before, Woken(), flow(), now=59.9)[0] is before
    assert turn(before, Woken(), flow(), now=60.0)[1].status is Status.TIMED_OUT


def test_a_timer_that_failed_is_not_tried_before_its_time():
    before, _ = turn(Conversation.new(1.0), Said("hi"), flow())
    before = failed(before, ValueError("no"), None, now=60.0)
    assert turn(before, Woken(), flow(), now=64.0)[0] is before
    assert turn(before, Woken(), flow(), now=65.0)[1].status is Status.TIMED_OUT


def test_a_conversation_of_an_unknown_root_is_refused():
    before, _ = turn(Conversation.new(1.0), Start(), flow())
    with pytest.raises(UnknownDialog, match="orders"):
        turn(before.replace(root="orders"), Said("Ada"), flow())


def test_a_signal_is_kept_with_what_it_carries():
    after, _ = turn(Conversation.new(1.0), Signalled("paid", (5, b"x"), "e1"), flow())
    assert after.signals == [["paid", (5, b"x")]]
    assert turn(after, Signalled("paid", 6, "e1"), flow())[1].duplicate


def test_a_result_that_cannot_be_kept_undoes_the_turn():
    @dialog
    def root():
        yield send_message("x")
        return object()

    with pytest.raises(NotSerializable, match="root"):
        turn(Conversation.new(1.0), Start(), flow(root))


def test_history_keeps_the_last_messages_of_both_sides():
    conversation = Conversation.new(1.0)
    for at, word in enumerate(("hi", "Ada", "again", "Bob")):
        conversation, _ = turn(conversation, Said(word), flow(history=4), now=float(at))
    said = [(entry.by_client, entry.message, entry.at) for entry in conversation.history]
    assert said == [
        (True, "Ada", 1.0),
        (True, "again", 2.0),
        (False, "Name?", 2.0),
        (True, "Bob", 3.0),
    ]
    numbers = [entry.number for entry in conversation.history]
    assert numbers == sorted(set(numbers))
    assert Conversation.decode(conversation.encode()).history == conversation.history


def test_history_has_interrupts_and_kept_messages_and_no_repetitions():
    @dialog
    def root():
        yield sleep(60)
        yield send_message("Name?")
        yield get_client_response()

    @dialog
    def helping():
        yield send_message("Help.")

    options = {"history": 10, "interrupts": (Interrupt("/help", helping),)}
    conversation, _ = turn(Conversation.new(1.0), Start(), flow(root, **options))
    for event in (Said("early", "1"), Said("early", "1"), Said("/help"), Said("x", None, "0")):
        conversation, _ = turn(conversation, event, flow(root, **options))
    assert [entry.message for entry in conversation.history] == ["early", "/help", "Help."]


def test_without_a_loop_an_async_step_is_refused_before_anything_is_kept():
    from dialogs import AsyncInSyncRun

    async def fetch():
        return 1

    @dialog
    def root():
        yield call(fetch)

    with pytest.raises(AsyncInSyncRun):
        turn(Conversation.new(1.0), Start(), flow(root))
