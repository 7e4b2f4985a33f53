"""`@serializable`: the closed list of classes whose objects a log may keep and rebuild.

A class gets in by registration only, under a name of its own choosing, and a log can name nothing
else: no class path is ever imported.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, TypeVar, overload

from dialogs.errors import UsageError
from dialogs.messages import LATER, Attachment, Button, Message

C = TypeVar("C", bound=type)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One registered class.

    Args:
        type: the class.
        name: how logs know it.
        encode: an object's parts, as plain data.
        decode: an object of those parts.
        attributes: an object's parts under the names that its author knows, for errors.
    """

    type: type
    name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    attributes: Callable[[Any], dict[str, Any]]


_by_type: dict[type, Entry] = {}
_by_name: dict[str, Entry] = {}


def by_type(kind: type) -> Entry | None:
    """The entry of exactly this class, or None."""
    return _by_type.get(kind)


def by_name(name: Any) -> Entry:
    """The entry of that name.

    Raises:
        LookupError: no class was registered under it.
    """
    if type(name) is not str or name not in _by_name:
        raise LookupError(f"no class was registered as {name!r} with @serializable")
    return _by_name[name]


@overload
def serializable(cls: C, /) -> C: ...
@overload
def serializable(
    *,
    name: str | None = ...,
    encode: Callable[[Any], Any] | None = ...,
    decode: Callable[[Any], Any] | None = ...,
) -> Callable[[C], C]: ...


def serializable(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    encode: Callable[[Any], Any] | None = None,
    decode: Callable[[Any], Any] | None = None,
) -> Any:
    """Let a log keep the objects of a class.

    Enums, dataclasses, named tuples, pydantic models and exceptions need nothing more; their
    fields must be values themselves. A field added later gets its default when an older log is
    read. Any other class gives both functions.

    Args:
        cls: the class.
        name: how logs know it; its `__qualname__` where it is None. Keep it when the class moves.
        encode: an object's parts, as plain data.
        decode: an object of those parts; must not do anything but build it, since a log's bytes
            decide what it is called with.

    Raises:
        UsageError: the class is of none of these kinds and has no functions, or another class
            has its name.

    >>> @serializable
    ... class Season(enum.Enum):
    ...     SPRING = 1
    """

    def register(cls: C) -> C:
        kind = (encode, decode, _nothing) if encode and decode else _kind_of(cls)
        entry = Entry(cls, name or cls.__qualname__, *kind)
        other = _by_name.get(entry.name)
        if other is not None and _origin(other.type) != _origin(cls):
            raise UsageError(
                f"{_origin(cls)} and {_origin(other.type)} are both serializable as "
                f"{entry.name!r}.",
                "A log names a class by this name alone.",
                'Give one of them another: @serializable(name="...").',
            )
        _by_name[entry.name] = _by_type[cls] = entry
        return cls

    return register if cls is None else register(cls)


def _origin(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _kind_of(
    cls: type,
) -> tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], dict[str, Any]]]:
    """How the objects of a class of a known kind are taken apart, put together and shown."""
    if issubclass(cls, enum.Flag):
        return (lambda flag: flag.value), cls, _nothing
    if issubclass(cls, enum.Enum):
        return (lambda member: member.name), (lambda member: cls[member]), _nothing
    if issubclass(cls, BaseException):
        return (
            _encode_exception,
            lambda parts: _decode_exception(cls, parts),
            lambda error: {"args": error.args, **vars(error)},
        )
    if dataclasses.is_dataclass(cls):
        return _encode_dataclass, lambda parts: _decode_dataclass(cls, parts), _encode_dataclass
    if hasattr(cls, "__pydantic_fields__"):
        return _encode_model, lambda parts: _decode_model(cls, parts), _model_attributes
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _encode_row, lambda parts: _decode_row(cls, parts), _encode_row
    raise UsageError(
        f"{_origin(cls)} cannot be registered as it is.",
        "Only enums, dataclasses, named tuples, pydantic models and exceptions are taken apart "
        "by themselves.",
        "Give both functions: @serializable(encode=..., decode=...).",
    )


def _nothing(value: Any) -> dict[str, Any]:  # noqa: ARG001 - has no parts to show
    return {}


def _encode_dataclass(value: Any) -> dict[str, Any]:
    return {
        field.name: getattr(value, field.name)
        for field in dataclasses.fields(value)
        if hasattr(value, field.name)
        # A field that came later is left out while it has its default, as it always was.
        and not (field.metadata == LATER and getattr(value, field.name) == field.default)
    }


def _decode_dataclass(cls: Any, parts: dict[str, Any]) -> Any:
    # Not through __init__: the object was made by it once, and has to come back as it was.
    value = cls.__new__(cls)
    for field in dataclasses.fields(cls):
        if field.name in parts:
            item = parts[field.name]
        elif field.default is not dataclasses.MISSING:
            item = field.default
        elif field.default_factory is not dataclasses.MISSING:
            item = field.default_factory()
        elif not field.init:
            continue
        else:
            raise LookupError(f"{_origin(cls)} has a new field {field.name!r} without a default")
        object.__setattr__(value, field.name, item)
    return value


def _encode_row(row: Any) -> dict[str, Any]:
    return dict(row._asdict())


def _decode_row(cls: Any, parts: dict[str, Any]) -> Any:
    return cls(**{name: parts[name] for name in cls._fields if name in parts})


def _encode_model(value: Any) -> list[Any]:
    state = value.__getstate__()
    return [
        state["__dict__"],
        state.get("__pydantic_extra__"),
        state["__pydantic_fields_set__"],
        state.get("__pydantic_private__"),
    ]


def _model_attributes(value: Any) -> dict[str, Any]:
    fields, extra, _, private = _encode_model(value)
    return {**fields, **(extra or {}), **(private or {})}


def _decode_model(cls: Any, parts: list[Any]) -> Any:
    fields, extra, fields_set, private = parts
    for name, field in cls.__pydantic_fields__.items():
        if name not in fields and not field.is_required():
            fields[name] = field.get_default(call_default_factory=True, validated_data=fields)
    value = cls.__new__(cls)
    value.__setstate__(
        {
            "__dict__": fields,
            "__pydantic_extra__": extra,
            "__pydantic_fields_set__": fields_set,
            "__pydantic_private__": private,
        }
    )
    return value


def _encode_exception(error: BaseException) -> list[Any]:
    return [list(error.args), dict(error.__dict__)]


def _decode_exception(cls: type[BaseException], parts: list[Any]) -> BaseException:
    args, attributes = parts
    error = cls.__new__(cls, *args)
    error.args = tuple(args)
    error.__dict__.update(attributes)
    return error


for _message_type in (Message, Button, Attachment):
    serializable(name=_message_type.__name__)(_message_type)
