"""The only code that performs: it calls functions, awaits, and asks the clock and the dice.

`drive` and `adrive` take the engine's effects to their end; they differ in who waits, and in
nothing else. `run` is how a plain function performs a step.
"""

from __future__ import annotations

import inspect
import random
import sys
import types
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import FrameType
from typing import Any, TypeVar, overload

from dialogs.codec import FLAT
from dialogs.effects import CallPlain, Effect, Effects, Foreign, Perform, Refused, Together, Unwound
from dialogs.errors import UsageError
from dialogs.performing import performing
from dialogs.steps import Await, Call, Choice, Now, RandInt, Step, Uuid4, must_await

R = TypeVar("R")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class World:
    """Where the steps `now`, `randint`, `choice` and `uuid4` get their answers.

    Args:
        clock: gives the time, as an aware datetime.
        dice: has `randint` and `choice`: the module `random`, or a `random.Random`.
        uuid4: gives a random UUID.
        threads: whether functions that are called, and are not async, run in threads, where the
            run is one on asyncio.
    """

    clock: Callable[[], datetime] = _utc_now
    dice: Any = random
    uuid4: Callable[[], uuid.UUID] = uuid.uuid4
    threads: bool = False


REAL = World()


# --- the two drivers --------------------------------------------------------------------------


def drive(effects: Effects[R], world: World = REAL, *, unwind: bool = False) -> R:
    """Take effects to their end, and await nothing.

    Args:
        effects: what to perform.
        world: what answers the steps that ask for the time or for chance.
        unwind: inside a plain function of an async run: where something must be awaited, raise
            `Unwound` with what is left of the effects.

    Returns:
        What the effects return.
    """
    try:
        effect = effects.send(None)
        while True:
            if unwind and _must_await(effect):
                raise Unwound(effects, effect)
            try:
                outcome = _perform(effect, world, unwind)
            except BaseException as error:
                effect = effects.throw(error)
                continue
            if unwind and isinstance(effect, Perform) and _is_awaitable(outcome):
                raise Unwound(effects, replace(effect, step=Await(outcome)))
            effect = effects.send(outcome)
    except StopIteration as stop:
        result: R = stop.value
        return result


async def adrive(effects: Effects[R], world: World = REAL) -> R:
    """Take effects to their end, and await what must be awaited, on asyncio or trio.

    Returns:
        What the effects return.
    """
    try:
        effect = effects.send(None)
        while True:
            try:
                outcome = await _aperform(effect, world)
            except BaseException as error:
                effect = effects.throw(error)
            else:
                effect = effects.send(outcome)
    except StopIteration as stop:
        result: R = stop.value
        return result


# --- performing -------------------------------------------------------------------------------


def _perform(effect: Effect, world: World, unwind: bool) -> Any:
    match effect:
        case Perform():
            token = performing.set(effect)
            try:
                return _answer(effect.step, world)
            finally:
                performing.reset(token)
        case CallPlain():
            return _call_plain(effect, world, unwind)
        case Together():
            return [drive(branch, world) for branch in effect.branches]
        case Foreign():  # pragma: no cover - the engine refuses it where nobody can await
            raise AssertionError(effect)


async def _aperform(effect: Effect, world: World) -> Any:
    match effect:
        case Perform():
            token = performing.set(effect)
            try:
                if world.threads and isinstance(effect.step, Call):
                    answer = await _called_in_thread(effect.step)
                else:
                    answer = _answer(effect.step, world)
                return await answer if _is_awaitable(answer) else answer
            finally:
                performing.reset(token)
        case Foreign():
            return await _hand_over(effect.signal)
        case Together():
            return await _concurrently([adrive(branch, world) for branch in effect.branches])
        case CallPlain():
            return _call_plain(effect, world, unwind=True)


def _must_await(effect: Effect) -> bool:
    if isinstance(effect, Perform):
        return must_await(effect.step)
    return isinstance(effect, Foreign | Together)


def _is_awaitable(answer: Any) -> bool:
    # A step can be awaited too, but only by a dialog.
    return (
        type(answer) not in FLAT and isinstance(answer, Awaitable) and not isinstance(answer, Step)
    )


def _answer(step: Step[Any], world: World) -> Any:
    match step:
        case Call():
            return step.fn(*step.args, **step.kwargs)
        case Await():
            return step.awaitable
        case Now():
            return world.clock()
        case RandInt():
            return world.dice.randint(step.a, step.b)
        case Choice():
            return world.dice.choice(step.seq)
        case Uuid4():
            return world.uuid4()
    raise UsageError(
        f"Nobody can perform {step!r}.",
        f"{type(step).__name__} is not a kind of step that this library knows.",
        "Use call(fn, ...) for effects of your own.",
    )


async def _called_in_thread(step: Call[Any]) -> Any:
    """Call a function where it blocks nobody; one that is async only begins here."""
    if inspect.iscoroutinefunction(step.fn):
        return step.fn(*step.args, **step.kwargs)
    import asyncio  # noqa: PLC0415 - slow to import, and sync runs never need it

    return await asyncio.to_thread(step.fn, *step.args, **step.kwargs)


@types.coroutine
def _hand_over(signal: Any) -> Generator[Any, Any, Any]:
    """Give the event loop what a dialog awaits, as if it were awaited here."""
    return (yield signal)


async def _concurrently(branches: list[Any]) -> list[Any]:
    """Await coroutines at the same time, on whichever event loop runs."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        return await _concurrently_on_trio(trio, branches)
    import asyncio  # noqa: PLC0415 - slow to import, and sync runs never need it

    tasks = [asyncio.ensure_future(branch) for branch in branches]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _concurrently_on_trio(trio: Any, branches: list[Any]) -> list[Any]:
    answers: list[Any] = [None] * len(branches)

    async def take(number: int, branch: Any) -> None:
        answers[number] = await branch

    try:
        async with trio.open_nursery() as nursery:
            for number, branch in enumerate(branches):
                nursery.start_soon(take, number, branch)
    except BaseExceptionGroup as group:
        leaf: BaseException = group.subgroup(Refused) or group
        while isinstance(leaf, BaseExceptionGroup) and (
            leaf is not group or len(leaf.exceptions) == 1
        ):
            leaf = leaf.exceptions[0]
        raise leaf from None
    return answers


# --- plain functions --------------------------------------------------------------------------

_plain: ContextVar[Callable[[Any, FrameType], Any] | None] = ContextVar("_plain", default=None)


@overload
def run(step: Step[R], /) -> R: ...
@overload
def run(step: Awaitable[R], /) -> R: ...
def run(step: Any, /) -> Any:
    """Perform a step inside a plain function that is a dialog.

    Args:
        step: a step, a dialog or a coroutine.

    Returns:
        Its answer.

    Raises:
        UsageError: no plain function runs as a dialog here.
        Exception: the step failed.
    """
    answer = _plain.get()
    if answer is None:
        raise UsageError(
            f"run({step!r}) was called where no plain function runs as a dialog.",
            "run() answers from the log of the dialog that calls it.",
            "Decorate the plain function with @dialog and start it with run_dialog(...); in a "
            "generator write `yield step`, in a coroutine `await step`.",
        )
    return answer(step, sys._getframe(1))  # noqa: SLF001 - the caller's place, for errors


def _call_plain(effect: CallPlain, world: World, unwind: bool) -> Any:
    def drive_here(effects: Effects[Any]) -> Any:
        # Dialogs inside this function have steps of their own: its run() is not theirs.
        with _set(_plain, None):
            return drive(effects, world, unwind=unwind)

    dialog = effect.dialog
    with _set(_plain, lambda step, caller: effect.answer(step, caller, drive_here)):
        return dialog.definition.fn(*dialog.args, **dialog.kwargs)


@contextmanager
def _set(variable: ContextVar[Any], value: Any) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
