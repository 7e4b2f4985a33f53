"""One way to drive a dialog's function, whatever its style.

A body is what runs: it is sent answers and gives steps, like a generator. Generators and
coroutines are bodies as they are; `_AsyncGenBody` makes one of an async generator. A plain
function cannot be left and re-entered, so it has no body: `plain.py` runs it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import cache
from operator import attrgetter
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, Protocol

from dialogs.dialog import BARE, Dialog, Style
from dialogs.effects import Foreign
from dialogs.steps import Step


class Body(Protocol):
    """A dialog's function at work.

    Both methods return what the function yields or awaits next, and raise StopIteration with
    its result when it returns.
    """

    def send(self, value: Any, /) -> Any:
        """Go on with an answer."""
        ...

    def throw(self, error: BaseException | type[BaseException], /) -> Any:
        """Go on with an exception."""
        ...


def start(dialog: Dialog[Any]) -> Body:
    """The body of a call, not yet started. Not for plain functions."""
    function = dialog.definition.fn(*dialog.args, **dialog.kwargs)
    return _AsyncGenBody(function) if dialog.definition.style is Style.ASYNC_GENERATOR else function


class _AsyncGenBody:
    """An async generator, driven by hand instead of by `async for`."""

    __slots__ = ("_awaiting", "generator")

    def __init__(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.generator = generator
        self._awaiting: Generator[Any, Any, Any] | None = None

    def send(self, value: Any, /) -> Any:
        if self._awaiting is not None:
            return self._go(self._awaiting.send, value)
        return self._go(_hand(self.generator.asend(value)).send, None)

    def throw(self, error: BaseException | type[BaseException], /) -> Any:
        if self._awaiting is not None:
            return self._go(self._awaiting.throw, error)
        return self._go(_hand(self.generator.athrow(error)).send, None)

    def _go(self, resume: Any, value: Any) -> Any:
        try:
            signal = resume(value)
        except StopIteration as yielded:
            self._awaiting = None
            return yielded.value
        except StopAsyncIteration:
            self._awaiting = None
            raise StopIteration(None) from None
        except BaseException:
            self._awaiting = None
            raise
        self._awaiting = resume.__self__
        # A step awaited in an async generator is a step like one that it yields.
        return signal if isinstance(signal, Step) else Foreign(signal)


def _hand(awaitable: Awaitable[Any]) -> Any:
    # asend() and athrow() give objects with send and throw, whatever their declared type.
    return awaitable


def location(body: Any) -> str:
    """Where a body stands, as "file:line", or "" where that is not known."""
    return place(_innermost(body))


def place(frame: FrameType | None) -> str:
    """A Python frame as "file:line"."""
    if frame is None:
        return ""
    return f"{_name_of(frame.f_code.co_filename)}:{frame.f_lineno}"


@cache
def _name_of(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


Where = Callable[[], str]
"""Tells a place in an author's code, as "file:line"; asked only when there is an error."""


def outermost(body: Any) -> FrameType | None:
    """The Python frame of the dialog's own function."""
    return _standing(body)[0]


# Where a body stands: its own Python frame, and what it delegates to.
_FRAMES = ("gi_frame", "cr_frame", "ag_frame")
_INNER = ("gi_yieldfrom", "cr_await", "ag_await")
_STANDING: dict[type, Callable[[Any], tuple[FrameType | None, Any]]] = {
    kind: attrgetter(frame, inner)
    for kind, frame, inner in zip(
        (GeneratorType, CoroutineType, AsyncGeneratorType), _FRAMES, _INNER, strict=True
    )
}
# Not an author's code.
_OWN = (Step.__iter__.__code__, Step.__await__.__code__, BARE.fn.__code__)


def _standing(body: Any) -> tuple[FrameType | None, Any]:
    if isinstance(body, _AsyncGenBody):
        body = body.generator
    look = _STANDING.get(type(body))
    # Others may be compiled ones, which have the same attributes.
    return look(body) if look is not None else (_first(body, _FRAMES), _first(body, _INNER))


def _first(body: Any, names: tuple[str, ...]) -> Any:
    return next(filter(None, (getattr(body, name, None) for name in names)), None)


def _innermost(body: Any) -> FrameType | None:
    """The Python frame that a body stands in, inside what it delegates to."""
    found = None
    while body is not None:
        frame, body = _standing(body)
        if frame is None or frame.f_code in _OWN:
            break
        found = frame
    return found
