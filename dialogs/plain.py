"""Plain functions as dialogs: their `run(step)`, and how they are left and entered again.

A plain function cannot be left and re-entered as a generator can. So `run` answers inside the
function: from the frame, or by driving the engine then and there. To leave it, a `Leaving` is
raised out of `run`, as Python raises GeneratorExit out of a `yield`. And where something inside
must be awaited, the function is left (`Unwound`), the awaiting is done by whoever can, and the
function is called again, now with the answer in its frame.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import partial
from types import FrameType
from typing import Any, Protocol

from dialogs.bodies import Where, place
from dialogs.effects import (
    CallPlain,
    Continued,
    Effect,
    Effects,
    Raised,
    Refused,
    Returned,
    Suspended,
    Unwound,
)
from dialogs.errors import NotAStep, UsageError, YieldInFinally
from dialogs.log import Log
from dialogs.replay import FrameReplay
from dialogs.steps import Patched, Step, as_step, discard


class Answers(Protocol):
    """The engine, as far as a plain function needs it."""

    log: Log

    def arrive(self, replay: FrameReplay, step: Step[Any], depth: int, where: Where) -> None:
        """Compare the first step without a record with what the dialog waited in."""
        ...

    def answer(self, step: Step[Any], owner: object, depth: int, where: Where) -> Effects[Any]:
        """Answer a step that has no record, and record the answer."""
        ...


def plain_effects(engine: Answers, replay: FrameReplay, depth: int) -> Effects[Any]:
    """Run a plain function to its end. Returns what it returned; raises Raised."""
    while True:
        call = _PlainCall(engine, replay, depth)
        ending: Returned | Raised
        try:
            ending = Returned((yield CallPlain(replay.dialog, call.answer)))
        except Exception as error:
            if call.leaving not in (None, error):
                raise Refused(error) from None  # its cleanup failed while it was being left
            ending = Raised(error)
        except BaseException:
            if call.leaving is None:
                raise
            ending = Returned(None)
        if call.leaving is None:
            return call.result(ending)
        # The function may have caught what left it; it is left all the same.
        leaving = call.leaving
        try:
            if not isinstance(leaving, Unwound):
                raise leaving
            yield from _carry_on(leaving.effects, leaving.effect)
        except Suspended as suspended:
            suspended.trail.append((replay.dialog.name, call.left_at))
            raise
        engine.log.reread()
        replay = FrameReplay(replay.dialog, replay.frame, replay.can_await, replay.conversation)


def _carry_on(effects: Effects[Any], effect: Effect) -> Effects[None]:
    """Drive to its end what has yielded this effect. Its answer, or failure, is recorded."""
    try:
        while True:
            try:
                outcome = yield effect
            except BaseException as error:
                effect = effects.throw(error)
            else:
                effect = effects.send(outcome)
    except (StopIteration, Raised):
        return


class _PlainCall:
    """One call of a plain function.

    Attributes:
        leaving: what left the function, once something did that is no step's exception.
        left_at: where in the function that was, as "file:line".
    """

    def __init__(self, engine: Answers, replay: FrameReplay, depth: int) -> None:
        self._engine = engine
        self._replay = replay
        self._depth = depth
        self._position = 0
        self.leaving: BaseException | None = None
        self.left_at = ""

    def answer(self, value: Any, caller: FrameType, drive: Callable[[Effects[Any]], Any]) -> Any:
        """What `run(step)` returns, or the step's exception, raised.

        Args:
            value: the step.
            caller: the frame that called `run`.
            drive: drives effects to their end, here.
        """
        where = partial(place, caller)
        try:
            if self.leaving is not None and not isinstance(self.leaving, Suspended | Continued):
                raise self.leaving
            if self.leaving is not None:
                what = f"{self._replay} asked for {value!r} at {where()} while it was being left."
                raise Refused(YieldInFinally(what))
            return self._answer(self._step(value, where), where, drive)
        except Raised as raised:
            error = raised.error
        except BaseException as leaving:
            self.leaving, self.left_at = leaving, where()
            raise
        try:
            raise error
        finally:
            del error  # its traceback holds this frame

    def _step(self, value: Any, where: Where) -> Step[Any]:
        try:
            return as_step(value)
        except NotAStep as error:
            error.what = f"{self._replay} ran {value!r} at {where()}."
            raise Refused(error) from None

    def _answer(self, step: Step[Any], where: Where, drive: Callable[[Effects[Any]], Any]) -> Any:
        replay = self._replay
        frame, at = replay.frame, self._position
        if at < len(frame.keys):
            key = frame.keys[at]
            if step.key == key or replay.renamed(step, key):
                self._position += 1
                discard(step)
                replay.note(step, key)
                return frame.values[at]
            if f"!{step.key}" == key:
                self._position += 1
                discard(step)
                raise Raised(replay.failure(frame.values[at]))
            if isinstance(step, Patched):
                return False
            raise replay.differs(at, step, key, where)
        if frame.pending:
            if isinstance(step, Patched) and step.key != frame.pending:
                return False
            self._engine.arrive(replay, step, self._depth, where)
        try:
            return drive(self._engine.answer(step, replay, self._depth, where))
        finally:
            self._position = len(frame.keys)

    def result(self, ending: Returned | Raised) -> Any:
        """What the function returned, once it ended by itself.

        Raises:
            Raised: it raised.
            Refused: it ended before its records were used up, or returned a body.
        """
        ended = self._replay.ended(ending, len(self._replay.frame.keys) - self._position)
        if not isinstance(ended, Returned):
            raise ended from (ending.error if isinstance(ending, Raised) else None)
        result = ended.value
        if isinstance(result, Generator | Coroutine | AsyncGenerator):
            if not isinstance(result, AsyncGenerator):
                result.close()
            raise Refused(
                UsageError(
                    f"{self._replay} returned a {type(result).__name__}.",
                    "Something between @dialog and the def hides how the function is written.",
                    "Put @dialog directly above the def, or decorate what it calls.",
                )
            )
        return result
