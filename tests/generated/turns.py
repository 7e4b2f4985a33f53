"""Runs one turn of a program in the engine, by any runner, and compares it with the model."""

from __future__ import annotations

import asyncio
import copy
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from dialogs import (
    AsyncInSyncRun,
    InMemoryPersistence,
    UnrecordedAwait,
    YieldInFinally,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
)
from tests.generated.frames import Expected
from tests.generated.programs import Program
from tests.generated.source import ASYNC_STYLES, Styles, built, forget
from tests.generated.world import Crash, World, facts, installed, typed

SYNC_RUNNERS = ("run_gen_dialog", "run_dialog")
ASYNC_RUNNERS = ("asyncio", "asyncio, async persistence", "trio")
RUNNERS = SYNC_RUNNERS + ASYNC_RUNNERS


class _AsyncPersistence:
    """An `InMemoryPersistence` whose methods are coroutines."""

    def __init__(self, kept: InMemoryPersistence) -> None:
        self.kept = kept
        self.conversation_id = kept.conversation_id

    async def load(self) -> bytes | None:
        await asyncio.sleep(0)
        return self.kept.load()

    async def save(self, log: bytes) -> None:
        await asyncio.sleep(0)
        self.kept.save(log)


class _Unsaved(InMemoryPersistence):
    """The process dies before the log is kept."""

    def save(self, log: bytes) -> None:
        raise Crash


@dataclass
class Ran:
    """What a turn in the engine came to; log is what is kept after it."""

    world: World
    log: bytes | None
    messages: list[Any] = field(default_factory=list)
    done: bool = False
    result: Any = None
    error: BaseException | None = None
    reruns: int = 0


@dataclass(frozen=True)
class Turn:
    """One turn to be run.

    Args:
        program: the dialog.
        styles: how its dialogs are written.
        runner: one of `RUNNERS`.
        fallback: the fallback dialog, or None.
        crash: where the process dies: see `World`; (0, "save") before the log is kept.
    """

    program: Program
    styles: Styles = field(default_factory=dict)
    runner: str = "run_gen_dialog"
    fallback: Program | None = None
    crash: tuple[int, str] | None = None

    def build(self, world: World) -> Any:
        """The dialog, alive in a world."""
        forget()
        return built(self.program, self.styles, world)()

    def run(self, log: bytes | None, response: Any, drawn: int = 0) -> Ran:
        """Run it on a log, after so many dice were cast."""
        world = World(drawn, self.crash)
        kept = (_Unsaved if self.crash == (0, "save") else InMemoryPersistence)(log)
        kept.conversation_id = "c"
        given = copy.deepcopy(response)
        root = self.build(world)
        fallback = self.fallback and built(self.fallback, self.styles, world)()
        ran = Ran(world, log)
        with installed(world), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("error")
            warnings.simplefilter("always", UnrecordedAwait)
            try:
                step = _run(self.runner, root, kept, given, fallback)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                ran.error = error
            else:
                ran.done, ran.messages = step.is_done, step.messages
                ran.result = step.return_value if step.is_done else None
        assert typed(given) == typed(response), "the caller's message was changed"
        assert ran.error is None or kept.log == log, "a turn that failed was saved"
        ran.log, ran.reruns = kept.log, len(caught)
        return ran


def _run(runner: str, *arguments: Any) -> Any:
    root, kept, response, fallback = arguments
    match runner:
        case "run_gen_dialog":
            return run_gen_dialog(root, kept, response, fallback)
        case "run_dialog":
            return run_dialog(root, kept, response, fallback)
        case "asyncio":
            return asyncio.run(run_async_gen_dialog(root, kept, response, fallback))
        case "trio":
            import trio  # takes long to import, and processes of one turn do not need it

            return trio.run(run_async_gen_dialog, root, kept, response, fallback)
    later = _AsyncPersistence(kept)
    return asyncio.run(run_async_gen_dialog(root, later, response, fallback))


def can_await(turn: Turn) -> bool:
    """Whether the turn runs on an event loop."""
    return turn.runner in ASYNC_RUNNERS


def needs_loop(turn: Turn, expected: Expected) -> bool:
    """Whether the turn awaits anything, steps or not."""
    return expected.needs_loop or bool(_awaits(turn, expected.notes))


def _awaits(turn: Turn, notes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those notes that the styles of the dialogs let be made: awaits need an async one."""
    return [
        (kind, name)
        for kind, name in notes
        if kind == "await" and turn.styles.get(name) in ASYNC_STYLES
    ]


def was_crash(error: BaseException | None) -> bool:
    """Whether the process died, in a task group or not."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(was_crash, error.exceptions))
    return isinstance(error, Crash | asyncio.CancelledError)


def check(turn: Turn, ran: Ran, expected: Expected) -> None:
    """Compare a turn in the engine with the model's."""
    if not can_await(turn) and needs_loop(turn, expected):
        left_badly = (
            YieldInFinally if isinstance(expected.error, YieldInFinally) else AsyncInSyncRun
        )
        assert isinstance(ran.error, AsyncInSyncRun | left_badly), ran.error
        return
    if isinstance(expected.error, YieldInFinally):
        assert isinstance(ran.error, YieldInFinally), ran.error
        return
    if expected.error is not None:
        assert ran.error is not None
        assert facts(ran.error) == facts(expected.error)
    elif ran.error is not None:
        raise ran.error
    else:
        assert [typed(message) for message in ran.messages] == list(map(typed, expected.messages))
        assert ran.done == expected.done
        assert typed(ran.result) == typed(expected.result)
    check_effects(turn, ran, expected)
    check_notes(turn, ran, expected)


def check_effects(turn: Turn, ran: Ran, expected: Expected) -> None:
    """Compare what was performed; what is awaited together may be performed in any order."""
    if can_await(turn):
        assert Counter(map(repr, ran.world.performed)) == Counter(map(repr, expected.performed))
    else:
        assert ran.world.performed == expected.performed
    assert len(set(ran.world.keys)) == len(ran.world.keys), "two steps have the same key"


def check_notes(turn: Turn, ran: Ran, expected: Expected) -> None:
    """Compare the order in which `finally` blocks ran."""
    notes = [note for note in expected.notes if note[0] == "finally"]
    left = expected.notes[len(expected.notes) - expected.left :]
    found = [note for note in ran.world.notes if note[0] == "finally"]
    if can_await(turn) and "run" in turn.styles.values():
        # A plain function is called again where something inside it must be awaited.
        ending = [note for note in left if note[0] == "finally"]
        assert found[len(found) - len(ending) :] == ending
    else:
        assert found == notes
        again = _awaits(turn, expected.notes[: expected.replayed])
        assert expected.replayed is None or bool(ran.reruns) == bool(again)
