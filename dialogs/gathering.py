"""`gather`, as checkers see it: what each of its steps answers. `steps.py` has the step itself."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar, overload

from dialogs.steps import Gather, Step

# A step is an awaitable, for checkers.
To = Awaitable
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


@overload
def gather(a: To[A], /) -> Step[tuple[A]]: ...
@overload
def gather(a: To[A], b: To[B], /) -> Step[tuple[A, B]]: ...
@overload
def gather(a: To[A], b: To[B], c: To[C], /) -> Step[tuple[A, B, C]]: ...
@overload
def gather(a: To[A], b: To[B], c: To[C], d: To[D], /) -> Step[tuple[A, B, C, D]]: ...
@overload
def gather(a: To[A], b: To[B], c: To[C], d: To[D], e: To[E], /) -> Step[tuple[A, B, C, D, E]]: ...
@overload
def gather(*steps: To[A]) -> Step[list[A]]: ...


def gather(*steps: To[Any]) -> Step[Any]:
    """Perform several steps, at the same time where the run is async. Answer: their answers.

    The answers are a list. Where the steps are five or fewer, checkers take it for a tuple, so
    that they know the type of each answer; `asyncio.gather` is typed the same way.

    Args:
        *steps: steps, dialogs and coroutines. None of them may wait for the client.

    The first of them to fail, in the order given, makes the whole step fail.
    """
    return Gather(*steps)
