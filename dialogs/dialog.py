"""`@dialog`: functions that can be left at any step and resumed from a log.

A decorated function, called, runs nothing: it returns a `Dialog`, which is data like every other
step. The engine runs a `Dialog` as often as it needs to.
"""

from __future__ import annotations

import enum
import functools
import inspect
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, cast, overload
from zlib import crc32

from dialogs.errors import UnknownDialog, UsageError
from dialogs.messages import Message
from dialogs.steps import Answer_co, Step

P = ParamSpec("P")
Q = ParamSpec("Q")
S = TypeVar("S")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

DialogGen = Generator[Any, Any, R]
"""What a generator dialog returns: it yields steps, is sent answers, and returns a result."""

DEFAULT_VERSION = "1.0"


class Style(enum.Enum):
    """How a dialog's function is written, and so how it is driven."""

    GENERATOR = "generator"
    COROUTINE = "coroutine"
    ASYNC_GENERATOR = "async generator"
    PLAIN = "plain function"


def _style_of(fn: Callable[..., Any]) -> Style:
    if inspect.isasyncgenfunction(fn):
        return Style.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(fn):
        return Style.COROUTINE
    if inspect.isgeneratorfunction(fn):
        return Style.GENERATOR
    return Style.PLAIN


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Definition:
    """One decorated function.

    Args:
        fn: the function.
        name: how logs know it.
        version: the author's; another one under an open conversation is a declared change.
        style: how it is written.

    Attributes:
        key: the key of the steps that call it.
    """

    fn: Callable[..., Any]
    name: str
    version: str
    style: Style
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"dialog {self.name}")

    @property
    def origin(self) -> str:
        """Where the function stands, as "module.qualname"."""
        return f"{self.fn.__module__}.{getattr(self.fn, '__qualname__', self.name)}"


_OPEN, _CLOSE = "“", "”"
_LABEL = 60


def _label(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The text arguments of a call, as one text that differs where they differ."""
    texts = [
        value.text if isinstance(value, Message) else value
        for value in (*args, *kwargs.values())
        if isinstance(value, str | Message)
    ]
    label = " | ".join(texts)
    if len(label) <= _LABEL:
        return label
    return f"{label[:_LABEL]}… #{crc32(label.encode(errors='surrogatepass')):08x}"


class Dialog(Step[Answer_co]):
    """One call of a dialog: a definition and its arguments. Reusable; it holds no state.

    Args:
        definition: the decorated function.
        args: its positional arguments.
        kwargs: its keyword arguments.
        label: tells it from other calls of the same dialog, so that two of them which change
            places in the code are noticed; its text arguments where it is None.
    """

    __slots__ = ("args", "definition", "key", "kwargs")

    def __init__(
        self,
        definition: Definition,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        label: str | None = None,
    ) -> None:
        self.definition = definition
        self.args = args
        self.kwargs = kwargs or {}
        if label is None:
            label = _label(args, self.kwargs) if args or kwargs else ""
        self.key = f"{definition.key} {_OPEN}{label}{_CLOSE}" if label else definition.key

    def named(self, name: str) -> Self:
        """The same call, known to logs by this name instead of by its text arguments.

        Use it where the arguments are words that may change while conversations are open. A call
        that was recorded without a name may be given one later.
        """
        call = type(self)(self.definition, self.args, self.kwargs, label="")
        call.key = f"{self.definition.key} {name}"
        return call

    def renames(self, key: str) -> bool:
        """Whether this call has a name now and had none when this key was recorded."""
        start = self.definition.key
        return (
            self.key.startswith(start + " ")
            and not self.key.startswith(f"{start} {_OPEN}")
            and (key == start or key.startswith(f"{start} {_OPEN}"))
        )

    @property
    def name(self) -> str:
        """The dialog's name."""
        return self.definition.name

    @property
    def version(self) -> str:
        """The version of the dialog's code."""
        return self.definition.version


class DialogFunction(Protocol, Generic[P, R_co]):
    """A decorated function: call it to get a `Dialog`."""

    definition: Definition

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Dialog[R_co]:
        """One call of the dialog, as a step."""
        ...

    @overload
    def __get__(self, owner: None, kind: type[Any], /) -> DialogFunction[P, R_co]: ...
    @overload
    def __get__(
        self: DialogFunction[Concatenate[S, Q], R_co], owner: S, kind: type[S] | None = None, /
    ) -> DialogFunction[Q, R_co]: ...


class _Decorator(Protocol):
    """What `@dialog(...)` returns."""

    @overload
    def __call__(self, fn: Callable[P, Generator[Any, Any, R]], /) -> DialogFunction[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, AsyncGenerator[Any, Any]], /) -> DialogFunction[P, Any]: ...
    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> DialogFunction[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> DialogFunction[P, R]: ...


@overload
def dialog(fn: Callable[P, Generator[Any, Any, R]], /) -> DialogFunction[P, R]: ...
@overload
def dialog(fn: Callable[P, AsyncGenerator[Any, Any]], /) -> DialogFunction[P, Any]: ...
@overload
def dialog(fn: Callable[P, Coroutine[Any, Any, R]], /) -> DialogFunction[P, R]: ...
@overload
def dialog(fn: Callable[P, R], /) -> DialogFunction[P, R]: ...
@overload
def dialog(*, version: str = ..., name: str | None = ...) -> _Decorator: ...


def dialog(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    version: str = DEFAULT_VERSION,
    name: str | None = None,
) -> Any:
    """Make a function a dialog: a flow that can be left at any step and resumed from its log.

    Args:
        fn: a generator function, a coroutine function, an async generator function or a plain
            function.
        version: change it with the code when open conversations should start anew.
        name: how logs know the dialog; the function's name where it is None.

    Returns:
        A function that takes the same arguments and returns a `Dialog`.

    >>> @dialog
    ... def greet(who):
    ...     yield f"..."
    >>> greet("Ada")
    the dialog greet('Ada')
    """
    if fn is None:
        return functools.partial(_decorate, version=version, name=name)
    return _decorate(fn, version=version, name=name)


def _decorate(fn: Callable[..., Any], *, version: Any, name: Any) -> DialogFunction[..., Any]:
    if not callable(fn):
        raise UsageError(
            f"@dialog was given {fn!r}, which is not a function.",
            "A dialog is a function.",
            'Write @dialog, or @dialog(version="1.1", name="order"), above a def.',
        )
    if not isinstance(version, str):
        raise UsageError(
            f"@dialog(version={version!r}) is not a str.",
            "Versions are compared as text.",
            f'Write version="{version}".',
        )
    if name is not None and not (isinstance(name, str) and name):
        raise UsageError(
            f"@dialog(name={name!r}) is no name.",
            "Logs know a dialog by its name.",
            'Write a text, such as @dialog(name="order").',
        )
    name = name or str(getattr(fn, "__name__", "dialog"))
    definition = Definition(fn, name, version, _style_of(fn))

    bare: Dialog[Any] = Dialog(definition)

    @functools.wraps(fn)
    def make(*args: Any, **kwargs: Any) -> Dialog[Any]:
        return Dialog(definition, args, kwargs) if args or kwargs else bare

    make.definition = definition  # type: ignore[attr-defined]
    _definitions.setdefault(definition.name, {})[definition.origin] = weakref.ref(definition)
    return cast("DialogFunction[..., Any]", make)


def _bare(step: Step[Any]) -> DialogGen[Any]:
    return (yield step)


BARE = Definition(_bare, "step", "", Style.GENERATOR)
"""The dialog that a runner makes of a step that is none."""


# A log names the dialog that `continue_as_new` went on with; this finds its code again, and
# only decorated functions can be found.
_definitions: dict[str, dict[str, weakref.ref[Definition]]] = {}


def find_definition(name: str) -> Definition:
    """The dialog of that name in this process, for a log that went on with it.

    Raises:
        UnknownDialog: none has the name, or several have.
    """
    alive = [found for ref in _definitions.get(name, {}).values() if (found := ref()) is not None]
    if len(alive) == 1:
        return alive[0]
    if not alive:
        raise UnknownDialog(
            f"A log goes on with dialog {name!r}, and this process has none of that name.",
            "The conversation went on with it through continue_as_new().",
            "Import the module that defines it before the conversation is resumed, or give the run "
            "a fallback dialog.",
            name,
        )
    raise UnknownDialog(
        f"{len(alive)} dialogs are named {name!r}: "
        + ", ".join(sorted(found.origin for found in alive))
        + ".",
        "continue_as_new() finds the dialog again by its name.",
        'Give each its own name: @dialog(name="...").',
        name,
    )
