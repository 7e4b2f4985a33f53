"""What the engine and a driver say to each other.

The engine's generators yield effects, are sent their outcomes, and end by returning or by raising
one of the classes below. Those that derive from `Leaving` pass through plain functions too, which
is why they are no `Exception`: an author's `except Exception` must not catch them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

from dialogs.dialog import Dialog
from dialogs.steps import Step

R = TypeVar("R")


@dataclass(slots=True)
class Foreign:
    """Hand this to the event loop: something awaited that is no step, such as a future."""

    signal: Any


@dataclass(slots=True)
class Perform:
    """Do this step's effect, and send its answer or throw its exception.

    Args:
        step: the step.
        place: where it stands: the log's epoch, then the number of the record in each frame.
        conversation: what the step's key begins with: the conversation's id, or None.
        chat_id: whose conversation it is, or None.
        can_await: whether whoever performs it may await.
    """

    step: Step[Any]
    place: tuple[int, ...]
    conversation: str | None
    chat_id: str | None = None
    can_await: bool = False


@dataclass(slots=True)
class Together:
    """Drive these at the same time, and send the list of what they returned."""

    branches: list[Effects[Any]]


@dataclass(slots=True)
class CallPlain:
    """Call a plain function, whose `run(step)` is answered by `answer(step, caller, drive)`."""

    dialog: Dialog[Any]
    answer: Callable[[Any, FrameType, Callable[[Effects[Any]], Any]], Any]


Effect = Foreign | Perform | Together | CallPlain

Effects = Generator[Effect, Any, R]
"""A generator of effects that returns an R: it says what to perform, and performs nothing."""


class Returned(Exception):
    """A dialog's function returned."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Raised(Exception):
    """A dialog's function, or a step, raised an exception."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Leaving(BaseException):
    """The dialogs are being left."""


class Suspended(Leaving):
    """The innermost dialog waits.

    Attributes:
        trail: each dialog left so far, innermost first, as its name and "file:line".
    """

    def __init__(self) -> None:
        self.trail: list[tuple[str, str]] = []


class Refused(Leaving):
    """The run is given up with an error for whoever started it; the log stays as it was."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Changed(Leaving):
    """An open frame has another version than its dialog's code, and there is a fallback."""


class Continued(Leaving):
    """A dialog goes on as another one, with an empty frame."""

    def __init__(self, dialog: Dialog[Any], arguments: bytes) -> None:
        self.dialog = dialog
        self.arguments = arguments


class Unwound(Leaving):
    """A plain function was left since something inside it must be awaited first.

    Args:
        effects: what has to be driven to its end before the function is called again.
        effect: what it yielded last.
    """

    def __init__(self, effects: Effects[Any], effect: Effect) -> None:
        self.effects = effects
        self.effect = effect
