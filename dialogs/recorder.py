"""Answers every step that needs no other dialog, and records all answers of a turn.

A `Recorder` holds one turn over one log: the event that came, what was said, what is waited for.
`engine.py` adds what needs dialogs to be run.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from dialogs.bodies import Where
from dialogs.codec import FLAT, NIL, encode, encode_with_copy, load
from dialogs.dialog import Dialog
from dialogs.effects import Continued, Effects, Perform, Raised, Refused, Suspended
from dialogs.errors import AsyncInSyncRun, NotAStep, NotSerializable, ResponseTimeout, UsageError
from dialogs.failures import encode_failure
from dialogs.log import CONSUMED, FAILED, Log
from dialogs.marks import checksum, mark, words_of
from dialogs.steps import (
    SEND_MESSAGE,
    Call,
    ContinueAsNew,
    DialogResult,
    Gather,
    Patched,
    SendMessage,
    Step,
    discard,
    must_await,
)
from dialogs.waits import GetClientResponse, Sleep, Wait, WaitForSignal


@dataclass(slots=True)
class Response:
    """The event that the client answered."""

    value: Any


@dataclass(slots=True)
class TimedOut:
    """The event that the time of a wait has passed."""


@dataclass(slots=True)
class Signal:
    """The event that a signal came which the dialog waits for."""

    payload: Any


Event = Response | Signal | TimedOut


class Recorder:
    """One turn over one log.

    Args:
        log: what was answered so far; changed as the turn goes on.
        event: what answers the pending wait; None where the conversation starts.
        can_await: whether whoever drives this may await.
        conversation: the conversation's id, for errors and step keys.
        chat_id: whose conversation it is, for the functions that are called.
        within: the place of the gather that this turn runs a branch of.

    Attributes:
        messages: what was said in this turn.
        waiting: the step that the innermost dialog waits in.
    """

    def __init__(
        self,
        log: Log,
        event: Event | None,
        *,
        can_await: bool,
        conversation: str | None = None,
        chat_id: str | None = None,
        within: tuple[int, ...] = (),
    ) -> None:
        self.log = log
        self.event = event
        self.can_await = can_await
        self.conversation = conversation
        self.chat_id = chat_id
        self.within = within
        self.messages: list[Any] = []
        self.waiting: Wait | None = None

    # --- steps that are answered at once ------------------------------------------------------

    def _say(self, step: SendMessage) -> None:
        message = step.message
        if type(message) is not str:
            _, message = self._encoded(step, message)
        self.messages.append(message)
        self.log.record(step.key, 0, NIL, None)
        if step.key is SEND_MESSAGE:
            frame, words = self.log.frames[-1], words_of(message)
            frame.words = checksum(words, frame.words)
            frame.marks += mark(words)

    def _wait(self, step: Wait) -> Any:
        event, self.event = self.event, None
        if isinstance(event, Response | Signal):
            return self._heard(step, event)
        if isinstance(event, TimedOut):
            if isinstance(step, Sleep):
                return self.record(step, None)
            raise self.record_failure(step, ResponseTimeout(step.timeout_s or 0.0))
        if self.within:
            raise self._wait_in_gather(step)
        self.log.frames[-1].pending = step.key
        self.waiting = step
        raise Suspended

    def _heard(self, step: Wait, event: Response | Signal) -> Any:
        if isinstance(event, Response):
            fits, value, outcome = isinstance(step, GetClientResponse), event.value, CONSUMED
        else:
            fits, value, outcome = isinstance(step, WaitForSignal), event.payload, 0
        if fits:
            return self.record(step, value, outcome)
        raise Refused(
            UsageError(
                f"{type(event).__name__} came while the dialog waits in {step!r}.",
                "The bare runners give every client message to the step that waits.",
                "Run the dialog with an Orchestrator, which has a clock and takes signals.",
            )
        )

    @staticmethod
    def _wait_in_gather(step: Step[Any]) -> Refused:
        return Refused(
            UsageError(
                f"A step inside gather() waits: {step!r}.",
                "The steps of a gather() are performed together, in one turn.",
                "Wait before or after gather().",
            )
        )

    def _patched(self, step: Patched) -> Any:
        return self.record(step, True)

    def _misplaced_result(self, step: DialogResult) -> NoReturn:
        raise Refused(
            UsageError(
                f"{step!r} was performed where it ends nothing.",
                "It is what an async generator yields last, as its return value.",
                "Write `return value` in dialogs of the other styles.",
            )
        )

    def _continue_as_new(self, step: ContinueAsNew) -> NoReturn:
        dialog = step.dialog
        if (self.within and len(self.log.frames) == 1) or not isinstance(dialog, Dialog):
            raise Refused(
                UsageError(
                    f"{step!r} cannot go on with {dialog!r} here.",
                    "It ends a dialog and starts another in its place.",
                    "Write `yield continue_as_new(some_dialog(...))` in a dialog's own function.",
                )
            )
        try:
            arguments = encode([list(dialog.args), dialog.kwargs])
        except NotSerializable as error:
            raise Refused(error.of(f"the arguments of {dialog!r}")) from None
        raise Continued(Dialog(dialog.definition, *load(arguments)), arguments)

    AT_ONCE: ClassVar[dict[type[Step[Any]], Callable[[Any, Any], Any]]] = {
        SendMessage: _say,
        GetClientResponse: _wait,
        WaitForSignal: _wait,
        Sleep: _wait,
        Patched: _patched,
        ContinueAsNew: _continue_as_new,
        DialogResult: _misplaced_result,
    }

    # --- steps that somebody performs ---------------------------------------------------------

    def perform(self, step: Step[Any], owner: object, where: Where) -> Effects[Any]:
        """Have a step performed, and record what came of it."""
        if not self.can_await or isinstance(step, Call):
            self._check_performable(step, owner, where)
        try:
            answer = yield Perform(
                step, self.place(), self.conversation, self.chat_id, self.can_await
            )
        except UsageError as error:
            raise Refused(error) from error.__cause__
        except Exception as error:
            raise self.record_failure(step, error) from None
        if type(answer) not in FLAT:
            self._check_answer(step, answer, owner, where)
        return self.record(step, answer)

    def _check_answer(self, step: Step[Any], answer: Any, owner: object, where: Where) -> None:
        if isinstance(answer, Step):
            what = f"{step!r} returned a step, {answer!r}, to {owner} at {where()}."
            raise Refused(NotAStep(what, type(answer).__name__, "Yield that step in the dialog."))
        if not self.can_await and isinstance(answer, Awaitable):
            raise self._must_await(step, answer, owner, where)

    def check_gathered(self, step: Step[Any], owner: object, where: Where) -> None:
        """Refuse a step that a gather cannot perform, before any of its steps is performed."""
        if isinstance(step, Wait):
            raise self._wait_in_gather(step)
        for inner in step.steps if isinstance(step, Gather) else ():
            self.check_gathered(inner, owner, where)
        self._check_performable(step, owner, where)

    def _check_performable(self, step: Step[Any], owner: object, where: Where) -> None:
        if isinstance(step, Call) and not callable(step.fn):
            what = f"{owner} asked for call({step.fn!r}) at {where()}."
            remedy = "Hand call() the function and its arguments: call(fn, a, b=1)."
            raise Refused(NotAStep(what, type(step.fn).__name__, remedy))
        if not self.can_await and must_await(step):
            raise self._must_await(step, None, owner, where)

    @staticmethod
    def _must_await(step: Step[Any], answer: Any, owner: object, where: Where) -> Refused:
        if inspect.iscoroutine(answer):
            answer.close()
        discard(step)
        return Refused(AsyncInSyncRun(f"{owner} asked for {step!r} at {where()}.", repr(step)))

    # --- recording ----------------------------------------------------------------------------

    def place(self) -> tuple[int, ...]:
        """Where the next record goes: the log's epoch, and the number of records in each frame."""
        return (*self.within, self.log.epoch, *[len(frame.codes) for frame in self.log.frames])

    def record(self, step: Step[Any], value: Any, outcome: int = 0) -> Any:
        """Record a step's answer in the innermost frame; returns it as replays will give it."""
        data, copy = self._encoded(step, value)
        self.log.record(step.key, outcome, data, copy)
        return copy

    def record_failure(self, step: Step[Any], error: Exception, outcome: int = 0) -> Raised:
        """Record that a step failed; returns its exception as replays will throw it."""
        data, copy = encode_failure(error)
        self.log.record(step.key, outcome | FAILED, data, load(data))
        return Raised(copy)

    @staticmethod
    def _encoded(step: Step[Any], value: Any) -> tuple[bytes, Any]:
        try:
            return encode_with_copy(value)
        except NotSerializable as error:
            raise Refused(error.of(repr(step))) from None
