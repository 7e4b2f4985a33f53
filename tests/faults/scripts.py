"""Conversations as scripts: what happens to one, event by event, for a store that fails at any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dialogs import (
    Interrupt,
    ResponseTimeout,
    call,
    dialog,
    get_client_response,
    randint,
    send_message,
    sleep,
    step_key,
    wait_for_signal,
)

HOUR_S = 3_600.0


@dataclass(frozen=True)
class Event:
    """One event: "message", "signal", "start", "cancel", "forget", or "timers" after some time."""

    kind: str
    what: Any = None
    after_s: float = 0.0

    @property
    def has_id(self) -> bool:
        """Whether it comes with a message id, so that a retry gets the same answer."""
        return self.kind in ("message", "signal")


def said(text: str) -> Event:
    return Event("message", text)


def signalled(name: str, payload: Any = None) -> Event:
    return Event("signal", (name, payload))


def passed(seconds: float) -> Event:
    return Event("timers", None, seconds)


@dataclass
class Outside:
    """What a script's dialogs did, by step key, each time they did it."""

    done: list[str] = field(default_factory=list)

    def perform(self) -> str:
        key = step_key().partition("/")[2]  # without the chat id
        self.done.append(key)
        return key


@dataclass(frozen=True)
class Script:
    """A conversation.

    Args:
        name: what it shows.
        root: makes its dialog.
        events: what happens.
        sends: whether there is a sender.
        interrupts: makes the interrupts.
    """

    name: str
    root: Callable[[Outside], Any]
    events: tuple[Event, ...]
    sends: bool = True
    interrupts: Callable[[Outside], tuple[Interrupt, ...]] = lambda _outside: ()

    def __str__(self) -> str:
        return self.name


def _order(outside: Outside) -> Any:
    @dialog(name="order")
    def order(opening: str) -> Any:
        total = yield randint(1000, 10**9)
        yield send_message(["hello", opening, total])
        item = yield get_client_response()
        receipt = yield call(outside.perform)
        yield send_message(["ordered", item, receipt])
        yield send_message("Anything else?")
        more = yield get_client_response()
        return [item, more, total, (yield call(outside.perform))]

    return order


def _patient(outside: Outside) -> Any:
    @dialog(name="patient")
    def patient() -> Any:
        yield send_message("Well?")
        try:
            answer = yield get_client_response(timeout=HOUR_S)
        except ResponseTimeout:
            answer = yield call(outside.perform)
            yield send_message(["Nobody?", answer])
        yield sleep(HOUR_S)
        yield send_message(["Good morning", (yield call(outside.perform))])
        yield get_client_response(timeout=HOUR_S)

    return patient


def _paying(outside: Outside) -> Any:
    @dialog(name="paying")
    def paying(opening: str) -> Any:
        early = yield wait_for_signal("early")
        yield send_message(["early", early, opening])
        paid = yield wait_for_signal("paid", timeout=HOUR_S)
        receipt = yield call(outside.perform)
        yield send_message(["paid", paid, receipt])
        answer = yield get_client_response()
        return [paid, receipt, answer]

    return paying


def _asides(outside: Outside) -> tuple[Interrupt, ...]:
    @dialog(name="help")
    def give_help(message: str) -> Any:
        yield send_message(["help", message, (yield call(outside.perform))])
        topic = yield get_client_response()
        yield send_message(["about", topic, (yield call(outside.perform))])

    @dialog(name="goodbye")
    def say_goodbye() -> Any:
        yield send_message(["bye", (yield call(outside.perform))])

    return Interrupt("/help", give_help), Interrupt("/cancel", say_goodbye, cancel=True)


SCRIPTS = (
    Script("with a sender", _order, (said("hi"), said("tea"), said("no"), said("tea"), said("x"))),
    Script("without a sender", _order, (said("hi"), said("tea"), said("no")), sends=False),
    Script(
        "timers",
        _patient,
        (Event("start"), passed(2 * HOUR_S), said("kept"), passed(2 * HOUR_S), passed(2 * HOUR_S)),
    ),
    Script(
        "signals",
        _paying,
        (
            signalled("early", 1),
            said("hi"),
            said("too early"),
            signalled("paid", 42),
            signalled("paid", "after the end"),
        ),
    ),
    Script(
        "interrupts",
        _order,
        (said("hi"), said("/help"), said("prices"), said("tea"), said("/cancel"), said("again")),
        interrupts=_asides,
    ),
    Script(
        "begun and ended from outside",
        _patient,
        (Event("start"), said("now"), Event("cancel"), said("once more"), Event("forget")),
    ),
)
