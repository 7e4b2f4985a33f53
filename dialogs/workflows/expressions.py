"""Expressions in documents: checked when a document is loaded, evaluated in the sandbox."""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Mapping
from typing import Any

from dialogs.performing import may_await
from dialogs.workflows.inspection import RefusedCode, check_expression, parse_expression
from dialogs.workflows.sandbox import aevaluate, evaluate

DEEPEST = 20
"""How deep a value goes into the sandbox; what is nested deeper is said as text."""


class BadExpression(ValueError):
    """A text that is no expression, or one that may not be evaluated."""


def names_in(source: str, known: Collection[str]) -> frozenset[str]:
    """The names that an expression needs.

    Args:
        source: the expression.
        known: the names that there are.

    Raises:
        BadExpression: it is none, or names what is not known.
    """
    try:
        names = check_expression(source, known)
    except RefusedCode as error:
        raise BadExpression(error.reason) from None
    for key in _keys_of_variables(source):
        if key not in known:
            raise BadExpression(f"it names the variable {key!r}, which nothing sets")
    return names


def _keys_of_variables(source: str) -> list[str]:
    """What the expression reads as `variables['name']`."""
    return [
        node.slice.value
        for node in ast.walk(parse_expression(source))
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "variables"
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ]


def evaluated(source: str, scope: Mapping[str, Any]) -> Any:
    """Evaluate an expression in the sandbox; for `call()`, which records what came of it.

    Returns:
        Its value; where the run can await, an awaitable of it.
    """
    # The names that there are hide the builtins of the same name.
    names = {name: _plain(scope[name]) for name in check_expression(source, {*scope})}
    return aevaluate(source, names) if may_await() else evaluate(source, names)


def _plain(value: Any, depth: int = 0) -> Any:
    """A value as the sandbox takes it: what is no plain data is said as text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case dict() if depth < DEEPEST:
            return {str(key): _plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple() if depth < DEEPEST:
            return [_plain(item, depth + 1) for item in value]
        case _:
            return str(value)
