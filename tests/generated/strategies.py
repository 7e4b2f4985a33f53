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


# --- steps: ready-made, since every draw takes time -----------------------------------------------

TEXTS = ("hi", "name?", "", "again?", "\ud800")
GIVEN = (None, "a", 2**70, -0.0, [1, ["b"]], {"c": (1, b"\xff")}, Decimal("1.10"), {3: UUID(int=7)})

HEARS = st.just(Hear())
SAYS = st.sampled_from(
    [
        *(Say(text) for text in TEXTS),
        *(Say(text, echo=True) for text in TEXTS),
        *(Say(text, form) for text in TEXTS[:2] for form in ("message", "data")),
        *(Say(text, name=name) for text in TEXTS[:2] for name in ("greeting", "question")),
        Say("hi", "message", "greeting", echo=True),
        Say("hi", "data", echo=True),
    ]
)
TOUCHES = st.just(Touch())
DICE = st.sampled_from([Dice(kind) for kind in ("now", "randint", "choice", "uuid4")])
SAFE_CALLS = st.sampled_from([Call(name, value) for name in CALLS for value in GIVEN])
ERRORS = (*RAISES, "Unknown", "Unknown")
CALLS_THAT_FAIL = st.sampled_from([Call(name, None, error) for error in ERRORS for name in CALLS])
LATER = ("coroutine", "hidden")
SAFE_ASYNC_CALLS = st.sampled_from(
    [
        *(Call(name, value, None, how) for name in CALLS for how in LATER for value in GIVEN[:2]),
        *(Fetch(name) for name in COROUTINES * 4),
    ]
)
ASYNC_CALLS_THAT_FAIL = st.sampled_from(
    [
        *(Call(name, None, error, how) for error in ERRORS for name in CALLS for how in LATER),
        *(Fetch(name, error) for error in ERRORS for name in COROUTINES * 2),
    ]
)
CALLED_WITH = st.sampled_from(
    [("", None)] * 3 + [(text, name) for text in ("name?", "x" * 70) for name in (None, "first")]
)
KINDS = st.sampled_from(tuple(CATCHES))
ENDS = st.sampled_from(
    [*map(Fail, ERRORS), *(Return(what) for what in ("seen", "seen", "last", "nothing"))]
)


def often(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of these, each as often as it is given; `one_of` would count it once."""
    return st.sampled_from(strategies).flatmap(_itself)


def _itself(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return strategy


@functools.cache
def leaves(can_await: bool) -> st.SearchStrategy[Node]:
    """Steps that stand alone."""
    later = [SAFE_ASYNC_CALLS, st.just(Foreign())] if can_await else []
    return often(HEARS, HEARS, HEARS, SAYS, SAFE_CALLS, DICE, *later, TOUCHES, TOUCHES)


@functools.cache
def blocks(depth: int, can_await: bool) -> st.SearchStrategy[Block]:
    """Statements in a row."""
    return st.lists(statements(depth, can_await), max_size=3).map(tuple)


@functools.cache
def risky(depth: int, can_await: bool) -> st.SearchStrategy[Block]:
    """Statements that fail or return in the end."""
    later = [ASYNC_CALLS_THAT_FAIL] if can_await else []
    end = often(ENDS, CALLS_THAT_FAIL, *later)
    return st.tuples(blocks(depth, can_await), end).map(lambda parts: (*parts[0], parts[1]))


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
    return Sub(Program(draw(blocks(depth, can_await))), *draw(CALLED_WITH))


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


_MAKERS = (_leaf,) * 8 + (_sub,) * 3 + (_loop, _try, _guard, _branch, _try) * 2
_MAKER = st.sampled_from((*_MAKERS, _patch, _gather, _again, _handover))


@st.composite
def statements(draw: st.DrawFn, depth: int, can_await: bool) -> Node:
    """Statements that nest at most so deep."""
    if depth == 0:
        return draw(leaves(can_await))
    return draw(_MAKER)(draw, depth - 1, can_await)


def programs(
    *, can_await: bool = False, depth: int = 3, prefix: str = "d"
) -> st.SearchStrategy[Program]:
    """Dialogs with names: equal dialogs are one, and others have other names.

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
    return tuple(style for style in (*STYLES, "run") if style not in left_out)
