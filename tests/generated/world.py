"""What a generated dialog does to the world, and the world to it.

One `World` lasts one turn. It answers calls and dice from their number, so that two runs of the
same turn get the same answers, keeps a list of all that was done, and can crash at any of it.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from dialogs import StepFailed, UsageError, drivers, serializable, step_key


class Crash(BaseException):
    """The process dies here."""


class Unknown(Exception):
    """An exception that the log cannot rebuild."""


@serializable(name="tests.generated.Known")
class Known(Exception):
    """An exception that the log can rebuild."""


RAISES = {kind.__name__: kind for kind in (ValueError, KeyError, Known, Unknown)}
CATCHES = {kind.__name__: kind for kind in (ValueError, LookupError, Known, StepFailed, Exception)}
CALLS = ("charge", "lookup", "notify", "pay")
COROUTINES = ("fetch", "measure")
SEQUENCE = ("heads", 2, None, [3], "tails")


class World:
    """The world, as one turn sees it.

    Args:
        drawn: how many dice were cast in the turns before.
        crash: the number of the effect at which to crash, from 0, and "before" it, "after" it,
            or by "cancel"; None to live on.

    Attributes:
        performed: the effects of this turn.
        keys: the step key of each of them.
        notes: the `finally` blocks that ran, and the awaits outside steps, in order.
    """

    def __init__(self, drawn: int = 0, crash: tuple[int, str] | None = None) -> None:
        self.drawn = drawn
        self.crash = crash
        self.performed: list[tuple[str, Any]] = []
        self.keys: list[str] = []
        self.notes: list[tuple[str, str]] = []
        self.sync = {name: _named(name, self.perform) for name in CALLS}
        self.coroutine = {name: _named(name, self.perform_later) for name in CALLS}
        self.hidden = {name: _named(name, self.perform_hidden) for name in CALLS}

    # --- effects ------------------------------------------------------------------------------

    def perform(self, name: str, number: int, value: Any, fails: str | None) -> Any:
        """What every call does, and what it answers: all it was given."""
        self._effect((name, number))
        if fails is not None:
            raise RAISES[fails](name, number)
        return [name, number, value]

    async def perform_later(self, name: str, number: int, value: Any, fails: str | None) -> Any:
        """What every async call does."""
        await checkpoint()
        if self.crash == (len(self.performed), "cancel"):
            await _cancel()
        answer = self.perform(name, number, value, fails)
        await checkpoint()
        return answer

    def perform_hidden(self, *arguments: Any) -> Any:
        """What every call does of which nobody can see that it is async."""
        return self.perform_later(*arguments)

    def fetch(self, name: str, number: int, fails: str | None) -> Any:
        """A coroutine of that name, to be yielded."""
        coroutine = self.perform_later(name, number, None, fails)
        coroutine.__qualname__ = name
        return coroutine

    def _effect(self, what: tuple[str, Any]) -> None:
        self._crash("before")
        self.performed.append(what)
        self.keys.append(_key())
        self._crash("after")

    def _crash(self, when: str) -> None:
        if self.crash == (len(self.performed) - (when == "after"), when):
            raise Crash

    def draw(self) -> int:
        """The next number that nobody can foresee."""
        self._effect(("draw", self.drawn))
        self.drawn += 1
        return self.drawn

    def clock(self) -> datetime:
        """What the step `now` answers."""
        return datetime(2024, 2, 29, tzinfo=UTC) + timedelta(seconds=self.draw())

    def randint(self, a: int, b: int) -> int:
        """What the step `randint` answers."""
        return a + self.draw() % (b - a + 1)

    def choice(self, seq: Any) -> Any:
        """What the step `choice` answers."""
        return seq[self.draw() % len(seq)]

    def uuid4(self) -> uuid.UUID:
        """What the step `uuid4` answers."""
        return uuid.UUID(int=self.draw())

    # --- notes --------------------------------------------------------------------------------

    def note(self, label: str) -> None:
        """Note that a `finally` block ran."""
        self.notes.append(("finally", label))

    @contextmanager
    def guard(self, label: str) -> Iterator[None]:
        """Note, at the end of a `with` block, that it was left."""
        try:
            yield
        finally:
            self.note(label)

    async def breathe(self, dialog: str) -> None:
        """Await something that is no step."""
        self.notes.append(("await", dialog))
        await checkpoint()


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    named: Any = functools.partial(function)
    named.__name__ = name
    return named


def _key() -> str:
    try:
        return step_key()
    except UsageError:
        return ""  # the model performs no steps


async def checkpoint() -> None:
    """Let others run, on whichever event loop runs."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        await trio.lowlevel.checkpoint()
    else:
        await asyncio.sleep(0)
        if _loop_runs():
            future = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(future.set_result, None)
            await future


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _cancel() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@contextmanager
def installed(world: World) -> Iterator[None]:
    """Have the runners ask this world for the time and for chance."""
    real, kept = drivers.REAL, {}
    for name, value in {"clock": world.clock, "dice": world, "uuid4": world.uuid4}.items():
        kept[name] = getattr(real, name)
        object.__setattr__(real, name, value)
    try:
        yield
    finally:
        for name, value in kept.items():
            object.__setattr__(real, name, value)


# --- what both the dialogs and the model compute --------------------------------------------------


def facts(error: BaseException) -> tuple[Any, ...]:
    """An exception as a value that can be compared and recorded."""
    if isinstance(error, StepFailed):
        return ("StepFailed", error.type_name, error.message)
    return (type(error).__name__, *error.args)


def brief(value: Any) -> str:
    """A few characters of a value, the same in every process."""
    return repr(typed(value))[:24]


def odd(value: Any) -> bool:
    """What branches depend on."""
    return len(repr(typed(value))) % 2 == 1


def touch(value: Any) -> None:
    """Change a value in place, as authors do with what they were answered."""
    if isinstance(value, list):
        value.append("touched")
    elif isinstance(value, dict):
        value["touched"] = True


def typed(value: Any) -> Any:
    """A value in a form that is equal only where all types are equal too."""
    kind = type(value).__name__
    match value:
        case dict():
            return kind, [(typed(key), typed(item)) for key, item in value.items()]
        case list() | tuple():
            return kind, [typed(item) for item in value]
        case set() | frozenset():
            return kind, sorted(repr(typed(item)) for item in value)
        case _:
            return kind, repr(value)
