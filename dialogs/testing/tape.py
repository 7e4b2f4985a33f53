"""A tape of what one turn performed, so that a second run of it performs nothing again.

A tape stands between the engine and a driver. It passes effects on and keeps their outcomes; where
it has an outcome already, it answers itself. Effects are known by their place in the log, which is
the same in every run of a turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

from dialogs.effects import CallPlain, Effect, Effects, Perform, Together
from dialogs.steps import Call, describe_key
from dialogs.testing.outside import Outside


class Crash(BaseException):
    """The process is gone: nothing of the turn was saved."""


class NeedsLoop(BaseException):
    """A step needs an event loop, though it can be called without one."""


class Differs(BaseException):
    """A later run of a turn performs what the first one did not."""


class Tape:
    """The outcomes of one turn's effects.

    Args:
        outside: what performs them.
        crash_after: after how many effects to crash; None for never.

    Attributes:
        complete: whether a run has ended, so that others can perform nothing else.
        crashes: whether the turn is thrown away, at its end at the latest.
        together: whether steps were taken together.
    """

    def __init__(self, outside: Outside, crash_after: int | None = None) -> None:
        self.outside = outside
        self.crashes = crash_after is not None
        self.complete = False
        self.together = False
        self._crash_after = crash_after
        self._outcomes: dict[tuple[int, ...], tuple[str, Callable[[], Any]]] = {}

    def play(self, effects: Effects[Any], can_await: bool) -> Effects[Any]:
        """Pass effects on to a driver, or answer them from the tape."""
        try:
            self._crash_here()
            effect = effects.send(None)
            while True:
                try:
                    outcome = yield self._passed_on(effect, can_await)
                    self._keep(effect, outcome, can_await)
                except GeneratorExit:
                    effects.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - the engine deals with it
                    effect = effects.throw(self._keep_failure(effect, error, can_await))
                else:
                    effect = effects.send(outcome)
        except StopIteration as stop:
            return stop.value

    def _passed_on(self, effect: Effect, can_await: bool) -> Effect:
        match effect:
            case Perform():
                key, again = self._outcomes.get(effect.place, ("", None))
                if again is not None and key == effect.step.key:
                    return replace(effect, step=Call(again))
                stand_in = None if key else self.outside.stand_in(effect.step)
                if again is not None or self.complete:
                    other = describe_key(key) if key else "nothing"
                    raise Differs(f"performs {effect.step!r}, where the other run had {other}")
                return effect if stand_in is None else replace(effect, step=stand_in)
            case Together():
                self.together = True
                return Together([self.play(branch, can_await) for branch in effect.branches])
            case CallPlain():
                return replace(effect, answer=partial(self._answer, effect.answer, can_await))
        return effect

    def _answer(
        self,
        answer: Callable[..., Any],
        can_await: bool,
        value: Any,
        caller: FrameType,
        drive_here: Callable[[Effects[Any]], Any],
    ) -> Any:
        """Answer a plain function's `run(step)`; what that performs is on this tape too."""
        return answer(value, caller, lambda effects: drive_here(self.play(effects, can_await)))

    def _keep(self, effect: Effect, outcome: Any, can_await: bool) -> None:
        if isinstance(outcome, Awaitable) and not can_await:
            return  # it was not awaited, and so has not happened
        self._add(effect, lambda: outcome)

    def _keep_failure(self, effect: Effect, error: BaseException, can_await: bool) -> BaseException:
        def again() -> Any:
            raise error

        if not isinstance(effect, Perform) or not isinstance(error, Exception):
            return error
        if not can_await and needs_loop(error):
            return NeedsLoop()
        try:
            self._add(effect, again)
        except Crash as crash:
            return crash
        return error

    def _add(self, effect: Effect, again: Callable[[], Any]) -> None:
        if not isinstance(effect, Perform):
            return
        known = effect.place in self._outcomes
        # Inside a plain function one effect may come twice; the author's own step comes last.
        self._outcomes[effect.place] = effect.step.key, again
        if not known:
            self.outside.performed.append(repr(effect.step))
            self._crash_here()

    def _crash_here(self) -> None:
        if self._crash_after is not None and len(self._outcomes) >= self._crash_after:
            raise Crash


NO_LOOP = "no running event loop"
_NO_LOOP = (NO_LOOP, "There is no current event loop", "must be called from async context")


def needs_loop(error: BaseException | None) -> bool:
    """Whether an error says that there is no event loop: asyncio's, trio's, anyio's."""
    if type(error).__name__ in ("NoEventLoopError", "AsyncLibraryNotFoundError"):
        return True
    return isinstance(error, RuntimeError) and str(error).startswith(_NO_LOOP)
