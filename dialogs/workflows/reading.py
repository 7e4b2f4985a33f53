"""The text of a document as data, with the line of everything in it.

YAML is read with the types of JSON only: no dates, no `yes` as true, no tags. Anchors are allowed
as far as they do not make a short text long.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import Any

from dialogs.errors import missing_extra
from dialogs.workflows.problems import Problem

LARGEST = 1_000_000
"""How long a document may be, in characters."""

MOST = 100_000
"""How many values a document may have, those that anchors repeat included."""

DEEPEST = 50
"""How deep its values may be nested."""

Place = tuple[str | int, ...]


@dataclass(slots=True)
class Source:
    """A document as it was read.

    Args:
        data: its content.
        file: where it came from, or "".
        lines: the line of each key and item, by its path.
    """

    data: Any
    file: str = ""
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """The line of a place, or of the innermost that is around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place)


class Unreadable(Exception):
    """A text that is no document.

    Args:
        text: why, in one sentence.
        line: where, from 1, or None.
    """

    def __init__(self, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.problem = Problem(text, line=line)


def read(text: str, file: str) -> Source:
    """The data of a text.

    Args:
        text: JSON where the file's name ends with ".json", otherwise YAML.
        file: its name.

    Raises:
        Unreadable: it is neither.
    """
    if len(text) > LARGEST:
        raise Unreadable(f"the document has more than {LARGEST:,} characters")
    reader = _Json(text) if file.lower().endswith(".json") else _Yaml(text)
    return Source(reader.read(), file, reader.lines)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[Place, int] = {}
        self.count = 0

    def enter(self, place: Place, line: int) -> None:
        """Count a value, and keep its line."""
        self.count += 1
        if self.count > MOST:
            raise Unreadable(f"the document has more than {MOST:,} values", line)
        if len(place) > DEEPEST:
            raise Unreadable(f"the document is nested deeper than {DEEPEST}", line)
        self.lines.setdefault(place, line)

    @staticmethod
    def check_new(mapping: dict[str, Any], key: str, line: int) -> None:
        """Refuse a key that is there already."""
        if key in mapping:
            raise Unreadable(f"the key {key!r} is given twice", line)

    def read(self) -> Any:
        raise NotImplementedError


# --- JSON -------------------------------------------------------------------------------------

_SPACE = re.compile(r"[ \t\n\r]*")


class _Json(_Reader):
    """The standard library's reader, with lines: it does not tell where a value stood."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.breaks = [found.start() for found in re.finditer("\n", text)]

    def read(self) -> Any:
        try:
            value, end = self.value(self.skip(0), ())
        except JSONDecodeError as error:
            raise Unreadable(f"the text is no JSON: {error.msg}", error.lineno) from None
        except ValueError as error:  # a number of many thousand digits
            raise Unreadable(f"the text is no JSON: {error}") from None
        if self.skip(end) != len(self.text):
            raise Unreadable("the text goes on after the document", self.line(end))
        return value

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return at if found is None else found.end()

    def line(self, at: int) -> int:
        return bisect_left(self.breaks, at) + 1

    def value(self, at: int, place: Place) -> tuple[Any, int]:
        self.enter(place, self.line(at))
        match self.text[at : at + 1]:
            case "{":
                return self.mapping(at, place)
            case "[":
                return self.items(at, place)
            case '"':
                return self.string(at)
            case _:
                value, end = _SCALARS.raw_decode(self.text, at)
                if value in (float("inf"), float("-inf")):
                    raise Unreadable(f"{self.text[at:end]} is too large a number", self.line(at))
                return value, end

    def string(self, at: int) -> tuple[str, int]:
        value, end = _SCALARS.raw_decode(self.text, at)
        return str(value), end

    def mapping(self, at: int, place: Place) -> tuple[dict[str, Any], int]:
        mapping: dict[str, Any] = {}
        at = self.skip(at + 1)
        if self.text[at : at + 1] == "}":
            return mapping, at + 1
        while True:
            if self.text[at : at + 1] != '"':
                raise JSONDecodeError("expected a key in double quotes", self.text, at)
            start = at
            key, at = self.string(at)
            self.check_new(mapping, key, self.line(start))
            at = self.skip(at)
            if self.text[at : at + 1] != ":":
                raise JSONDecodeError("expected `:`", self.text, at)
            mapping[key], at = self.value(self.skip(at + 1), (*place, key))
            self.lines[*place, key] = self.line(start)
            at, more = self.next(at, "}")
            if not more:
                return mapping, at

    def items(self, at: int, place: Place) -> tuple[list[Any], int]:
        items: list[Any] = []
        at = self.skip(at + 1)
        if self.text[at : at + 1] == "]":
            return items, at + 1
        while True:
            item, at = self.value(at, (*place, len(items)))
            items.append(item)
            at, more = self.next(at, "]")
            if not more:
                return items, at

    def next(self, at: int, end: str) -> tuple[int, bool]:
        """Past a comma, or past the end; and whether more comes."""
        at = self.skip(at)
        found = self.text[at : at + 1]
        if found not in (",", end) or not found:
            raise JSONDecodeError(f"expected `,` or `{end}`", self.text, at)
        return self.skip(at + 1), found == ","


def _no_constant(name: str) -> Any:
    raise JSONDecodeError(f"{name} is no JSON", name, 0)


_SCALARS = json.JSONDecoder(parse_constant=_no_constant)


# --- YAML -------------------------------------------------------------------------------------

_TAGS = [f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str")]
"""What the reader gives to what has no tag of its own."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,4000}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class _Yaml(_Reader):
    def read(self) -> Any:
        try:
            import yaml  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            raise missing_extra("A workflow in YAML", "pyyaml", "workflows") from None
        self.yaml = yaml
        try:
            # BaseLoader builds no objects: of it, only the tree of nodes is used.
            node = yaml.compose(self.text, Loader=yaml.BaseLoader)
            return None if node is None else self.value(node, (), ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = None if mark is None else mark.line + 1
            raise Unreadable(
                f"the text is no YAML: {error.problem or error.context}", line
            ) from None
        except (yaml.YAMLError, RecursionError) as error:
            raise Unreadable(f"the text is no YAML: {error}".splitlines()[0]) from None

    def value(self, node: Any, place: Place, around: tuple[int, ...]) -> Any:
        line = node.start_mark.line + 1
        self.enter(place, line)
        if id(node) in around:
            raise Unreadable("an anchor holds itself", line)
        if node.tag not in _TAGS:
            raise Unreadable(f"the tag {node.tag!r} is not allowed", line)
        around = (*around, id(node))
        if isinstance(node, self.yaml.MappingNode):
            return self.mapping(node, place, around)
        if isinstance(node, self.yaml.SequenceNode):
            return [self.value(item, (*place, at), around) for at, item in enumerate(node.value)]
        return node.value if node.style else _plain(node.value, line)

    def mapping(self, node: Any, place: Place, around: tuple[int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, self.yaml.ScalarNode):
                raise Unreadable("a key is no text", line)
            key = key_node.value
            self.check_new(mapping, key, line)
            mapping[key] = self.value(value_node, (*place, key), around)
            self.lines[*place, key] = line
        return mapping


def _plain(text: str, line: int) -> Any:
    """A value without quotes, with the types of JSON."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise Unreadable(f"{text} is too large a number", line)
        return number
    return text
