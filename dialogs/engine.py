"""Answers steps: runs dialogs, nests them, performs new steps and records them.

`Engine.run` is a generator of effects (see `effects.py`): it says what has to be performed, is
sent the outcome, and performs nothing itself, so that the same code serves sync and async runs.
`replay.py` brings a dialog to its first step without a record; the engine answers from there.

A turn ends when a step waits and no event is left (`Suspended`), or when the root dialog ends.
`Suspended` travels through the engine's own generators and never through an author's: each level
leaves its dialog on the way out, innermost first. Nothing new is performed before every open
frame was replayed, so a `ReplayError` comes before anything was said or done.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NoReturn

from dialogs.bodies import Body, Where, location, start
from dialogs.codec import decode, encode, encode_with_copy, load
from dialogs.dialog import Definition, Dialog, Style, find_definition
from dialogs.effects import (
    Changed,
    Continued,
    Effects,
    Leaving,
    Perform,
    Raised,
    Refused,
    Returned,
    Suspended,
    Together,
)
from dialogs.errors import (
    AsyncInSyncRun,
    Corrupt,
    NotAStep,
    NotSerializable,
    ResponseTimeout,
    UsageError,
    YieldInFinally,
)
from dialogs.failures import encode_failure
from dialogs.log import CONSUMED, FAILED, Frame, Log
from dialogs.marks import checksum, mark, words_of
from dialogs.plain import plain_effects
from dialogs.replay import FrameReplay, advance
from dialogs.steps import (
    SEND_MESSAGE,
    Call,
    ContinueAsNew,
    DialogResult,
    Gather,
    GetClientResponse,
    Patched,
    SendMessage,
    Step,
    describe,
    must_await,
)


@dataclass(slots=True)
class Response:
    """The event that the client answered."""

    value: Any


@dataclass(slots=True)
class TimedOut:
    """The event that the client did not answer in time."""


Event = Response | TimedOut


class Engine:
    """Runs dialogs over one log, for one turn.

    Args:
        log: what was answered so far; changed as the turn goes on.
        event: what answers the pending wait; None where the conversation starts.
        can_await: whether whoever drives this may await.
        conversation: the conversation's id, for errors and step keys.
        strict: raise `Changed` for an open frame of another version, instead of starting that
            dialog anew.
        within: the place of the gather that this engine runs a branch of.

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
        strict: bool = False,
        within: tuple[int, ...] = (),
    ) -> None:
        self.log = log
        self.event = event
        self.can_await = can_await
        self.conversation = conversation
        self.strict = strict
        self.within = within
        self.messages: list[Any] = []
        self.waiting: Step[Any] | None = None

    # --- dialogs ------------------------------------------------------------------------------

    def enter(self, call: Dialog[Any], depth: int) -> Effects[Any]:
        """Run a dialog to its end, going on in its frame at this depth where there is one.

        Returns:
            What it returned.

        Raises:
            Raised: it raised an exception.
        """
        dialog = self.resumed(call, depth)
        if dialog is None:
            dialog = call
            self.log.open(dialog.name, dialog.version)
        while True:
            try:
                if dialog.definition.style is Style.PLAIN:
                    return (yield from plain_effects(self, self._replay_of(dialog, depth), depth))
                return (yield from self._run(self._replay_of(dialog, depth), depth))
            except Continued as continued:
                dialog = continued.dialog
                if self._definition(dialog.name, call.definition) is not dialog.definition:
                    raise Refused(
                        UsageError(
                            f"continue_as_new() cannot go on with {dialog!r}.",
                            "Another dialog has its name, and would be found in its place.",
                            'Give each its own name: @dialog(name="...").',
                        )
                    ) from None
                self.log.drop(depth)
                frame = self.log.open(dialog.name, dialog.version)
                frame.arguments = continued.arguments

    def resumed(self, call: Dialog[Any], depth: int) -> Dialog[Any] | None:
        """The dialog that goes on in the frame at this depth.

        Returns:
            None where there is no such frame, or no longer: one of another version is dropped.

        Raises:
            Changed: the frame has another version, and this engine is strict.
        """
        frames = self.log.frames
        if depth >= len(frames):
            return None
        frame, dialog = frames[depth], call
        if frame.arguments is not None:
            dialog = self._continued_dialog(frame, call.definition)
        if frame.version == dialog.version:
            return dialog
        if self.strict:
            raise Changed
        self.log.drop(depth)
        self.event = None
        return None

    def _continued_dialog(self, frame: Frame, likely: Definition) -> Dialog[Any]:
        definition = self._definition(frame.dialog, likely)
        try:
            args, kwargs = load(frame.arguments or b"")
            return Dialog(definition, (*args,), {**kwargs})
        except Exception as error:
            what = f"A log has arguments of {frame.dialog!r} that cannot be rebuilt: {error!r}."
            raise Refused(Corrupt(what)) from error

    @staticmethod
    def _definition(name: str, likely: Definition) -> Definition:
        if likely.name == name:
            return likely
        try:
            return find_definition(name)
        except UsageError as error:
            raise Refused(error) from None

    def _replay_of(self, dialog: Dialog[Any], depth: int) -> FrameReplay:
        return FrameReplay(dialog, self.log.frames[depth], self.can_await, self.conversation)

    def _run(self, replay: FrameReplay, depth: int) -> Effects[Any]:
        """Run a dialog that has a body."""
        body = self._start(replay.dialog)
        ended = False
        try:
            step = yield from replay.replay(body)
            where = partial(location, body)
            self.arrive(replay, step, depth, where)
            while type(step) is not DialogResult:
                try:
                    answer = yield from self.answer(step, replay, depth, where)
                except Raised as raised:
                    step = advance(body.throw, raised.error)
                else:
                    step = advance(body.send, answer)
                step = yield from replay.settle(body, step)
            return self._result(step, replay)
        except Returned as returned:
            ended = True
            return returned.value
        except Raised as raised:
            ended = True
            self._refuse_missing_loop(raised.error, replay)
            raise
        finally:
            if not ended:
                yield from self._leave(body, replay)

    @staticmethod
    def _start(dialog: Dialog[Any]) -> Body:
        try:
            return start(dialog)
        except Exception as error:
            raise Raised(error) from None

    def arrive(self, replay: FrameReplay, step: Step[Any], depth: int, where: Where) -> None:
        """Compare a dialog's first step without a record with what it waited in, if it did."""
        # A version is compared before a name: another one is a declared change.
        declared = (
            isinstance(step, Dialog)
            and depth + 1 < len(self.log.frames)
            and self.resumed(step, depth + 1) is None
        )
        replay.arrive(step, where, declared=declared)

    @staticmethod
    def _result(step: DialogResult, replay: FrameReplay) -> Any:
        style = replay.dialog.definition.style
        if style is Style.ASYNC_GENERATOR:
            return step.value
        raise Refused(
            UsageError(
                f"{replay} yielded dialog_result(...).",
                f"It is a {style.value}, which can return.",
                "Write `return value`; dialog_result(...) is for async generators.",
            )
        )

    def _refuse_missing_loop(self, error: Exception, replay: FrameReplay) -> None:
        if self.can_await or not isinstance(error, RuntimeError):
            return
        if str(error) == "no running event loop":
            raise Refused(AsyncInSyncRun(f"{replay} needs an event loop.", str(error))) from error

    def _leave(self, body: Body, replay: FrameReplay) -> Effects[None]:
        """Leave a dialog where it stands: what `close()` does, but its cleanup may await."""
        try:
            step = advance(body.throw, GeneratorExit())
            while (foreign := replay.foreign(step)) is not None:
                step = yield from replay.await_foreign(body, foreign)
        except (GeneratorExit, Returned):
            return
        except Raised as raised:
            raise raised.error from None
        what = f"{replay} asked for {step!r} at {location(body)} while it was being left."
        with suppress(BaseException):
            body.throw(GeneratorExit())
        raise Refused(YieldInFinally(what))

    # --- steps --------------------------------------------------------------------------------

    def answer(self, step: Step[Any], owner: object, depth: int, where: Where) -> Effects[Any]:
        """Answer a step that has no record, and record the answer.

        Args:
            step: the step.
            owner: who asks; its text is for errors.
            depth: the number of the asking dialog's frame.
            where: tells where in its code, for errors.

        Returns:
            The answer, as every replay will give it.

        Raises:
            Raised: the step failed, with the exception that every replay will throw.
            Suspended: it waits, and nothing is there to answer it.
        """
        at_once = self._AT_ONCE.get(type(step))
        if at_once is not None:
            return at_once(self, step)
        if isinstance(step, Dialog):
            return (yield from self._nest(step, depth))
        if isinstance(step, Gather):
            return (yield from self._gather(step, owner, where))
        if not self.can_await or isinstance(step, Call):
            self._check_performable(step, owner, where)
        try:
            answer = yield Perform(step, self._place(), self.conversation)
        except Exception as error:
            raise self._record_failure(step, error) from None
        if not self.can_await and isinstance(answer, Awaitable):
            raise self._must_await(step, answer, owner, where)
        return self._record(step, answer)

    def _say(self, step: SendMessage) -> None:
        message = step.message
        if type(message) is not str:
            _, message = self._encoded(step, message)
        self.messages.append(message)
        self._record(step, None)
        if step.key is SEND_MESSAGE:
            frame, words = self.log.frames[-1], words_of(message)
            frame.words = checksum(words, frame.words)
            frame.marks += mark(words)

    def _response(self, step: GetClientResponse) -> Any:
        event, self.event = self.event, None
        match event:
            case Response(value):
                return self._record(step, value, CONSUMED)
            case TimedOut():
                raise self._record_failure(step, ResponseTimeout(step.timeout_s or 0.0))
        if self.within:
            raise Refused(
                UsageError(
                    f"A step inside gather() waits for the client: {step!r}.",
                    "The steps of a gather() are performed together, in one turn.",
                    "Wait for the client before or after gather().",
                )
            )
        self.log.frames[-1].pending = step.key
        self.waiting = step
        raise Suspended

    def _patched(self, step: Patched) -> Any:
        return self._record(step, True)

    def _nest(self, step: Dialog[Any], depth: int) -> Effects[Any]:
        frame = self.log.frames[depth]
        frame.pending = step.key
        try:
            result = yield from self.enter(step, depth + 1)
        except Raised as raised:
            consumed, frame.pending = self.log.collapse(), ""
            raise self._record_failure(step, raised.error, consumed) from None
        consumed, frame.pending = self.log.collapse(), ""
        return self._record(step, result, consumed)

    def _gather(self, step: Gather, owner: object, where: Where) -> Effects[Any]:
        place = self._place()
        branches = [
            Engine(
                Log(),
                None,
                can_await=self.can_await,
                conversation=self.conversation,
                within=(*place, number),
            )
            for number in range(len(step.steps))
        ]
        outcomes = yield Together(
            [
                branch.branch(inner, owner, where)
                for branch, inner in zip(branches, step.steps, strict=True)
            ]
        )
        for branch in branches:
            self.messages += branch.messages
        for succeeded, outcome in outcomes:
            if not succeeded:
                raise self._record_failure(step, outcome)
        return self._record(step, [outcome for _, outcome in outcomes])

    def branch(self, step: Step[Any], owner: object, where: Where) -> Effects[tuple[bool, Any]]:
        """Answer one step of a gather: whether it succeeded, and its answer or exception."""
        self.log.open("gather", "")
        try:
            return True, (yield from self.answer(step, owner, 0, where))
        except Raised as raised:
            return False, raised.error

    def _continue_as_new(self, step: ContinueAsNew) -> NoReturn:
        raise self._continued(step)

    def _misplaced_result(self, step: DialogResult) -> NoReturn:
        raise Refused(
            UsageError(
                f"{step!r} was performed where it ends nothing.",
                "It is what an async generator yields last, as its return value.",
                "Write `return value` in dialogs of the other styles.",
            )
        )

    _AT_ONCE: ClassVar[dict[type[Step[Any]], Callable[[Any, Any], Any]]] = {
        SendMessage: _say,
        GetClientResponse: _response,
        Patched: _patched,
        ContinueAsNew: _continue_as_new,
        DialogResult: _misplaced_result,
    }

    def _continued(self, step: ContinueAsNew) -> Leaving:
        dialog = step.dialog
        if (self.within and len(self.log.frames) == 1) or not isinstance(dialog, Dialog):
            return Refused(
                UsageError(
                    f"{step!r} cannot go on with {dialog!r} here.",
                    "It ends a dialog and starts another in its place.",
                    "Write `yield continue_as_new(some_dialog(...))` in a dialog's own function.",
                )
            )
        try:
            arguments = encode([list(dialog.args), dialog.kwargs])
        except NotSerializable as error:
            error.step = f"the arguments of {dialog!r}"
            return Refused(error)
        return Continued(Dialog(dialog.definition, *load(arguments)), arguments)

    # --- performing and recording -------------------------------------------------------------

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
        return Refused(AsyncInSyncRun(f"{owner} asked for {step!r} at {where()}.", describe(step)))

    def _place(self) -> tuple[int, ...]:
        return (*self.within, self.log.epoch, *(len(frame.codes) for frame in self.log.frames))

    def _record(self, step: Step[Any], value: Any, outcome: int = 0) -> Any:
        data, copy = self._encoded(step, value)
        self.log.record(step.key, outcome, data, copy)
        return copy

    def _record_failure(self, step: Step[Any], error: Exception, outcome: int = 0) -> Raised:
        data, copy = encode_failure(error)
        self.log.record(step.key, outcome | FAILED, data, decode(data))
        return Raised(copy)

    @staticmethod
    def _encoded(step: Step[Any], value: Any) -> tuple[bytes, Any]:
        try:
            return encode_with_copy(value)
        except NotSerializable as error:
            error.step = describe(step)
            raise Refused(error) from None
