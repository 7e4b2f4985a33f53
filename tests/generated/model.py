"""What a program does, told without the engine.

A `Model` walks a program's statements in one live Python generator: it is suspended and resumed,
never reloaded. Beside what the dialog says and returns it keeps what a log would have to keep,
so that a changed program can be compared with it: `Model(changed, frames=model.frames)` goes on
from the answers that the other program got, or raises `Mismatch` where it asks for other steps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from dialogs import YieldInFinally
from tests.generated import programs as p
from tests.generated.frames import (
    Expected,
    Frame,
    Gone,
    LeftBadly,
    Mismatch,
    Returned,
    Scope,
    WentOn,
    fits,
    known,
    notes_of,
    recorded,
    spoken,
)
from tests.generated.statements import Statements, Steps
from tests.generated.world import SEQUENCE, World


class Model(Statements):
    """One conversation.

    Args:
        program: the dialog.
        fallback: the dialog that runs where the program does not fit the frames.
        frames: what is open already.
        drawn: how many dice were cast before.
    """

    def __init__(
        self,
        program: p.Program,
        fallback: p.Program | None = None,
        frames: list[Frame] | None = None,
        drawn: int = 0,
    ) -> None:
        self.program = program
        self.fallback = fallback
        self.falling_back = False
        self.frames = copy.deepcopy(frames or [])
        self.started = bool(self.frames)
        self.live = False
        self.world = World(drawn)
        self.events: list[Any] = []
        self.heard = 0
        self.now = Expected(drawn, [], 0)
        self.steps = self._main()

    def turn(self, response: Any) -> Expected:
        """Give the conversation its next message; the first one only starts it.

        Raises:
            Mismatch: the program does not fit the frames.
        """
        replayed = [note for frame in self.frames for note in frame.notes] if self.live else []
        known_apart = self.live or not self.frames
        self.now = now = Expected(
            self.world.drawn, replayed, len(replayed) if known_apart else None
        )
        self.events = [copy.deepcopy(response)] if self.started else []
        self.world.performed = now.performed
        self.started = self.live = True
        try:
            next(self.steps)
        except StopIteration as stop:
            now.done, now.result = True, stop.value
        except LeftBadly:
            now.error = YieldInFinally("")
        except Exception as error:  # noqa: BLE001 - whatever the program raises
            now.error = error
        return now

    # --- dialogs ------------------------------------------------------------------------------

    def _main(self) -> Steps:
        while True:
            program = self.fallback if self.falling_back and self.fallback else self.program
            try:
                self._check_root(program)
                result = yield from self.dialog(program, 0)
            except (Mismatch, Gone):
                if self.fallback is None:
                    raise
                self.falling_back = True
            else:
                if not self.falling_back:
                    return result
                self.falling_back = False
            self.frames, self.events = [], []

    def _check_root(self, program: p.Program) -> None:
        if not self.frames or self.frames[0].turn is not None or self.changed(program, 0):
            return
        if self.frames[0].name != program.name:
            raise Mismatch

    def changed(self, program: p.Program, depth: int) -> bool:
        """Whether the frame there has another version than the dialog that goes on in it."""
        if depth >= len(self.frames):
            return False
        frame = self.frames[depth]
        if frame.turn is not None:
            program = self._named(frame.name)
        return frame.version != program.version

    def _named(self, name: str) -> p.Program:
        for program in (self.program, self.fallback):
            if program is not None and name in program.dialogs:
                return program.dialogs[name]
        raise Gone

    def dialog(self, program: p.Program, depth: int, text: str = "") -> Steps:
        """A dialog, going on in its frame where there is one."""
        if self.changed(program, depth):
            if self.fallback is not None:
                raise Mismatch
            del self.frames[depth:]
            self.events = []
        if depth < len(self.frames):
            frame = self.frames[depth]
            if frame.turn is not None:
                program, text = self._named(frame.name), ""
            frame.notes, frame.guards = [], []
        else:
            frame = Frame(program.name, program.version)
            self.frames.append(frame)
        while True:
            scope = Scope(program, frame, depth, text)
            try:
                result = yield from self._body(scope)
            except WentOn as going_on:
                program, text = going_on.program, ""
                del self.frames[depth:]
                frame = Frame(program.name, program.version, going_on.turn)
                self.frames.append(frame)
            else:
                return result

    def _body(self, scope: Scope) -> Steps:
        try:
            yield from self.block(scope.program.body, scope)
            result = scope.seen
        except Returned as returned:
            result = returned.value
        except Exception:
            if scope.replaying:
                raise Mismatch from None
            raise
        if scope.replaying:
            raise Mismatch
        return result

    # --- steps ----------------------------------------------------------------------------------

    def answer(self, node: p.Node, scope: Scope) -> Steps:
        """What a step answers, recorded or performed."""
        known_by = known(node, scope)
        if isinstance(node, p.Sub) and self._declared(node, scope):
            scope.frame.pending = known_by
        return (yield from self.step(known_by, scope, lambda: self._perform(node, scope)))

    def _declared(self, node: p.Sub, scope: Scope) -> bool:
        arrived = scope.replaying and scope.at == len(scope.frame.records)
        return arrived and self.changed(node.dialog, scope.depth + 1)

    def step(self, known_by: Any, scope: Scope, perform: Callable[[], Steps]) -> Steps:
        """What is recorded under that, or is performed and recorded now."""
        frame = scope.frame
        if scope.replaying and not fits(known_by, scope.expected):
            raise Mismatch
        if scope.at == len(frame.records):
            frame.pending, heard = known_by, self.heard
            try:
                outcome = True, copy.deepcopy((yield from perform()))
            except Exception as error:  # noqa: BLE001 - whatever the step raises
                outcome = False, recorded(error)
            frame.pending = None
            frame.records.append((known_by, outcome))
            frame.consumed.append(self.heard > heard)
        succeeded, answer = frame.records[scope.at][1]
        scope.at += 1
        if not succeeded:
            raise copy.copy(answer)
        return copy.deepcopy(answer)

    def _perform(self, node: p.Node, scope: Scope) -> Steps:
        match node:
            case p.Say():
                self.now.messages.append(spoken(node, scope))
            case p.Hear():
                return (yield from self._hear())
            case p.Call(name, value, fails, how):
                self.now.needs_loop |= how != "sync"
                return self.world.perform(name, len(scope.seen), value, fails)
            case p.Fetch(name, fails):
                self.now.needs_loop = True
                return self.world.perform(name, len(scope.seen), None, fails)
            case p.Dice(kind):
                return self._draw(kind)
            case p.Sub(dialog, text):
                depth = scope.depth + 1
                try:
                    return (yield from self.dialog(dialog, depth, text))
                finally:
                    del self.frames[depth:]
            case p.Gather(steps):
                return (yield from self._gather(steps, scope))
        return None

    def _hear(self) -> Steps:
        while not self.events:
            leaving = [
                note
                for frame in reversed(self.frames)
                for guard in reversed(frame.guards)
                for note in notes_of(guard, frame.name)
            ]
            self.now.notes += leaving
            self.now.left = len(leaving)
            if any(guard.says for frame in self.frames for guard in frame.guards):
                raise LeftBadly
            yield
        self.heard += 1
        return self.events.pop()

    def _draw(self, kind: str) -> Any:
        match kind:
            case "now":
                return self.world.clock()
            case "randint":
                return self.world.randint(1, 1000)
            case "choice":
                return self.world.choice(SEQUENCE)
        return self.world.uuid4()

    def _gather(self, steps: p.Block, scope: Scope) -> Steps:
        frames, outcomes = self.frames, []
        for node in steps:
            branch = Scope(scope.program, Frame("gather", ""), 0)
            branch.seen, branch.last = scope.seen, scope.last
            self.frames = [branch.frame]
            try:
                outcomes.append((yield from self.answer(node, branch)))
            except Exception as error:  # noqa: BLE001 - whatever the step raises
                outcomes.append(error)
        self.frames = frames
        failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if failed:
            raise failed[0]
        return outcomes
