"""A document's data, with the line of everything in it; and what keeps data from being one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

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


def copied(data: Any, place: Place = ()) -> Any:
    """A copy of data that was read from no text.

    Raises:
        Unreadable: it is not what JSON has.
    """
    where = ".".join(map(str, place)) or "the document"
    if len(place) > DEEPEST:
        raise Unreadable(f"{'.'.join(map(str, place[:3]))} is nested deeper than {DEEPEST}")
    match data:
        case None | bool() | int() | str():
            return data
        case float() if isfinite(data):
            return data
        case Mapping():
            for key in data:
                if not isinstance(key, str):
                    raise Unreadable(f"{where} has the key {key!r}, which is no text")
            return {key: copied(item, (*place, key)) for key, item in data.items()}
        case list() | tuple():
            return [copied(item, (*place, at)) for at, item in enumerate(data)]
    kind = f"{data!r}" if isinstance(data, float) else f"of type {type(data).__name__}"
    raise Unreadable(f"{where} is {kind}, which JSON does not have")


class Reader:
    """Reads a text; what JSON and YAML have in common.

    Args:
        text: the text.

    Attributes:
        lines: the line of each key and item, by its path.
    """

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
        """The data.

        Raises:
            Unreadable: the text is no document.
        """
        raise NotImplementedError
