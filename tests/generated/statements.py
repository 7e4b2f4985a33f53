"""How the model runs statements: what Python itself does with them.

Each is a generator that yields where the client must answer. Steps are answered in `model.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

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
    notes_of,
)
from tests.generated.world import CATCHES, RAISES, facts, odd, touch

Steps = Generator[None, None, Any]
"""A run of statements; it yields where the client must answer."""


class Statements:
    """Runs statements.

    Attributes:
        now: what the turn comes to so far.
    """

    now: Expected

    def answer(self, node: p.Node, scope: Scope) -> Steps:
        """What a step answers, recorded or performed."""
        raise NotImplementedError

    def step(self, known_by: Any, scope: Scope, perform: Callable[[], Steps]) -> Steps:
        """What is recorded under that, or is performed and recorded now."""
        raise NotImplementedError

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
        answer = False if inserted else (yield from self.step(known_by, scope, _true))
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
        except (WentOn, Mismatch, Gone) as leaving:
            self._leave(node, scope)
            if node.says and isinstance(leaving, WentOn):
                raise LeftBadly from None
            raise
        except (Exception, Returned):
            yield from self._finally(node, scope)
            raise
        yield from self._finally(node, scope)

    def _leave(self, node: p.Guard, scope: Scope) -> None:
        scope.frame.guards.pop()
        for note in notes_of(node, scope.frame.name):
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
        raise Returned({"seen": scope.seen, "last": scope.last, "nothing": None}[node.what])
        yield

    def _again(self, node: p.Again, scope: Scope) -> Steps:
        if scope.turn < node.limit:
            yield from self._handover(p.Handover(scope.program), scope)

    def _handover(self, node: p.Handover, scope: Scope) -> Steps:
        if scope.replaying:
            raise Mismatch
        raise WentOn(node.dialog, scope.turn + 1)
        yield

    def _foreign(self, node: p.Foreign, scope: Scope) -> Steps:
        self._note(("await", scope.program.name), scope.frame)
        return
        yield

    def _touch(self, node: p.Touch, scope: Scope) -> Steps:
        touch(scope.last)
        return
        yield


def _true() -> Steps:
    return True
    yield


_STATEMENTS: dict[type, Callable[[Statements, Any, Scope], Steps]] = {
    p.Loop: Statements._loop,
    p.Branch: Statements._branch,
    p.Patch: Statements._patch,
    p.Try: Statements._try,
    p.Guard: Statements._guard,
    p.Fail: Statements._fail,
    p.Reraise: Statements._reraise,
    p.Return: Statements._return,
    p.Again: Statements._again,
    p.Handover: Statements._handover,
    p.Foreign: Statements._foreign,
    p.Touch: Statements._touch,
}
