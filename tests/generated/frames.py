"""What the model keeps of a conversation, and what steps are known by.

A frame has what a log would have to keep of a dialog that has not finished.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dialogs import Button, Message, StepFailed
from tests.generated import programs as p
from tests.generated.world import RAISES, brief


class Mismatch(BaseException):
    """The program asks for other steps than those that were answered."""


class Gone(BaseException):
    """A dialog that `continue_as_new` went on with is not in the program any more."""


class LeftBadly(BaseException):
    """A `finally` block asked for a step while its dialog was being left."""


class Returned(BaseException):
    """A dialog returned."""

    def __init__(self, value: Any) -> None:
        self.value = value


class WentOn(BaseException):
    """A dialog goes on as another one."""

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


def fits(known_by: Any, expected: Any) -> bool:
    """Whether a step may get the answer of a record."""
    if known_by == expected:
        return True
    # A message, or the call of a dialog, may be given a name after it was recorded.
    if known_by[0] == "say as":
        return expected[0] == "say"
    return known_by[0] == "dialog as" and expected[:2] == ("dialog", known_by[1])


def notes_of(guard: p.Guard, dialog: str) -> list[tuple[str, str]]:
    """What a `finally` block notes."""
    awaited = [("await", dialog)] if guard.awaits and guard.kind == "finally" else []
    return [("finally", guard.label), *awaited]
