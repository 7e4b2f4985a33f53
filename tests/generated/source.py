"""Writes a program as Python, each dialog in a style of its own, and makes dialogs of it.

The code is what an author would write: real loops, `try` statements and subdialogs. `w` is the
world, `seen` all that the dialog was answered, `last` the last answer.
"""

from __future__ import annotations

import datetime as dt
import functools
import linecache
import textwrap
from collections.abc import Callable
from decimal import Decimal
from types import CodeType
from typing import Any
from uuid import UUID
from zlib import crc32

import dialogs
from dialogs.dialog import _definitions
from tests.generated import programs as p, world
from tests.generated.world import World

STYLES = ("yield", "yield from", "await", "async yield", "run")
ASYNC_STYLES = ("await", "async yield")

_PERFORM = {
    "yield": "(yield {})",
    "yield from": "(yield from {})",
    "await": "(await {})",
    "async yield": "(yield {})",
    "run": "run({})",
}

VALUES = {"datetime": dt, "Decimal": Decimal, "UUID": UUID}
"""What the repr of a value needs, besides the builtins, to be evaluated."""

Styles = dict[str, str]
"""The style of each dialog, by its name."""


class Writer:
    """Writes the statements of one dialog.

    Args:
        program: the dialog.
        style: its style.
    """

    def __init__(self, program: p.Program, style: str) -> None:
        self.program = program
        self.style = style

    def write(self) -> str:
        """The dialog's decorated function."""
        name, body = self.program.name, self.block(self.program.body)
        can_await = "async " if self.style in ASYNC_STYLES else ""
        lines = [
            f"@dialog(name={name!r}, version={self.program.version!r})",
            f"{can_await}def {name}(turn=0, text=''):",
            "    seen, last = [turn, text], None",
            textwrap.indent(body, "    "),
            f"    {self.returned('seen')}",
        ]
        if "yield" in self.style:
            lines.append("    if False: yield")
        return "\n".join(lines) + "\n"

    def block(self, nodes: p.Block) -> str:
        """Statements in a row."""
        return "\n".join(self.statement(node) for node in nodes) or "pass"

    def inner(self, nodes: p.Block) -> str:
        """Statements in a row, indented."""
        return textwrap.indent(self.block(nodes), "    ")

    def statement(self, node: p.Node) -> str:
        """One statement."""
        write = _STATEMENTS.get(type(node))
        if write is not None:
            return write(self, node)
        asked = self.perform(self.step(node), plain=isinstance(node, p.Fetch))
        if isinstance(node, p.Say):
            return f"seen.append({asked})"
        return f"last = {asked}; seen.append(last)"

    def perform(self, step: str, *, plain: bool = False) -> str:
        """The expression that performs a step; plain where nothing can delegate to it."""
        style = "yield" if plain and self.style == "yield from" else self.style
        return _PERFORM[style].format(step)

    # --- steps --------------------------------------------------------------------------------

    def step(self, node: Any) -> str:
        """The expression of a step."""
        match node:
            case p.Say():
                return self._say(node)
            case p.Hear():
                return "get_client_response()"
            case p.Call(name, value, fails, how):
                return f"call(w.{how}[{name!r}], {name!r}, len(seen), {value!r}, {fails!r})"
            case p.Fetch(name, fails):
                return f"w.fetch({name!r}, len(seen), {fails!r})"
            case p.Dice(kind):
                arguments = {"randint": "1, 1000", "choice": "SEQUENCE"}
                return f"{kind}({arguments.get(kind, '')})"
            case p.Gather(steps):
                return f"gather({', '.join(map(self.step, steps))})"
            case p.Sub(dialog, text, name):
                called = f"{dialog.name}(0, {text!r})" if text else f"{dialog.name}()"
                return f"{called}.named({name!r})" if name else called
        raise TypeError(node)

    @staticmethod
    def _say(node: p.Say) -> str:
        text = f"{node.text!r} + brief(last)" if node.echo else repr(node.text)
        forms = {"text": "{}", "message": "Message({}, (Button('ok'),))", "data": "{{'say': {}}}"}
        name = f", name={node.name!r}" if node.name else ""
        return f"send_message({forms[node.form].format(text)}{name})"

    # --- statements ---------------------------------------------------------------------------

    def returned(self, value: str) -> str:
        """The statement that returns a value."""
        if self.style == "async yield":
            return f"yield dialog_result({value}); return"
        return f"return {value}"

    def _return(self, node: p.Return) -> str:
        return self.returned({"seen": "seen", "last": "last", "nothing": "None"}[node.what])

    def _fail(self, node: p.Fail) -> str:
        return f"raise {node.kind}({self.program.name!r}, len(seen))"

    def _reraise(self, node: p.Reraise) -> str:
        return "raise"

    def _loop(self, node: p.Loop) -> str:
        return f"for _ in range({node.times}):\n{self.inner(node.body)}"

    def _branch(self, node: p.Branch) -> str:
        return f"if odd(last):\n{self.inner(node.then)}\nelse:\n{self.inner(node.other)}"

    def _patch(self, node: p.Patch) -> str:
        asked = self.perform(f"patched({node.change!r})")
        return f"if {asked}:\n{self.inner(node.then)}\nelse:\n{self.inner(node.other)}"

    def _try(self, node: p.Try) -> str:
        return (
            f"try:\n{self.inner(node.body)}\n"
            f"except {node.catches} as error:\n    last = facts(error); seen.append(last)\n"
            f"{self.inner(node.except_)}"
        )

    def _guard(self, node: p.Guard) -> str:
        breath = self._foreign() if node.awaits else "pass"
        if node.kind == "with":
            return f"with w.guard({node.label!r}):\n{self.inner(node.body)}"
        goodbye = self.statement(p.Say("bye")) if node.says else "pass"
        return (
            f"try:\n{self.inner(node.body)}\n"
            f"finally:\n    w.note({node.label!r}); {breath}; {goodbye}"
        )

    def _foreign(self, node: p.Node | None = None) -> str:
        return f"await w.breathe({self.program.name!r})" if self.style in ASYNC_STYLES else "pass"

    def _again(self, node: p.Again) -> str:
        going_on = self.perform(f"continue_as_new({self.program.name}(turn + 1))")
        return f"if turn < {node.limit}:\n    {going_on}"

    def _handover(self, node: p.Handover) -> str:
        return self.perform(f"continue_as_new({node.dialog.name}(turn + 1))")

    def _touch(self, node: p.Touch) -> str:
        return "touch(last)"


_STATEMENTS: dict[type, Callable[[Writer, Any], str]] = {
    p.Return: Writer._return,
    p.Fail: Writer._fail,
    p.Reraise: Writer._reraise,
    p.Loop: Writer._loop,
    p.Branch: Writer._branch,
    p.Patch: Writer._patch,
    p.Try: Writer._try,
    p.Guard: Writer._guard,
    p.Foreign: Writer._foreign,
    p.Again: Writer._again,
    p.Handover: Writer._handover,
    p.Touch: Writer._touch,
}


def source(program: p.Program, styles: Styles) -> str:
    """The Python of a program, its innermost dialogs first."""
    parts = [
        Writer(dialog, styles.get(dialog.name, "yield")).write()
        for dialog in reversed(program.dialogs.values())
    ]
    return "\n".join(parts)


@functools.lru_cache(2000)
def _compiled(text: str) -> CodeType:
    file = f"<generated {crc32(text.encode(errors='surrogatepass'))}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    return compile(text, file, "exec")


_MODULE = "tests.generated.dialogs"
_NAMES = {**vars(dialogs), **vars(world), **VALUES}


def forget() -> None:
    """Let no dialog that was built before be found by its name, as in a new process."""
    for found in _definitions.values():
        for origin in [origin for origin in found if origin.startswith(_MODULE)]:
            del found[origin]


def built(program: p.Program, styles: Styles, w: World) -> Any:
    """The program's dialog: the decorated function, alive in one world."""
    names = {**_NAMES, "__name__": _MODULE, "w": w}
    exec(_compiled(source(program, styles)), names)
    return names[program.name]
