"""Dialogs as data.

A program is a tree of statements. `strategies.py` generates them, `source.py` writes them as Python
in each style, `model.py` says what they do without the engine, `changes.py` edits them. A program's
repr can be evaluated where these names are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

Block = tuple["Node", ...]


class Node:
    """The base of all that a program is made of."""


@dataclass(frozen=True)
class Say(Node):
    """`send_message`; form is "text", "message" or "data"; echo adds the last answer."""

    text: str
    form: str = "text"
    name: str | None = None
    echo: bool = False


@dataclass(frozen=True)
class Hear(Node):
    """`get_client_response`."""


@dataclass(frozen=True)
class Call(Node):
    """`call`; how is "sync", "coroutine" or "hidden" (it returns a coroutine)."""

    name: str
    value: Any = None
    fails: str | None = None
    how: str = "sync"


@dataclass(frozen=True)
class Fetch(Node):
    """A yielded coroutine."""

    name: str
    fails: str | None = None


@dataclass(frozen=True)
class Dice(Node):
    """`now`, `randint`, `choice` or `uuid4`."""

    kind: str


@dataclass(frozen=True)
class Gather(Node):
    """`gather`."""

    steps: Block


@dataclass(frozen=True)
class Sub(Node):
    """Another dialog, with a text argument; name is what the call is `named`."""

    dialog: Program
    text: str = ""
    name: str | None = None


@dataclass(frozen=True)
class Patch(Node):
    """`if patched(change): then; else: other`."""

    change: str
    then: Block
    other: Block = ()


@dataclass(frozen=True)
class Loop(Node):
    """A `for` loop."""

    times: int
    body: Block


@dataclass(frozen=True)
class Branch(Node):
    """`if`, on the last answer."""

    then: Block
    other: Block


@dataclass(frozen=True)
class Try(Node):
    """`try` and `except`."""

    body: Block
    catches: str
    except_: Block


@dataclass(frozen=True)
class Guard(Node):
    """`try` and `finally`, or `with`; awaits says whether the `finally` awaits something."""

    body: Block
    kind: str = "finally"
    label: str = ""
    awaits: bool = False


@dataclass(frozen=True)
class Fail(Node):
    """`raise`."""

    kind: str


@dataclass(frozen=True)
class Return(Node):
    """`return`; what is "seen", "last" or "nothing"."""

    what: str


@dataclass(frozen=True)
class Again(Node):
    """`continue_as_new` of the same dialog, at most so many times."""

    limit: int


@dataclass(frozen=True)
class Handover(Node):
    """`continue_as_new` of another dialog."""

    dialog: Program


@dataclass(frozen=True)
class Foreign(Node):
    """An await of something that is no step, where the style can await."""


@dataclass(frozen=True)
class Touch(Node):
    """A change in place of the last answer."""


@dataclass(frozen=True)
class Program(Node):
    """One dialog. What it was answered is its result, unless it returns something else."""

    body: Block
    name: str = "main"
    version: str = "1.0"

    @cached_property
    def dialogs(self) -> dict[str, Program]:
        """All dialogs of this program by their names, itself the first."""
        found: dict[str, Program] = {}

        def look(node: Any) -> Any:
            if isinstance(node, Program):
                found[node.name] = node
            return node

        rebuilt(self, look)
        return found

    @cached_property
    def fetches(self) -> bool:
        """Whether it yields coroutines itself."""
        return any(isinstance(node, Fetch) for node in _own_nodes(self.body))

    @cached_property
    def goes_on(self) -> bool:
        """Whether it continues as itself."""
        return any(isinstance(node, Again) for node in _own_nodes(self.body))


def _own_nodes(node: Any) -> list[Node]:
    """The statements of a dialog, without those of the dialogs that it calls."""
    if isinstance(node, tuple):
        return [found for item in node for found in _own_nodes(item)]
    if isinstance(node, Sub | Handover | Gather):
        return [node]
    inner = [getattr(node, name, ()) for name in ("body", "then", "other", "except_")]
    return [node, *(found for block in inner for found in _own_nodes(block))]


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """A tree in which `change` was applied to every node, and every block, outermost first."""
    if isinstance(node, tuple):
        return tuple(rebuilt(item, change) for item in change(node))
    if not isinstance(node, Node):
        return node
    node = change(node)
    parts = {field.name: getattr(node, field.name) for field in fields(node)}  # type: ignore[arg-type]
    inner = {
        name: rebuilt(part, change)
        for name, part in parts.items()
        if isinstance(part, Node | tuple) and name != "value"
    }
    return replace(node, **inner) if inner else node  # type: ignore[type-var]
