"""What may go into the sandbox and come out of it: plain data, bounded in size and depth.

`fault_of` runs on both sides of the wall. It must run inside, before a result crosses, for two
reasons: Monty writes what it cannot carry as text, silently; and it copies a list that holds the
same list twice as two lists, so that thirty lines of nesting become a billion lists in the host.
The host runs it too, since it trusts nothing that was said inside.
"""

from __future__ import annotations

import inspect

MAX_VALUES = 10_000
"""How many values may cross in one piece, those inside lists and dicts counted."""

MAX_CHARACTERS = 262_144
"""How many characters, and bytes, they may have together."""

MAX_DEPTH = 32
"""How deep lists and dicts may nest."""


# One function in the part of Python that Monty has, so that it can be handed in as it is.
def fault_of(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912
    value, max_values, max_characters, max_depth
):
    """What keeps a value from crossing, in a few words; None: nothing does."""
    waiting = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        kind = type(value)
        max_values -= 1
        if max_values < 0:
            return "too many values"
        if value is None or kind is bool or kind is float:
            continue
        if kind is int:
            if not -(2**256) < value < 2**256:
                return "a number that is too long"
        elif kind is str or kind is bytes:
            max_characters -= len(value)
        elif kind is list or kind is tuple or kind is dict:
            if depth >= max_depth:
                return "values that nest too deep"
            if len(value) > max_values:
                return "too many values"
            if kind is dict:
                for key in value:
                    if type(key) is not str:
                        return "a dict with a key that is no text"
                    max_characters -= len(key)
                value = value.values()
            for item in value:
                waiting.append((item, depth + 1))  # noqa: PERF401 - Monty's own subset
        else:
            return "something of type " + kind.__name__
        if max_characters < 0:
            return "too much text"
    return None


SOURCE = inspect.getsource(fault_of).replace("fault_of", "__fault_of__")
"""The same function for the inside, under a name that code in data cannot have."""

LIMITS = (MAX_VALUES, MAX_CHARACTERS, MAX_DEPTH)


def fault(value: object) -> str | None:
    """What keeps a value from crossing, in a few words; None: nothing does."""
    found: str | None = fault_of(value, *LIMITS)  # type: ignore[no-untyped-call]
    return found or _unwritable(value)


def _unwritable(value: object) -> str | None:
    """Lone surrogates, which the sandbox's texts cannot have."""
    if isinstance(value, str):
        surrogate = any("\ud800" <= char <= "\udfff" for char in value)
        return "a text with a lone surrogate" if surrogate else None
    inner: list[object] = []
    if isinstance(value, dict):
        inner = [*value, *value.values()]
    elif isinstance(value, list | tuple):
        inner = [*value]
    return next((found for item in inner if (found := _unwritable(item))), None)
