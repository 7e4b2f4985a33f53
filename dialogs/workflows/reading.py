"""The text of a document as data: JSON, with the line of each value; YAML is read next door."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from json import JSONDecodeError
from typing import Any

from dialogs.workflows.reading_yaml import Yaml
from dialogs.workflows.sources import LARGEST, Place, Reader, Source, Unreadable


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
    reader = _Json(text) if file.lower().endswith(".json") else Yaml(text)
    return Source(reader.read(), file, reader.lines)


_SPACE = re.compile(r"[ \t\n\r]*")


class _Json(Reader):
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
