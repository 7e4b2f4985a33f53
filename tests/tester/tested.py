"""Dialogs that are under test in several files."""

from datetime import timedelta

import pytest

from dialogs import (
    Button,
    Message,
    ResponseTimeout,
    call,
    dialog,
    get_client_response,
    now,
    send_message,
)


@dialog
def greet():
    yield send_message("Who is there?")
    name = yield get_client_response()
    yield send_message(f"Hello, {name}!")
    yield send_message(Message("Go on?", buttons=(Button("Yes", True), Button("No", False))))
    return (yield get_client_response(timeout=60))


def failure(action):
    with pytest.raises(AssertionError) as caught:
        action()
    return str(caught.value)


@dialog
def hasty():
    before = yield now()
    try:
        answer = yield get_client_response(timeout=timedelta(minutes=2))
    except ResponseTimeout as error:
        answer = error.timeout_s
    return answer, (yield now()) - before


def charge(amount, currency="EUR"):
    raise AssertionError("a test would have charged somebody")


async def acharge(amount, currency="EUR"):
    raise AssertionError("a test would have charged somebody")


@dialog
def shop(charge=charge):
    try:
        first = yield call(charge, 5)
    except ConnectionError as error:
        first = str(error)
    second = yield call(charge, 7, currency="USD")
    yield send_message("Thanks!")
    yield get_client_response()
    return first, second
