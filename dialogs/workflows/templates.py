"""Texts with `{name}` in them: plain lookups in plain data, and nothing else.

There are no format specifications, no attributes and no expressions. `{{` and `}}` are braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from dialogs.workflows.problems import StepError

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")

Scope = Mapping[str, Any]
"""What names stand for: plain data."""


class BadTemplate(ValueError):
    """A text that is no template."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with names in it.

    Args:
        parts: texts, and names as their segments.
    """

    parts: tuple[str | tuple[str, ...], ...]

    @property
    def names(self) -> list[str]:
        """The names that it looks up, each without what comes after a dot."""
        return [part[0] for part in self.parts if isinstance(part, tuple)]

    def render(self, scope: Scope) -> str:
        """The text.

        Raises:
            StepError: a name stands for nothing.
        """
        return "".join(
            as_text(look_up(scope, part)) if isinstance(part, tuple) else part
            for part in self.parts
        )

    def value(self, scope: Scope) -> Any:
        """The text; or, of a template that is a single name, what that stands for."""
        if len(self.parts) == 1 and isinstance(self.parts[0], tuple):
            # Whoever gets it may change it, and the variable stays.
            return deepcopy(look_up(scope, self.parts[0]))
        return self.render(scope)

    def path(self, scope: Scope) -> str:
        """The text as the path of a URL: what its names stand for is quoted.

        Raises:
            StepError: a name stands for nothing, or the path leads out of its integration.
        """
        path = "".join(
            _quoted(look_up(scope, part)) if isinstance(part, tuple) else part
            for part in self.parts
        )
        if goes_up(path):
            raise StepError("BadPath", f"{path!r} leads out of its integration")
        return path


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """The template of a text.

    Raises:
        BadTemplate: a brace stands alone, or what is in braces is no name.

    >>> parse("Dear {customer.name}, {{now}}").render({"customer": {"name": "Ada"}})
    'Dear Ada, {now}'
    """
    parts: list[str | tuple[str, ...]] = []
    at = 0
    for found in _PART.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        name = found[1]
        if found[0] in ("{{", "}}"):
            parts.append(found[0][0])
        elif name is None:
            raise BadTemplate(
                f"the brace {found[0]!r} stands alone; write it twice to mean a brace"
            )
        elif not _NAME.fullmatch(name):
            raise BadTemplate(
                f"{{{name}}} is no name; only names and dotted names can be looked up"
            )
        else:
            parts.append(tuple(name.split(".")))
    parts.append(text[at:])
    return Template(tuple(part for part in parts if part))


def templates_in(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside a value that is filled in, with its dotted place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from templates_in(item, f"{place}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from templates_in(item, f"{place}.{at}".removeprefix("."))


def fill(value: Any, scope: Scope) -> Any:
    """A value with all its texts filled in; a text that is a single name keeps its type.

    >>> fill({"amount": "{amount}", "note": "{amount} EUR"}, {"amount": 5})
    {'amount': 5, 'note': '5 EUR'}
    """
    if isinstance(value, str):
        return parse(value).value(scope)
    if isinstance(value, dict):
        return {key: fill(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, scope) for item in value]
    return value


# --- looking up -------------------------------------------------------------------------------


def look_up(scope: Scope, path: tuple[str, ...]) -> Any:
    """What a dotted name stands for; a number is a place in a list.

    Raises:
        StepError: nothing.
    """
    return _go_down(scope, path)


def _go_down(value: Any, path: Sequence[str]) -> Any:
    for segment in path:
        try:
            value = (
                value[int(segment)] if isinstance(value, list | tuple) else _item(value, segment)
            )
        except (KeyError, IndexError, ValueError):
            raise StepError("NotFound", f"there is no {'.'.join(path)!r}") from None
    return value


def _item(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return value[key]
    raise KeyError(key)


def mapped(result: Any, mapping: Mapping[str, str]) -> dict[str, Any]:
    """Variables, of a result and of the dotted paths that lead to their values.

    Raises:
        StepError: a path leads nowhere.
    """
    return {
        name: _go_down(result, path.split(".")) if path else result
        for name, path in mapping.items()
    }


def as_text(value: Any) -> str:
    """A value as people read it: None is nothing, 100.0 is 100, lists and such are JSON."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _quoted(value: Any) -> str:
    text = quote(as_text(value).encode("utf-8", "replace"), safe="")
    if not text:
        raise StepError("BadPath", "a part of the path is empty")
    return text


def goes_up(path: str) -> bool:
    """Whether a path has segments that lead elsewhere: `.` and `..`, also quoted."""
    return any(unquote(segment) in (".", "..") for segment in path.split("/"))
