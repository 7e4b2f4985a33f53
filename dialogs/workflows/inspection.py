"""What inline code and expressions may be, decided from their source before anything is run.

A list of what is allowed: every other kind of syntax is refused. This is the first of two walls,
and the weaker one, since what a name list forbids can be reached in other ways; whatever passes
runs in `sandbox.py` only. It gives authors an error with a line when a file is loaded, and leaves
an attacker little to work with.
"""

from __future__ import annotations

import ast
import builtins
import unicodedata
import warnings
from collections.abc import Collection, Iterator
from typing import Any

from dialogs.errors import UsageError
from dialogs.workflows.grammar import (
    DUNDER,
    FORBIDDEN,
    IN_ANNOTATIONS,
    IN_CODE,
    IN_EXPRESSIONS,
    SAFE_BUILTINS,
    UNSEEN,
    WORDS,
)

PARAMETERS = ("chat_id", "user_input", "context", "sender")

NO_PYTHON = "it is no Python"

MAX_SOURCE = 16_384
"""How long inline code may be, in characters."""

MAX_EXPRESSION = 2_000
"""How long an expression may be, in characters."""

MAX_DEPTH = 100
"""How deep syntax may nest."""


class RefusedCode(UsageError):
    """Inline code, or an expression, that is not run.

    Attributes:
        subject: whose it is, such as "state 'start'"; "" where that is not known.
        line: the line of its source, from 1.
        reason: what is wrong, in a few words.
    """

    def __init__(self, reason: str, line: int = 1, subject: str = "") -> None:
        of = f" of {subject}" if subject else ""
        what = f"The code{of} is refused, line {line}: {reason}."
        if reason.startswith(NO_PYTHON):
            super().__init__(what, "Code in data is Python.", "Correct it.")
        else:
            super().__init__(
                what,
                "Code in data may compute with what it is given, and reach nothing else.",
                "Take that out, or write it in a Python module and name it by its dotted path.",
            )
        self.reason = reason
        self.line = line
        self.subject = subject

    def of(self, subject: str) -> RefusedCode:
        """The same error, saying whose code it is."""
        return RefusedCode(self.reason, self.line, subject)


# --- inline code ------------------------------------------------------------------------------


def check_function(source: str) -> str:
    """Check the source of one state's function.

    Args:
        source: the function, with exactly the parameters chat_id, user_input, context and sender.

    Returns:
        The function's name.

    Raises:
        RefusedCode: it is anything else, or uses what inline code may not.
    """
    module = _parse(source, "exec", MAX_SOURCE)
    for statement in module.body:
        if not isinstance(statement, ast.FunctionDef):
            reason = WORDS.get(type(statement), "there is something beside the function")
            raise RefusedCode(reason, statement.lineno)
    if len(module.body) != 1:
        line = module.body[1].lineno if module.body else 1
        raise RefusedCode("it is not one function at the top", line)
    function = module.body[0]
    _check_signature(function)
    for statement in module.body:
        _check_nodes(statement, IN_CODE)
    return str(function.name)


def _check_signature(function: ast.FunctionDef) -> None:
    arguments = function.args
    names = tuple(one.arg for one in arguments.args)
    others = (arguments.posonlyargs, arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    if names != PARAMETERS or any(others):
        wanted = ", ".join(PARAMETERS)
        raise RefusedCode(f"its parameters are not exactly ({wanted})", function.lineno)
    if hasattr(builtins, function.name) or function.name.startswith("_"):
        raise RefusedCode(f"a function cannot be named {function.name!r}", function.lineno)


# --- expressions ------------------------------------------------------------------------------


def check_expression(source: str, names: Collection[str] | None = None) -> frozenset[str]:
    """Check an expression, such as `variables['amount'] > 0 and intent == 'confirm'`.

    Args:
        source: one expression.
        names: the names that it may use, besides some harmless builtins; None: any.

    Returns:
        The names that it uses and does not bind itself, without those builtins that `names` does
        not have.

    Raises:
        RefusedCode: it is something else, or uses what it may not.
    """
    return free_names(parse_expression(source), names)


def parse_expression(source: str) -> ast.expr:
    """The syntax of an expression that may be evaluated.

    Raises:
        RefusedCode: it may not.
    """
    tree: ast.expr = _parse(source, "eval", MAX_EXPRESSION).body
    _check_nodes(tree, IN_EXPRESSIONS)
    return tree


def free_names(tree: ast.expr, names: Collection[str] | None = None) -> frozenset[str]:
    """The names that a checked expression needs; see `check_expression`.

    Raises:
        RefusedCode: it uses one that is not among `names`.
    """
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in used if isinstance(node.ctx, ast.Store)}
    free = set()
    for node in used:
        if node.id in bound:
            continue
        known = names is not None and node.id in names
        if node.id in SAFE_BUILTINS and not known:
            continue
        if names is not None and not known:
            raise RefusedCode(f"it names {node.id!r}, which is not known here", node.lineno)
        free.add(node.id)
    return frozenset(free)


# --- both -------------------------------------------------------------------------------------


def _parse(source: Any, mode: str, limit: int) -> Any:
    if not isinstance(source, str):
        raise RefusedCode(f"it is no text, but of type {type(source).__name__}")
    if len(source) > limit:
        raise RefusedCode(f"it is longer than {limit:,} characters")
    for number, line in enumerate(source.split("\n"), 1):
        for char in line:
            if char not in "\t\r" and unicodedata.category(char) in UNSEEN:
                raise RefusedCode(f"it has the invisible character U+{ord(char):04X}", number)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _tree(source.strip()) if mode == "eval" else ast.parse(source)
    except SyntaxError as error:
        raise RefusedCode(f"{NO_PYTHON}: {error.msg}", error.lineno or 1) from None
    except (ValueError, MemoryError, RecursionError, OverflowError):
        raise RefusedCode("it nests too deep, or has a number that is too long") from None


def _tree(expression: str) -> ast.Expression:
    try:
        return ast.parse(expression, mode="eval")
    except SyntaxError:
        if "\n" not in expression:
            raise
        return ast.parse(f"({expression}\n)", mode="eval")  # as if it stood on one line


def _check_nodes(tree: ast.AST, allowed: tuple[type[ast.AST], ...]) -> None:
    waiting: list[tuple[ast.AST, int, int]] = [(tree, 1, 1)]
    while waiting:
        node, line, depth = waiting.pop()
        line = getattr(node, "lineno", line)
        if depth > MAX_DEPTH:
            raise RefusedCode(f"it nests deeper than {MAX_DEPTH}", line)
        if not isinstance(node, allowed):
            found = f"it uses {type(node).__name__}, which is not allowed"
            raise RefusedCode(WORDS.get(type(node), found), line)
        _check_node(node, line)
        for name in _names_in(node):
            _check_name(name, line)
        # The last is taken first: turned around, so that the first fault of the source is named.
        children = [(child, line, depth + 1) for child in ast.iter_child_nodes(node)]
        waiting += reversed(children)


def _check_node(node: ast.AST, line: int) -> None:
    match node:
        case ast.FunctionDef():
            if node.decorator_list:
                raise RefusedCode("it has a decorator", line)
            if getattr(node, "type_params", None):
                raise RefusedCode("it has type parameters", line)
            _check_annotation(node.returns, line)
        case ast.arguments():
            for default in (*node.defaults, *node.kw_defaults):
                if default is not None and not isinstance(default, ast.Constant):
                    raise RefusedCode("a default computes", default.lineno)
        case ast.arg() | ast.AnnAssign():
            _check_annotation(node.annotation, line)
        case ast.comprehension() if node.is_async:
            raise RefusedCode("it is async", line)
        case ast.Constant(value=str() as text):
            if DUNDER.search(text):
                raise RefusedCode("a text names a dunder", line)
            if any("\ud800" <= char <= "\udfff" for char in text):
                raise RefusedCode("a text has a lone surrogate", line)


def _check_annotation(annotation: ast.expr | None, line: int) -> None:
    if annotation is None:
        return
    for node in ast.walk(annotation):
        if not isinstance(node, IN_ANNOTATIONS):
            raise RefusedCode("an annotation computes", line)


def _names_in(node: ast.AST) -> Iterator[str]:
    """Every identifier of a node, whatever field it is in."""
    if isinstance(node, ast.Constant):
        return
    for _field, value in ast.iter_fields(node):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (name for name in value if isinstance(name, str))


def _check_name(name: str, line: int) -> None:
    if name.startswith("__"):
        raise RefusedCode(f"it names {name!r}, a dunder", line)
    if name in FORBIDDEN:
        raise RefusedCode(f"it names {name!r}", line)
