"""Runs dialogs: resumes their frames, nests them, leaves them.

`Engine.enter` is a generator of effects (see `effects.py`): it says what has to be performed, is
sent the outcome, and performs nothing itself, so that the same code serves sync and async runs.
`replay.py` brings a dialog to its first step without a record; the engine answers from there.

A turn ends when a step waits and no event is left (`Suspended`), or when the root dialog ends.
`Suspended` travels through the engine's own generators and never through an author's: each level
leaves its dialog on the way out, innermost first. Nothing new is performed before every open
frame was replayed, so a `ReplayError` comes before anything was said or done.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from dialogs.bodies import Body, Where, location, outermost, start
from dialogs.continuing import check_fits, check_found, continued_dialog
from dialogs.dialog import Dialog, Style
from dialogs.effects import (
    Changed,
    Continued,
    Effects,
    Raised,
    Refused,
    Returned,
    Suspended,
    Together,
)
from dialogs.errors import AsyncInSyncRun, UsageError, YieldInFinally
from dialogs.log import Log
from dialogs.plain import plain_effects
from dialogs.recorder import Event, Recorder
from dialogs.replay import FrameReplay, advance
from dialogs.steps import DialogResult, Gather, Step


class Engine(Recorder):
    """Runs dialogs over one log, for one turn.

    Args:
        log: what was answered so far; changed as the turn goes on.
        event: what answers the pending wait; None where the conversation starts.
        strict: raise `Changed` for an open frame of another version, instead of starting that
            dialog anew.
        **options: the keyword arguments of `Recorder`.
    """

    def __init__(
        self, log: Log, event: Event | None, *, strict: bool = False, **options: Any
    ) -> None:
        super().__init__(log, event, **options)
        self.strict = strict

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
            except Raised as raised:
                if isinstance(raised.error, UsageError):
                    raise Refused(raised.error) from raised.error.__cause__
                check_fits(dialog, self.log.frames[depth], raised.error, self.conversation)
                raise
            except Continued as continued:
                dialog = continued.dialog
                check_found(dialog, call.definition)
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
            dialog = continued_dialog(frame, call.definition)
        if frame.version == dialog.version:
            return dialog
        if self.strict:
            raise Changed
        self.log.drop(depth)
        self.event = None
        return None

    def _replay_of(self, dialog: Dialog[Any], depth: int) -> FrameReplay:
        return FrameReplay(dialog, self.log.frames[depth], self.can_await, self.conversation)

    def _run(self, replay: FrameReplay, depth: int) -> Effects[Any]:
        """Run a dialog that has a body."""
        body = self._start(replay.dialog)
        try:
            step = yield from replay.replay(body)
            where = partial(location, body)
            self.arrive(replay, step, depth, where)
            while type(step) is not DialogResult:
                at_once = self.AT_ONCE.get(type(step))
                try:
                    if at_once is not None:
                        answer = at_once(self, step)
                    else:
                        answer = yield from self.answer(step, replay, depth, where)
                except Raised as raised:
                    step = advance(body.throw, raised.error)
                else:
                    step = advance(body.send, answer)
                if not isinstance(step, Step):
                    step = yield from replay.settle(body, step)
            result = self._result(step, replay)
        except Returned as returned:
            return returned.value
        except Raised as raised:
            self._refuse_missing_loop(raised.error, replay)
            raise
        except Suspended as suspended:
            suspended.trail.append((replay.dialog.name, location(body)))
            yield from self._leave(body, replay)
            raise
        except Continued:
            yield from self._leave(body, replay)
            raise
        except BaseException:
            with suppress(Refused):  # what came first is what matters
                yield from self._leave(body, replay)
            raise
        yield from self._leave(body, replay)
        return result

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
        if outermost(body) is None:
            return
        try:
            # The class: an instance would be in a cycle with its traceback, and the log with it.
            step = advance(body.throw, GeneratorExit)
            while (foreign := replay.foreign(step)) is not None:
                step = yield from replay.await_foreign(body, foreign)
        except (GeneratorExit, Returned):
            return
        except Raised as raised:
            # Not as an exception of the dialogs around it: they are being left as well.
            raise Refused(raised.error) from None
        what = f"{replay} asked for {step!r} at {location(body)} while it was being left."
        with suppress(BaseException):
            body.throw(GeneratorExit)
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
        # No generator itself: it would stand between every step of nested dialogs and the driver.
        if type(step) in self.AT_ONCE:
            return self._answer_at_once(step)
        if isinstance(step, Dialog):
            return self._nest(step, depth)
        if isinstance(step, Gather):
            return self._gather(step, owner, where)
        return self.perform(step, owner, where)

    def _answer_at_once(self, step: Step[Any]) -> Effects[Any]:
        yield from ()
        return self.AT_ONCE[type(step)](self, step)

    def _nest(self, step: Dialog[Any], depth: int) -> Effects[Any]:
        frame = self.log.frames[depth]
        frame.pending = step.key
        try:
            result = yield from self.enter(step, depth + 1)
        except Raised as raised:
            consumed, frame.pending = self.log.collapse(), ""
            raise self.record_failure(step, raised.error, consumed) from None
        consumed, frame.pending = self.log.collapse(), ""
        return self.record(step, result, consumed)

    def _gather(self, step: Gather, owner: object, where: Where) -> Effects[Any]:
        for inner in step.steps:
            self.check_gathered(inner, owner, where)
        place = self.place()
        branches = [
            Engine(
                Log(),
                None,
                can_await=self.can_await,
                conversation=self.conversation,
                chat_id=self.chat_id,
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
                raise self.record_failure(step, outcome)
        return self.record(step, [outcome for _, outcome in outcomes])

    def branch(self, step: Step[Any], owner: object, where: Where) -> Effects[tuple[bool, Any]]:
        """Answer one step of a gather: whether it succeeded, and its answer or exception."""
        self.log.open("gather", "")
        try:
            return True, (yield from self.answer(step, owner, 0, where))
        except Raised as raised:
            return False, raised.error
