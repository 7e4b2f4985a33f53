"""What the types in a pydantic model say.

Only annotations are looked at here, so pydantic itself is not needed.
"""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_COLLECTIONS = (list, set, frozenset, tuple, Sequence, AbstractSet)


def unwrapped(field: Any) -> tuple[Any, list[Any], bool]:
    """A field's type without Annotated and None, its constraints, and whether it may be None."""
    kind, limits, nullable = field.annotation, list(field.metadata), False
    while True:
        if get_origin(kind) is Annotated:
            kind, *more = get_args(kind)
            for item in more:
                limits += getattr(item, "metadata", [item])
            continue
        inner = [item for item in get_args(kind) if item is not type(None)]
        if get_origin(kind) not in (Union, types.UnionType) or len(inner) == len(get_args(kind)):
            return kind, limits, nullable
        nullable = True
        kind = Union[tuple(inner)]  # noqa: UP007 - the parts are known at run time only


def is_model(kind: Any) -> bool:
    """Whether a type is a pydantic model with fields."""
    return _is_any_model(kind) and not kind.__pydantic_root_model__


def _is_any_model(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "model_validate")


def recorded_classes(kind: Any, seen: set[Any]) -> Iterator[type]:
    """The classes in a type whose objects the log keeps only where they are registered.

    Args:
        kind: the type.
        seen: the classes that were looked at; changed.
    """
    for part in get_args(kind):
        yield from recorded_classes(part, seen)
    if not isinstance(kind, type) or kind in seen:
        return
    seen.add(kind)
    if _is_any_model(kind):
        yield kind
        for field in getattr(kind, "model_fields").values():  # noqa: B009 - known to have it
            yield from recorded_classes(field.annotation, seen)
    elif issubclass(kind, enum.Enum) or dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
        yield kind


def is_free(kind: Any) -> bool:
    """Whether a text can answer it."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (*_COLLECTIONS, Union, types.UnionType):
        return all(is_free(part) for part in get_args(kind) if part is not ...)
    if get_origin(kind) is Literal:
        return True
    known = isinstance(kind, type) and get_origin(kind) is None
    return known and not _is_any_model(kind) and not issubclass(kind, dict | Mapping)


def is_collection(kind: Any) -> bool:
    """Whether a type is a list, a set or a tuple."""
    return kind in _COLLECTIONS or get_origin(kind) in _COLLECTIONS


def input_key(name: str, field: Any) -> str:
    """The name of a field in the model's input."""
    alias = field.validation_alias
    choices = getattr(alias, "choices", [alias])
    return next((choice for choice in choices if isinstance(choice, str)), name)
