"""What a dialog may yield, await or run: frozen data, no behaviour.

A step is known by its `key`, "kind" or "kind name": the log keeps the key beside the answer, and
replay compares the two before it feeds the answer. Nothing here performs anything. The classes
are slotted and not enforced frozen, since every message builds all steps of its conversation
again; nobody changes a step once it is made.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from datetime import datetime
from itertools import groupby
from types import BuiltinFunctionType
from typing import Any, Generic, NoReturn, ParamSpec, Self, TypeVar, overload
from uuid import UUID

from dialogs.errors import NotAStep
from dialogs.messages import Message

Answer_co = TypeVar("Answer_co", covariant=True)
Result = TypeVar("Result")
T = TypeVar("T")
P = ParamSpec("P")

SEND_MESSAGE = "send_message"


class Step(Generic[Answer_co]):
    """The base of all steps. `yield`, `yield from` or `await` it, or `run` it.

    Attributes:
        key: how the log knows the step: its kind and, where it has one, its name.
    """

    __slots__ = ()

    key: str

    def __iter__(self) -> Generator[Self, Any, Answer_co]:
        """`answer = yield from step`: what `yield step` does, with a type that checkers infer."""
        answer: Answer_co = yield self
        return answer

    def __await__(self) -> Generator[Self, Any, Answer_co]:
        """`answer = await step`."""
        answer: Answer_co = yield self
        return answer

    def __repr__(self) -> str:
        """The step as its author wrote it, for error messages."""
        return describe_key(self.key)


class SendMessage(Step[None]):
    """Say something to the client, once. Answer: None.

    Args:
        message: a `str`, a `Message`, or any value that the log can keep.
        name: how the log knows this message. Without one it is known by its words, so that two
            questions that change places in the code are noticed; give a name where the words
            may change while conversations are open.

    >>> send_message("Hello!")
    send_message('Hello!')
    """

    __slots__ = ("key", "message")

    def __init__(self, message: str | Message | Any, *, name: str | None = None) -> None:
        self.message = message
        self.key = SEND_MESSAGE if name is None else f"{SEND_MESSAGE} {name}"

    def __repr__(self) -> str:
        if self.key == SEND_MESSAGE:
            return f"send_message({_short(str(self.message))!r})"
        return describe_key(self.key)


class Call(Step[Result]):
    """Call a function once, sync or async. Answer: what it returned, or raise what it raised.

    Args:
        fn: the function; the log knows the step by its `__name__`.
        *args: handed to it.
        **kwargs: handed to it.

    >>> call(max, 1, 2)
    call(max)
    """

    __slots__ = ("args", "fn", "key", "kwargs")

    @overload
    def __init__(
        self, fn: Callable[P, Coroutine[Any, Any, Result]], /, *args: P.args, **kwargs: P.kwargs
    ) -> None: ...
    @overload
    def __init__(
        self, fn: Callable[P, Awaitable[Result]], /, *args: P.args, **kwargs: P.kwargs
    ) -> None: ...
    @overload
    def __init__(self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
    def __init__(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        try:
            self.key = "call " + fn.__name__
        except AttributeError:
            self.key = "call " + _name_of(fn)
        self.fn: Any = fn
        self.args = args
        self.kwargs = kwargs


def _name_of(fn: Any) -> str:
    """A name for something callable that has no `__name__`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return str(getattr(fn, "__name__", type(fn).__name__))


class Await(Step[Result]):
    """Await something once: what a yielded coroutine becomes."""

    __slots__ = ("awaitable", "key")

    def __init__(self, awaitable: Awaitable[Result]) -> None:
        name = getattr(awaitable, "__qualname__", type(awaitable).__qualname__)
        self.awaitable = awaitable
        self.key = "await " + name

    def __del__(self) -> None:
        # A step that was answered from the log was never awaited; that is no author's mistake.
        discard(self)


class Gather(Step[list[Any]]):
    """Several steps that are performed together: see `gather`."""

    __slots__ = ("key", "steps")

    def __init__(self, *steps: Step[Any] | Awaitable[Any]) -> None:
        try:
            self.steps = tuple(map(as_step, steps))
        except NotAStep:
            for step in steps:
                if isinstance(step, Coroutine):
                    step.close()
            raise
        runs = ((key, len(list(run))) for key, run in groupby(step.key for step in self.steps))
        names = [key if count == 1 else f"{key} *{count}" for key, count in runs]
        self.key = "gather " + ", ".join(names)


class Now(Step[datetime]):
    """The time, recorded once. Answer: an aware `datetime`, in UTC."""

    __slots__ = ()
    key = "now"


class RandInt(Step[int]):
    """A random whole number, recorded once. Answer: an int, `a <= answer <= b`."""

    __slots__ = ("a", "b")
    key = "randint"

    def __init__(self, a: int, b: int) -> None:
        self.a = a
        self.b = b


class Choice(Step[T]):
    """One element of a sequence, picked at random and recorded once."""

    __slots__ = ("seq",)
    key = "choice"

    def __init__(self, seq: Sequence[T]) -> None:
        self.seq = seq


class Uuid4(Step[UUID]):
    """A random UUID, recorded once."""

    __slots__ = ()
    key = "uuid4"


class Patched(Step[bool]):
    """Whether this run has a change of the code: False where the log passed this point before it.

    Args:
        change_id: a name for the change, never used for another one.
    """

    __slots__ = ("change_id", "key")

    def __init__(self, change_id: str) -> None:
        self.change_id = change_id
        self.key = "patched " + change_id


class ContinueAsNew(Step[NoReturn]):
    """End this dialog and start another in its place, with an empty frame.

    Args:
        dialog: the dialog that goes on, usually this one with new arguments. Its arguments are
            recorded, so they must be values that the log can keep.
    """

    __slots__ = ("dialog",)
    key = "continue_as_new"

    def __init__(self, dialog: Step[Any]) -> None:
        self.dialog = dialog


class DialogResult(Step[Any]):
    """What an async generator yields last: its return value."""

    __slots__ = ("value",)
    key = "dialog_result"

    def __init__(self, value: Any = None) -> None:
        self.value = value


send_message = SendMessage
call = Call
now = Now
randint = RandInt
choice = Choice
uuid4 = Uuid4
patched = Patched
continue_as_new = ContinueAsNew
dialog_result = DialogResult


def as_step(value: Any) -> Step[Any]:
    """The step that was meant: a step as it is, an awaitable as the step that awaits it.

    Raises:
        NotAStep: it is neither.
    """
    if isinstance(value, Step):
        return value
    if isinstance(value, Awaitable):
        return Await(value)
    raise NotAStep(
        f"{value!r} is not a step.",
        type(value).__name__,
        "Yield a step (send_message(...), get_client_response(), call(fn), a @dialog call) "
        "or a coroutine; to give a value to the caller use `return`.",
    )


def discard(step: Step[Any]) -> None:
    """Close the coroutines of a step that nobody will perform."""
    if isinstance(step, Await) and isinstance(step.awaitable, Coroutine):
        step.awaitable.close()
    elif isinstance(step, Gather):
        for inner in step.steps:
            discard(inner)


def must_await(step: Step[Any]) -> bool:
    """Whether performing a step is known to need an event loop."""
    if isinstance(step, Call) and type(step.fn) is not BuiltinFunctionType:
        return inspect.iscoroutinefunction(step.fn)
    return isinstance(step, Await)


def describe_key(key: str) -> str:
    """What a step's key says, for error messages.

    >>> describe_key("call charge")
    'call(charge)'
    """
    kind, _, name = key.partition(" ")
    match kind:
        case "dialog":
            name, _, label = name.partition(" ")
            return f"the dialog {name}({label.strip('“”')!r})" if label else f"the dialog {name!r}"
        case "send_message" if name:
            return f"send_message(..., name={name!r})"
        case "patched":
            return f"patched({name!r})"
        case "send_message":
            return "send_message(...)"
        case "await":
            return f"the coroutine {name!r}"
        case _:
            return f"{kind}({name})"


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
