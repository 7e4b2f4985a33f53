"""What one field of a pydantic model asks: its words, its options, and how a response is read."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from dialogs.messages import Button
from dialogs.prompts.models import is_collection, is_free, unwrapped
from dialogs.prompts.reading import (
    NO,
    REFUSED,
    YES,
    Option,
    Unfit,
    one_of,
    plain,
    words_for_options,
    yes_or_no,
)

ABSENT: Any = ...
"""In place of a value: the input has none."""


@dataclass(frozen=True, slots=True)
class Blank:
    """One question of a form.

    Args:
        name: the field's, after those of the models around it: "address.street".
        path: where its value goes in the model's input.
        question: what is said.
        kind: the field's type, without what was around it.
        options: what there is to choose from; none where any text will do.
        values: the options' values, by their text.
        skip: the text that leaves the field at its default; "" where it has none.
        skipped: the value then.
    """

    name: str
    path: tuple[str, ...]
    question: str
    kind: Any
    options: tuple[Option, ...]
    values: Mapping[str, Any]
    skip: str
    skipped: Any

    @property
    def buttons(self) -> tuple[Button, ...]:
        """One for each option, and one to skip the field."""
        skip = (Button(self.skip),) if self.skip else ()
        return (*(option.button for option in self.options), *skip)

    @property
    def has_hint(self) -> bool:
        """Whether `hint` tells what kind of response is wanted."""
        return bool(self.options) or self.kind in _KINDS

    @property
    def hint(self) -> str:
        """What is said when a response is of another kind."""
        if self.options:
            return words_for_options(list(self.options))
        return f"Please answer with {_KINDS[self.kind]}." if self.has_hint else REFUSED

    def read(self, response: Any) -> Any:
        """The response as the log keeps it: None to skip, the text of an option, or itself.

        Raises:
            Unfit: it is none of the options.
        """
        if self.skip and isinstance(response, str) and plain(response) in ("", plain(self.skip)):
            return None
        if self.options:
            return one_of(list(self.options))(response)
        if response is None:
            raise Unfit(ValueError("there is no answer"))
        return response

    def value(self, read: Any) -> Any:
        """The value for the model's input, of what `read` gave; or ABSENT."""
        if read is None:
            return self.skipped
        if self.options:
            return self.values[read]
        if not isinstance(read, str):
            return str(read) if self.kind is str else read
        if is_collection(self.kind):
            parts = read.replace("\n", ",").split(",")
            return [part.strip() for part in parts if part.strip()]
        return read if self.kind is str else read.strip()


def blank(name: str, path: tuple[str, ...], around: str, field: Any, skip: str) -> Blank | None:
    """The question of a field.

    Args:
        name: its name, after those of the models around it.
        path: where its value goes in the model's input.
        around: the words of the models around it.
        field: pydantic's description of it.
        skip: the text that leaves a field at its default.

    Returns:
        None where a form cannot ask for its type.
    """
    kind, limits, nullable = unwrapped(field)
    values = _values(kind)
    if not values and not is_free(kind):
        return None
    optional = nullable or not field.is_required()
    return Blank(
        name,
        path,
        around + _head(name, field) + _hint(kind, limits, field, optional),
        kind,
        _options(kind, values),
        values,
        skip if optional else "",
        None if field.is_required() else ABSENT,
    )


def is_tag(field: Any) -> bool:
    """Whether a field has one possible value only, and that is its default."""
    kind, _, nullable = unwrapped(field)
    return not field.is_required() and not nullable and len(_values(kind)) == 1


# --- options ----------------------------------------------------------------------------------


def _values(kind: Any) -> dict[str, Any]:
    """What there is to choose from, by its text; nothing where any text will do."""
    if kind is bool:
        return {"Yes": True, "No": False}
    if get_origin(kind) is Literal:
        return {str(value): value for value in get_args(kind)}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {_in_words(member.name): member for member in kind}
    return {}


def _options(kind: Any, values: Mapping[str, Any]) -> tuple[Option, ...]:
    if kind is bool:
        return tuple(
            Option(Button(label), label, yes_or_no(words, answer=False).words)
            for label, words in zip(values, (YES, NO), strict=True)
        )
    taken = {plain(label) for label in values}
    options = []
    for label, value in values.items():
        other = plain(str(value.value)) if isinstance(value, enum.Enum) else plain(label)
        words = {plain(label)} if other in taken else {plain(label), other}
        taken |= words
        options.append(Option(Button(label), label, frozenset(words)))
    return tuple(options)


# --- words ------------------------------------------------------------------------------------


def _head(name: str, field: Any) -> str:
    """A field's title and description, or its name in words."""
    words = [part for part in (field.title, field.description) if part]
    return ": ".join(words) or title(name, field)


def title(name: str, field: Any) -> str:
    """A field's title, or its name in words."""
    return field.title or _in_words(name.rpartition(".")[2])


def _in_words(name: str) -> str:
    words = name.replace("_", " ").strip().lower()
    return words[:1].upper() + words[1:]


_KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    datetime: "a date and time, such as 2024-05-31 18:30",
    date: "a date, such as 2024-05-31",
    time: "a time, such as 18:30",
    timedelta: "a duration, such as 1:30:00",
}
_LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
_LENGTHS = {"min_length": "at least", "max_length": "at most"}


def _hint(kind: Any, limits: list[Any], field: Any, optional: bool) -> str:
    parts = []
    several = is_collection(kind)
    if several:
        parts.append("several, with commas between them")
    elif kind in _KINDS:
        parts.append(_KINDS[kind])
    for limit in limits:
        for attribute, words in _LIMITS.items():
            if (bound := getattr(limit, attribute, None)) is not None:
                parts.append(f"{words} {bound}")
        for attribute, words in _LENGTHS.items():
            if (length := getattr(limit, attribute, None)) is not None:
                unit = "" if several else " character" if length == 1 else " characters"
                parts.append(f"{words} {length}{unit}")
    if optional:
        parts.append(_default(field))
    return f" ({', '.join(parts)})" if parts else ""


def _default(field: Any) -> str:
    default = field.default
    if isinstance(default, enum.Enum):
        return f"default {_in_words(default.name)}"
    if isinstance(default, bool):
        return "default Yes" if default else "default No"
    if isinstance(default, str | int | float | Decimal | date | time | timedelta) and default != "":
        return f"default {default}"
    return "optional"
