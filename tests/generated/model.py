"""What a program does, told without the engine.

A `Model` walks a program's statements in one live Python generator: it is suspended and resumed,
never reloaded. Beside what the dialog says and returns it keeps what a log would have to keep,
so that a changed program can be compared with it: `Model(changed, frames=model.frames)` goes on
from the answers that the other program got, or raises `Mismatch` where it asks for other steps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from dialogs import Button, Message, StepFailed, YieldInFinally
from tests.generated import programs as p
from tests.generated.world import CATCHES, RAISES, SEQUENCE, World, brief, facts, odd, touch

Steps = Generator[None, None, Any]
"""A run of statements; it yields where the client must answer."""


class Mismatch(BaseException):
    """The program asks for other steps than those that were answered."""


class Gone(BaseException):
    """A dialog that `continue_as_new` went on with is not in the program any more."""


class _LeftBadly(BaseException):
    """A `finally` block asked for a step while its dialog was being left."""


class _Return(BaseException):
    def __init__(self, value: Any) -> None:
        self.value = value


class _GoOn(BaseException):
    def __init__(self, program: p.Program, turn: int) -> None:
        self.program = program
        self.turn = turn


@dataclass
class Frame:
    """A dialog that has not finished.

    Args:
        name: the dialog's.
        version: the dialog's.
        turn: its argument, where `continue_as_new` started it.
        records: what its steps are known by, and what came of them.
        consumed: whether these steps took an answer of the client.
        pending: what the step is known by that it waits in.
        notes: what it noted so far.
        guards: the `finally` blocks that it stands in, innermost last.
    """

    name: str
    version: str
    turn: int | None = None
    records: list[tuple[Any, tuple[bool, Any]]] = field(default_factory=list)
    consumed: list[bool] = field(default_factory=list)
    pending: Any = None
    notes: list[tuple[str, str]] = field(default_factory=list)
    guards: list[p.Guard] = field(default_factory=list)


@dataclass
class Expected:
    """What one turn comes to.

    Args:
        notes: what is noted in the turn, replay and leaving included.
        replayed: how many of these notes come from replay; None where that is not known.
        left: how many of these notes come from leaving the dialogs.
        needs_loop: whether a step has to be awaited.
    """

    drawn: int
    notes: list[tuple[str, str]]
    replayed: int | None
    left: int = 0
    messages: list[Any] = field(default_factory=list)
    performed: list[tuple[str, Any]] = field(default_factory=list)
    needs_loop: bool = False
    done: bool = False
    result: Any = None
    error: Exception | None = None


class Scope:
    """One dialog at work: its variables, and how many of its records it has used."""

    def __init__(self, program: p.Program, frame: Frame, depth: int, text: str = "") -> None:
        self.program = program
        self.frame = frame
        self.depth = depth
        self.turn = frame.turn or 0
        self.seen: list[Any] = [self.turn, text]
        self.last: Any = None
        self.handled: list[Exception] = []
        self.at = 0

    @property
    def replaying(self) -> bool:
        """Whether something recorded is still to come."""
        return self.at < len(self.frame.records) or self.frame.pending is not None

    @property
    def expected(self) -> Any:
        """What the next recorded step is known by."""
        frame = self.frame
        return frame.records[self.at][0] if self.at < len(frame.records) else frame.pending


class Model:
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
        except _LeftBadly:
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
            except _GoOn as going_on:
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
        except _Return as returned:
            result = returned.value
        except Exception:
            if scope.replaying:
                raise Mismatch from None
            raise
        if scope.replaying:
            raise Mismatch
        return result

    # --- statements ---------------------------------------------------------------------------

    def block(self, nodes: p.Block, scope: Scope) -> Steps:
        """Statements in a row."""
        for node in nodes:
            run = _STATEMENTS.get(type(node))
            if run is not None:
                yield from run(self, node, scope)
                continue
            answer = yield from self.answer(node, scope)
            scope.seen.append(answer)
            if not isinstance(node, p.Say):
                scope.last = answer

    def _loop(self, node: p.Loop, scope: Scope) -> Steps:
        for _ in range(node.times):
            yield from self.block(node.body, scope)

    def _branch(self, node: p.Branch, scope: Scope) -> Steps:
        yield from self.block(node.then if odd(scope.last) else node.other, scope)

    def _patch(self, node: p.Patch, scope: Scope) -> Steps:
        # What has no record of its own, where others follow, was put in after they were made.
        known_by = ("patched", node.change)
        inserted = scope.replaying and scope.expected != known_by
        answer = False if inserted else (yield from self._step(known_by, scope, _true))
        yield from self.block(node.then if answer else node.other, scope)

    def _try(self, node: p.Try, scope: Scope) -> Steps:
        try:
            yield from self.block(node.body, scope)
        except CATCHES[node.catches] as error:
            scope.last = facts(error)
            scope.seen.append(scope.last)
            scope.handled.append(error)
            yield from self.block(node.except_, scope)
            scope.handled.pop()

    def _guard(self, node: p.Guard, scope: Scope) -> Steps:
        scope.frame.guards.append(node)
        try:
            yield from self.block(node.body, scope)
        except (_GoOn, Mismatch, Gone) as leaving:
            self._leave(node, scope)
            if node.says and isinstance(leaving, _GoOn):
                raise _LeftBadly from None
            raise
        except (Exception, _Return):
            yield from self._finally(node, scope)
            raise
        yield from self._finally(node, scope)

    def _leave(self, node: p.Guard, scope: Scope) -> None:
        scope.frame.guards.pop()
        for note in _notes_of(node, scope.frame.name):
            self._note(note, scope.frame)

    def _finally(self, node: p.Guard, scope: Scope) -> Steps:
        self._leave(node, scope)
        if node.says:
            yield from self.block((p.Say("bye"),), scope)

    def _note(self, note: tuple[str, str], frame: Frame) -> None:
        frame.notes.append(note)
        self.now.notes.append(note)

    def _fail(self, node: p.Fail, scope: Scope) -> Steps:
        raise RAISES[node.kind](scope.program.name, len(scope.seen))
        yield

    def _reraise(self, node: p.Reraise, scope: Scope) -> Steps:
        raise scope.handled.pop()
        yield

    def _return(self, node: p.Return, scope: Scope) -> Steps:
        raise _Return({"seen": scope.seen, "last": scope.last, "nothing": None}[node.what])
        yield

    def _again(self, node: p.Again, scope: Scope) -> Steps:
        if scope.turn < node.limit:
            yield from self._handover(p.Handover(scope.program), scope)

    def _handover(self, node: p.Handover, scope: Scope) -> Steps:
        if scope.replaying:
            raise Mismatch
        raise _GoOn(node.dialog, scope.turn + 1)
        yield

    def _foreign(self, node: p.Foreign, scope: Scope) -> Steps:
        self._note(("await", scope.program.name), scope.frame)
        return
        yield

    def _touch(self, node: p.Touch, scope: Scope) -> Steps:
        touch(scope.last)
        return
        yield

    # --- steps --------------------------------------------------------------------------------

    def answer(self, node: p.Node, scope: Scope) -> Steps:
        """What a step answers, recorded or performed."""
        known_by = known(node, scope)
        if isinstance(node, p.Sub) and self._declared(node, scope):
            scope.frame.pending = known_by
        return (yield from self._step(known_by, scope, lambda: self._perform(node, scope)))

    def _declared(self, node: p.Sub, scope: Scope) -> bool:
        arrived = scope.replaying and scope.at == len(scope.frame.records)
        return arrived and self.changed(node.dialog, scope.depth + 1)

    def _step(self, known_by: Any, scope: Scope, perform: Callable[[], Steps]) -> Steps:
        frame = scope.frame
        if scope.replaying and not _fits(known_by, scope.expected):
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
                for note in _notes_of(guard, frame.name)
            ]
            self.now.notes += leaving
            self.now.left = len(leaving)
            if any(guard.says for frame in self.frames for guard in frame.guards):
                raise _LeftBadly
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


def _true() -> Steps:
    return True
    yield


def _notes_of(guard: p.Guard, dialog: str) -> list[tuple[str, str]]:
    awaited = [("await", dialog)] if guard.awaits and guard.kind == "finally" else []
    return [("finally", guard.label), *awaited]


def recorded(error: Exception) -> Exception:
    """An exception as a dialog gets it from a step."""
    if isinstance(error, StepFailed) or type(error).__name__ in set(RAISES) - {"Unknown"}:
        return error
    return StepFailed(type(error).__name__, str(error))


def spoken(node: p.Say, scope: Scope) -> Any:
    """The message that is said."""
    text = node.text + (brief(scope.last) if node.echo else "")
    forms = {"text": text, "message": Message(text, (Button("ok"),)), "data": {"say": text}}
    return forms[node.form]


def known(node: p.Node, scope: Scope | None) -> Any:
    """What a step is known by: kind and name, and the words of a message without a name.

    Args:
        node: the step.
        scope: the dialog it stands in; None inside a gather, where words do not count.
    """
    match node:
        case p.Say(name=None):
            return ("say", None if scope is None else _words(spoken(node, scope)))
        case p.Say(name=name):
            return ("say as", name)
        case p.Call(name):
            return ("call", name)
        case p.Dice(name) | p.Fetch(name):
            return (type(node).__name__, name)
        case p.Gather(steps):
            return ("gather", [known(step, None) for step in steps])
        case p.Sub(dialog, text, None):
            return ("dialog", dialog.name, text)
        case p.Sub(dialog, _, name):
            return ("dialog as", dialog.name, name)
    return (type(node).__name__,)


def _words(message: Any) -> Any:
    return message.text if isinstance(message, Message) else message


def _fits(known_by: Any, expected: Any) -> bool:
    if known_by == expected:
        return True
    # A message, or the call of a dialog, may be given a name after it was recorded.
    if known_by[0] == "say as":
        return expected[0] == "say"
    return known_by[0] == "dialog as" and expected[:2] == ("dialog", known_by[1])


_STATEMENTS: dict[type, Callable[[Model, Any, Scope], Steps]] = {
    p.Loop: Model._loop,
    p.Branch: Model._branch,
    p.Patch: Model._patch,
    p.Try: Model._try,
    p.Guard: Model._guard,
    p.Fail: Model._fail,
    p.Reraise: Model._reraise,
    p.Return: Model._return,
    p.Again: Model._again,
    p.Handover: Model._handover,
    p.Foreign: Model._foreign,
    p.Touch: Model._touch,
}
