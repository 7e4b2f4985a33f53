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
    """`try` and `finally`, or `with`; what stands in the `finally` may await, or say goodbye."""

    body: Block
    kind: str = "finally"
    label: str = ""
    awaits: bool = False
    says: bool = False


@dataclass(frozen=True)
class Fail(Node):
    """`raise`."""

    kind: str


@dataclass(frozen=True)
class Reraise(Node):
    """`raise`, without an exception."""


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
    def statements(self) -> list[Node]:
        """Its own statements, without those of the dialogs that it calls."""
        return [node for node in _own_nodes(self.body) if isinstance(node, Node)]

    @cached_property
    def blocks(self) -> list[Block]:
        """Its own rows of statements, without those of the dialogs that it calls."""
        return [node for node in _own_nodes(self.body) if isinstance(node, tuple)]


def _own_nodes(node: Any) -> list[Any]:
    found: list[Any] = []

    def look(inner: Any) -> Any:
        found.append(inner)
        return inner

    rebuilt(node, look, own=True)
    return found


def rebuilt(node: Any, change: Callable[[Any], Any], *, own: bool = False) -> Any:
    """A tree in which `change` was applied to every node, and every block, outermost first.

    Args:
        node: the tree.
        change: gives the node or block to put there.
        own: leave out the dialogs that are called, and what is gathered.
    """
    if isinstance(node, tuple):
        return tuple(rebuilt(item, change, own=own) for item in change(node))
    node = change(node)
    if own and isinstance(node, Sub | Handover | Gather):
        return node
    inner = {
        field.name: rebuilt(part, change, own=own)
        for field in fields(node)
        if isinstance(part := getattr(node, field.name), Node | tuple) and field.name != "value"
    }
    return replace(node, **inner) if inner else node
