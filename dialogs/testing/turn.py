"""One turn of a dialog under test: taken twice from the same bytes, performed once.

The first run is the one that fits where the test stands: synchronous in a synchronous test, on the
test's own event loop in an asynchronous one. A turn that must be awaited has no synchronous run.
"""

from __future__ import annotations

import asyncio
import contextvars
import re
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from dialogs.codec import encode
from dialogs.drivers import World, adrive, drive
from dialogs.effects import Effects
from dialogs.errors import AsyncInSyncRun, DialogsWarning
from dialogs.log import Log
from dialogs.recorder import Event
from dialogs.resume import Outcome, fits, resume
from dialogs.testing.tape import NO_LOOP, Differs, NeedsLoop, Tape, needs_loop

T = TypeVar("T")

Mode = Literal["both", "sync", "async"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn begins with.

    Args:
        log: the conversation's bytes; None where it starts.
        dialog: the dialog.
        fallback: its fallback dialog, or None.
        event: what happens.
        conversation: the conversation's id.
    """

    log: bytes | None
    dialog: Any
    fallback: Any
    event: Event | None
    conversation: str

    def effects(self, *, can_await: bool) -> Effects[Outcome]:
        """The engine's effects, from a log freshly decoded."""
        return resume(
            self.log,
            self.dialog,
            self.fallback,
            self.event,
            can_await=can_await,
            conversation=self.conversation,
        )


def goes_on(turn: Turn, world: World) -> bool:
    """Whether the code goes on where the log waits: a replay, which performs nothing.

    Raises:
        DialogsError: the code does not fit the log, and has no fallback.
    """
    assert turn.log is not None
    replay = fits(turn.log, turn.dialog, turn.fallback, conversation=turn.conversation)
    return _wait_for(lambda: adrive(replay, world))


# --- the two runs -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a run ended."""

    outcome: Outcome | None
    error: Exception | None

    def result(self) -> Outcome:
        if self.error is not None:
            raise self.error
        assert self.outcome is not None
        return self.outcome

    @property
    def must_await(self) -> bool:
        return isinstance(self.error, AsyncInSyncRun) or needs_loop(self.error)


def _ending(outcome: Outcome) -> _Ending:
    """How a run ended that had an outcome; a timeout that nobody caught is raised."""
    if outcome.timed_out is not None:
        return _Ending(None, outcome.timed_out)
    return _Ending(outcome, None)


def take(turn: Turn, tape: Tape, mode: Mode) -> Outcome:
    """Take a turn in a synchronous test.

    Raises:
        AssertionError: the two runs differ.
        Crash: the tape was told to.
        Exception: what the turn raised.
    """
    if mode == "async":
        return _wait_for(lambda: _run_async(turn, tape)).result()
    first = _run_sync(turn, tape)
    if mode == "sync":
        return first.result()
    if first.must_await:
        return _wait_for(lambda: _run_async(turn, tape)).result()
    if not isinstance(first.error, DialogsWarning):
        with _again(tape):
            _compare(first, _without_loop(turn, tape))
    return first.result()


async def atake(turn: Turn, tape: Tape, mode: Mode) -> Outcome:
    """Take a turn in an asynchronous test, on its event loop. Raises what `take` does."""
    if mode == "sync":
        return _run_sync(turn, tape).result()
    first = await _run_async(turn, tape)
    if mode == "both" and not isinstance(first.error, DialogsWarning):
        with _again(tape):
            second = _run_sync(turn, tape)
        if not second.must_await:
            _compare(second, first)
    return first.result()


def _run_sync(turn: Turn, tape: Tape) -> _Ending:
    try:
        effects = tape.play(turn.effects(can_await=False), can_await=False)
        return _ending(drive(effects, tape.outside.world))
    except Exception as error:  # noqa: BLE001 - it is compared, and raised by `result`
        return _Ending(None, error)
    except Differs as differs:
        return _Ending(None, AssertionError(str(differs)))
    except NeedsLoop:
        return _Ending(None, RuntimeError(NO_LOOP))


async def _run_async(turn: Turn, tape: Tape) -> _Ending:
    try:
        effects = tape.play(turn.effects(can_await=True), can_await=True)
        return _ending(await adrive(effects, tape.outside.world))
    except Exception as error:  # noqa: BLE001 - it is compared, and raised by `result`
        return _Ending(None, error)
    except Differs as differs:
        return _Ending(None, AssertionError(str(differs)))


def _without_loop(turn: Turn, tape: Tape) -> _Ending:
    """Run a turn asynchronously that was run synchronously: without an event loop if possible.

    All its outcomes are on the tape, so only steps taken together need a loop.
    """
    if tape.together:
        return _wait_for(lambda: _run_async(turn, tape))
    run = _run_async(turn, tape)
    try:
        run.send(None)
    except StopIteration as stop:
        ending: _Ending = stop.value
        return ending
    run.close()
    return _wait_for(lambda: _run_async(turn, tape))


def _wait_for(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end on an event loop of its own, wherever this is called."""
    if not _inside_a_loop():
        return asyncio.run(run())
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(context.run, lambda: asyncio.run(run())).result()


def _inside_a_loop() -> bool:
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def _again(tape: Tape) -> Iterator[None]:
    """A second run: it performs nothing, and the first one gave the warnings."""
    tape.complete = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DialogsWarning)
        yield


# --- comparing them ---------------------------------------------------------------------------


_Facts = dict[str, tuple[Any, Any]]
"""What is compared, and what is shown of it."""


def _compare(sync: _Ending, asynchronous: _Ending) -> None:
    one, other = _facts(sync), _facts(asynchronous)
    nothing = None, "nothing"
    differing: list[str] = []
    for fact in {**one, **other}:
        (first, here), (second, there) = one.get(fact, nothing), other.get(fact, nothing)
        if first != second:
            differing += [
                f"  {fact}: {here}, in the sync run",
                f"  {fact}: {there}, in the async run",
            ]
    if differing:
        raise AssertionError(
            "The same turn went differently when it was run again from the same bytes:\n"
            + "\n".join(differing)
            + "\nThe dialog reads something that changes between runs (clock, random, a global), "
            "or does something else where it can await. Make that part a step."
        )


def _facts(ending: _Ending) -> _Facts:
    outcome = ending.outcome
    if outcome is None:
        # Addresses of objects differ, and say nothing.
        text = re.sub(r"0x[0-9a-f]+", "0x…", f"{type(ending.error).__name__}: {ending.error}")
        return {"raised": (text, text)}
    waiting = repr(outcome.waiting)
    frames = [(frame.dialog, frame.keys) for frame in Log.decode(outcome.log).frames]
    return {
        # As bytes: a float may be no number, and then it does not equal itself.
        "said": (encode(outcome.messages), outcome.messages),
        "waits in": (waiting, waiting),
        "result": (outcome.log if outcome.done else b"", repr(outcome.result)),
        "log": (outcome.log, frames),
    }
