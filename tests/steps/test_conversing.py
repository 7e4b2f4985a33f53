"""send_message and get_client_response: what is said once, and what may be answered."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from dialogs import (
    NotSerializable,
    UsageError,
    dialog,
    get_client_response,
    run_gen_dialog,
    send_message,
)

# --- send_message -----------------------------------------------------------------------------


def test_a_message_is_said_once_and_answered_with_none(kept):
    said = []

    @dialog
    def talk():
        said.append((yield send_message("one")))
        yield get_client_response()
        said.append((yield send_message("two")))
        yield get_client_response()

    assert run_gen_dialog(talk(), kept, "").messages == ["one"]
    assert run_gen_dialog(talk(), kept, "a").messages == ["two"]
    assert run_gen_dialog(talk(), kept, "b").messages == []
    assert said == [None] * 5


@pytest.mark.parametrize("message", ["text", "", "\ud800", 5, None, {"a": (1, 2)}, b"\0", 1.5])
def test_any_value_can_be_said_as_often_as_one_likes(kept, message):
    @dialog
    def talk():
        yield send_message(message)
        yield get_client_response()
        yield send_message(message)

    first = run_gen_dialog(talk(), kept, "")
    second = run_gen_dialog(talk(), kept, "go on")

    assert first.messages == second.messages == [message]
    assert type(first.messages[0]) is type(message)


def test_a_message_that_the_log_cannot_keep_is_refused_by_its_step(kept):
    with pytest.raises(NotSerializable, match=r"send_message\(") as caught:
        run_gen_dialog(send_message({"items": [1, object()]}), kept, "")

    assert caught.value.path == "value['items'][1]"
    assert caught.value.value_type == "object"
    assert kept.log is None


def test_a_message_is_said_as_it_was_when_it_was_said(kept):
    basket = ["milk"]

    @dialog
    def talk():
        yield send_message(basket)
        basket.append("honey")
        yield send_message(basket)

    assert run_gen_dialog(talk(), kept, "").messages == [["milk"], ["milk", "honey"]]


# --- get_client_response ----------------------------------------------------------------------


def test_the_client_may_answer_with_any_value(kept):
    answer = {"choice": ("b", 2), "when": datetime(2024, 2, 29, tzinfo=UTC)}
    run_gen_dialog(get_client_response(), kept, "")

    assert run_gen_dialog(get_client_response(), kept, answer).return_value == answer


def test_a_client_response_that_the_log_cannot_keep_is_refused_and_can_be_given_again(kept):
    run_gen_dialog(get_client_response(), kept, "")

    with pytest.raises(NotSerializable, match=r"get_client_response\(\)"):
        run_gen_dialog(get_client_response(), kept, object())

    assert run_gen_dialog(get_client_response(), kept, "text").return_value == "text"


@pytest.mark.parametrize("timeout", [0, -1, 0.0, math.nan, timedelta(0), timedelta(seconds=-1)])
def test_a_timeout_that_cannot_pass_is_refused(timeout):
    with pytest.raises(UsageError, match=r"get_client_response\(timeout="):
        get_client_response(timeout=timeout)


@pytest.mark.parametrize("timeout", [None, 5, 0.5, timedelta(minutes=1)])
def test_a_runner_has_no_clock_and_never_times_out(kept, timeout):
    step = get_client_response(timeout=timeout)

    assert not run_gen_dialog(step, kept, "").is_done
    assert run_gen_dialog(step, kept, "late").return_value == "late"


def test_a_timeout_may_be_given_to_a_wait_that_is_already_open(kept):
    run_gen_dialog(get_client_response(), kept, "")

    assert run_gen_dialog(get_client_response(timeout=60), kept, "yes").return_value == "yes"
