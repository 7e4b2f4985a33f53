"""Edits a program at one place, as an author does while conversations are open."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.generated.programs import (
    Again,
    Block,
    Call,
    Dice,
    Fail,
    Gather,
    Loop,
    Node,
    Patch,
    Program,
    Return,
    Say,
    Sub,
    Try,
    rebuilt,
)
from tests.generated.strategies import leaves

Edit = Callable[[st.DrawFn, Block, bool], Block]


@st.composite
def changes(draw: st.DrawFn, program: Program, *, can_await: bool = False) -> Program:
    """The program with two statements swapped, or one deleted, inserted or altered."""

    def edit(block: Block) -> Block:
        edits: list[Edit] = [_insert]
        edits += [_delete, _alter, _alter] if block else []
        edits += [_swap] if len(block) > 1 else []
        return draw(st.sampled_from(edits))(draw, block, can_await)

    return _edited(draw, program, edit)


@st.composite
def guarded_inserts(draw: st.DrawFn, program: Program, *, can_await: bool = False) -> Program:
    """The program with statements inserted behind a `patched` that it did not have."""

    def edit(block: Block) -> Block:
        at = draw(st.integers(0, len(block)))
        inserted = draw(st.lists(leaves(can_await), min_size=1, max_size=2))
        return (*block[:at], Patch("fresh", tuple(inserted)), *block[at:])

    return _edited(draw, program, edit)


@st.composite
def new_versions(draw: st.DrawFn, program: Program) -> Program:
    """The program with another version of one of its dialogs."""
    old = draw(st.sampled_from(list(program.dialogs.values())))
    return _put(program, old.name, replace(old, version="2.0"))


def _edited(draw: st.DrawFn, program: Program, edit: Callable[[Block], Block]) -> Program:
    """The program with one row of statements edited, in one of its dialogs.

    What is gathered stays as it is, and so do dialogs called there: they must not wait.
    """
    gathered = {
        name
        for dialog in program.dialogs.values()
        for node in dialog.statements
        if isinstance(node, Gather)
        for name in Program((node,)).dialogs
    }
    names = sorted(set(program.dialogs) - gathered)
    old = program.dialogs[draw(st.sampled_from(names))]
    number = draw(st.integers(0, len(old.blocks) - 1))
    numbers = itertools.count()

    def put(node: Any) -> Any:
        return edit(node) if isinstance(node, tuple) and next(numbers) == number else node

    return _put(program, old.name, replace(old, body=rebuilt(old.body, put, own=True)))


def _put(program: Program, name: str, dialog: Program) -> Program:
    """The program with another dialog under that name, wherever it is called."""
    return rebuilt(
        program, lambda node: dialog if isinstance(node, Program) and node.name == name else node
    )


# --- what -----------------------------------------------------------------------------------------


def _at(draw: st.DrawFn, block: Block, last: int = 0) -> int:
    return draw(st.integers(0, len(block) - 1 - last))


def _insert(draw: st.DrawFn, block: Block, can_await: bool) -> Block:
    at = draw(st.integers(0, len(block)))
    return (*block[:at], draw(leaves(can_await)), *block[at:])


def _delete(draw: st.DrawFn, block: Block, can_await: bool) -> Block:
    at = _at(draw, block)
    return (*block[:at], *block[at + 1 :])


def _swap(draw: st.DrawFn, block: Block, can_await: bool) -> Block:
    at = _at(draw, block, 1)
    return (*block[:at], block[at + 1], block[at], *block[at + 2 :])


def _alter(draw: st.DrawFn, block: Block, can_await: bool) -> Block:
    at = _at(draw, block)
    alter = _ALTER.get(type(block[at]), lambda draw, node: draw(leaves(can_await)))
    return (*block[:at], alter(draw, block[at]), *block[at + 1 :])


def _say(draw: st.DrawFn, node: Say) -> Node:
    return draw(
        st.sampled_from(
            (
                replace(node, text=node.text + "!"),
                replace(node, name=None if node.name else "greeting"),
                replace(node, name="farewell"),
                replace(node, form="message" if node.form == "text" else "text"),
                replace(node, echo=not node.echo),
            )
        )
    )


def _sub(draw: st.DrawFn, node: Sub) -> Node:
    dialog = node.dialog
    options: list[Node] = [
        replace(node, text=node.text + "!"),
        replace(node, name=None if node.name else "first"),
        replace(node, name="third"),
    ]
    if not any(isinstance(inner, Again) for inner in dialog.statements):
        # Else a log that went on with it looks for it by its old name.
        options.append(replace(node, dialog=replace(dialog, name=dialog.name + "x")))
    return draw(st.sampled_from(options))


def _call(draw: st.DrawFn, node: Call) -> Node:
    failing = None if node.fails else "ValueError"
    return draw(st.sampled_from((replace(node, name="pay"), replace(node, fails=failing))))


def _of(field: str, *options: Any) -> Callable[[st.DrawFn, Any], Node]:
    def alter(draw: st.DrawFn, node: Any) -> Node:
        return replace(node, **{field: draw(st.sampled_from(options))})

    return alter


_ALTER: dict[type, Callable[[st.DrawFn, Any], Node]] = {
    Say: _say,
    Sub: _sub,
    Call: _call,
    Dice: _of("kind", "now", "randint", "choice", "uuid4"),
    Loop: _of("times", 0, 1, 2, 3, 4),
    Try: _of("catches", "ValueError", "LookupError", "Known", "StepFailed", "Exception"),
    Fail: _of("kind", "ValueError", "KeyError", "Known", "Unknown"),
    Return: _of("what", "seen", "last", "nothing"),
    Again: _of("limit", 0, 1, 2, 3),
    Patch: _of("change", "blue", "green", "red"),
    Gather: _of("steps", (), (Call("charge"),), (Call("charge"), Call("charge"))),
}
