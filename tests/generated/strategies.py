"""Strategies that generate programs, the styles to write them in, and values to answer with."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.generated.programs import (
    Again,
    Block,
    Branch,
    Call,
    Dice,
    Fail,
    Fetch,
    Foreign,
    Gather,
    Guard,
    Handover,
    Hear,
    Loop,
    Node,
    Patch,
    Program,
    Reraise,
    Return,
    Say,
    Sub,
    Touch,
    Try,
    rebuilt,
)
from tests.generated.source import STYLES, Styles
from tests.generated.world import CALLS, CATCHES, COROUTINES, RAISES

SCALARS = st.one_of(
    st.text(max_size=4),
    st.integers(-3, 300),
    st.none(),
    st.booleans(),
    st.sampled_from(
        (
            1.5,
            -0.0,
            2**70,
            b"\x00\xff",
            "\ud800",
            Decimal("1.10"),
            UUID(int=7),
            dt.date(2024, 2, 29),
            dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC),
            dt.timedelta(seconds=1.5),
        )
    ),
)
values = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.one_of(st.text(max_size=2), st.integers(0, 9)), SCALARS, max_size=2),
    st.tuples(SCALARS, st.lists(SCALARS, max_size=1)),
    st.frozensets(st.integers(0, 9), max_size=3),
)


# --- steps ---

TEXTS = ("hi", "name?", "", "again?", "\ud800")
NAMES, KINDS = st.sampled_from(CALLS), st.sampled_from(tuple(CATCHES))
ERRORS, LATER = st.sampled_from(tuple(RAISES)), st.sampled_from(("coroutine", "hidden"))
SAFE_CALLS = st.builds(Call, NAMES, values)
CALLS_THAT_FAIL = st.builds(Call, NAMES, values, ERRORS)
SAFE_ASYNC_CALLS = st.one_of(
    st.builds(Call, NAMES, values, st.none(), LATER),
    st.builds(Fetch, st.sampled_from(COROUTINES)),
)
ASYNC_CALLS_THAT_FAIL = st.one_of(
    st.builds(Call, NAMES, values, ERRORS, LATER),
    st.builds(Fetch, st.sampled_from(COROUTINES), ERRORS),
)
SAYS = st.builds(
    Say,
    st.sampled_from(TEXTS),
    st.sampled_from(("text", "text", "message", "data")),
    st.sampled_from((None, None, None, "greeting", "question")),
    st.booleans(),
)
CALLED_WITH = st.sampled_from(("", "", "name?", "x" * 70))
CALLED_AS = st.sampled_from((None, None, None, "first", "second"))
DICE = st.builds(Dice, st.sampled_from(("now", "randint", "choice", "uuid4")))
HEARS = st.just(Hear())
ENDS = st.one_of(
    st.builds(Fail, st.sampled_from(tuple(RAISES))),
    st.builds(Return, st.sampled_from(("seen", "last", "nothing"))),
)


@st.composite
def leaves(draw: st.DrawFn, can_await: bool) -> Node:
    """Steps that stand alone."""
    later = [SAFE_ASYNC_CALLS, st.just(Foreign())] if can_await else []
    rows = [HEARS, HEARS, HEARS, SAYS, SAFE_CALLS, DICE, *later, st.just(Touch())]
    return draw(draw(st.sampled_from(rows)))


@functools.cache
def blocks(depth: int, can_await: bool) -> st.SearchStrategy[Block]:
    """Statements in a row."""
    return st.lists(statements(depth, can_await), max_size=3).map(tuple)


@st.composite
def risky(draw: st.DrawFn, depth: int, can_await: bool) -> Block:
    """Statements that fail or return in the end."""
    later = [ASYNC_CALLS_THAT_FAIL] if can_await else []
    body = draw(blocks(depth, can_await))
    return (*body, draw(draw(st.sampled_from([ENDS, CALLS_THAT_FAIL, *later]))))


@functools.cache
def quiet(can_await: bool) -> st.SearchStrategy[Block]:
    """Statements for inside a gather: nothing that waits, casts dice or notes an order."""
    later = [SAFE_ASYNC_CALLS, ASYNC_CALLS_THAT_FAIL] if can_await else []
    later += [st.just(Foreign())] if can_await else []
    steps = [SAYS, SAFE_CALLS, CALLS_THAT_FAIL, *later, st.just(Patch("blue", ())), ENDS]
    block = st.lists(st.one_of(*steps, st.just(Again(1))), max_size=3).map(tuple)
    return st.one_of(block, st.tuples(st.builds(Try, block, KINDS, block)))


@functools.cache
def gathers(can_await: bool, *, fail: bool = False) -> st.SearchStrategy[Node]:
    """Steps that are performed together."""
    steps = [SAFE_CALLS, SAYS, *([SAFE_ASYNC_CALLS] if can_await else [])]
    if fail:
        steps += [CALLS_THAT_FAIL, st.builds(Sub, st.builds(Program, quiet(can_await)))]
        steps += [gathers(can_await)]
    return st.builds(Gather, st.lists(st.one_of(*steps), max_size=3).map(tuple))


def _sub(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    return Sub(Program(draw(blocks(depth, can_await))), draw(CALLED_WITH), draw(CALLED_AS))


def _loop(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    return Loop(draw(st.integers(1, 3)), draw(blocks(depth, can_await)))


def _try(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    body = draw(risky(depth, can_await))
    kind = draw(st.sampled_from(("here", "sub", "gather")))
    if kind == "sub":
        body = (Sub(Program(body)),)
    elif kind == "gather":
        body = (*body[:-1], draw(gathers(can_await, fail=True)))
    handler = draw(blocks(depth, can_await))
    raises = draw(st.sampled_from(((), (), (), (Reraise(),), (Fail("Unknown"),))))
    return Try(body, draw(KINDS), (*handler, *raises))


def _guard(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    kind = draw(st.sampled_from(("finally", "with", "goodbye")))
    if kind == "goodbye":  # a step in a `finally` may stand where nothing waits inside
        waits = draw(st.sampled_from(((), (), (), (), (Hear(),))))
        return Guard((*draw(quiet(can_await)), *waits), "finally", says=True)
    awaits = can_await and kind == "finally" and draw(st.booleans())
    return Guard(draw(blocks(depth, can_await)), kind, awaits=awaits)


def _branch(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    ends = draw(st.sampled_from((False, False, True)))
    other = risky(depth, can_await) if ends else blocks(depth, can_await)
    return Branch(draw(blocks(depth, can_await)), draw(other))


def _patch(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    change = draw(st.sampled_from(("blue", "green")))
    return Patch(change, draw(blocks(depth, can_await)), draw(blocks(depth, can_await)))


def _gather(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    return draw(gathers(can_await))


def _again(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    return Again(draw(st.integers(1, 2)))


def _handover(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    return Handover(Program(draw(blocks(depth, can_await))))


def _leaf(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    return draw(leaves(can_await))


_KINDS = [_leaf] * 8 + [_sub] * 3 + [_loop, _try, _guard, _branch] * 2
_KINDS += [_patch, _gather, _again, _handover]


@st.composite
def statements(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    """Statements that nest at most so deep."""
    kind = draw(st.sampled_from(_KINDS)) if depth else _leaf
    return kind(draw, depth - 1, can_await)


def programs(
    *, can_await: bool = False, depth: int = 3, prefix: str = "d"
) -> st.SearchStrategy[Program]:
    """Dialogs whose names and labels are all different.

    Args:
        can_await: whether they may need an event loop.
        depth: how deep statements nest.
        prefix: what the names begin with.
    """
    body = st.lists(statements(depth, can_await), min_size=2, max_size=6).map(tuple)
    return st.builds(Program, body).map(functools.partial(_named, prefix))


def _named(prefix: str, program: Program) -> Program:
    """Give the dialogs names, equal dialogs equal ones, and the `finally` blocks labels."""
    names: dict[str, str] = {}
    labels: dict[str, Node] = {}

    def name(node: Any) -> Any:
        match node:
            case Program():
                known_as = names.setdefault(repr(node), f"{prefix}{len(names)}")
                return replace(node, name=known_as)
            case Guard():
                return labels.setdefault(repr(node), replace(node, label=f"f{len(labels)}"))
            case _:
                return node

    return rebuilt(program, name)


def styles_for(program: Program) -> st.SearchStrategy[Styles]:
    """A style for each dialog of a program."""
    return st.fixed_dictionaries(
        {name: st.sampled_from(styles_of(dialog)) for name, dialog in program.dialogs.items()}
    )


def styles_of(program: Program) -> tuple[str, ...]:
    """The styles in which a dialog can be written.

    A coroutine cannot yield coroutines. An async generator returns by a `yield`, and is left
    there: a `finally` around it cannot say anything.
    """
    fetches = any(isinstance(node, Fetch) for node in program.statements)
    says = any(isinstance(node, Guard) and node.says for node in program.statements)
    left_out = {"await"} if fetches else set()
    left_out |= {"async yield"} if says else set()
    return tuple(style for style in STYLES if style not in left_out)
