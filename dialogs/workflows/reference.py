"""The reference of workflow documents, as Markdown: made from the schema, so that it is true."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dialogs.workflows.fields import Expression, Span, StepModel, Validation
from dialogs.workflows.schema import (
    AnyStep,
    ErrorHandling,
    Request,
    Workflow,
)

_NAMED = {Span: "time", Expression: "expression"}
_KINDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Any: "any JSON",
    NoneType: "",
}


def reference() -> str:
    """The tables of all fields, as Markdown."""
    parts = [
        _section("Workflow", Workflow, skipped=()),
        _section("Error handling", ErrorHandling, skipped=()),
        _section("Every step", StepModel, skipped=()),
    ]
    common = set(StepModel.model_fields)
    for model in sorted(get_args(AnyStep), key=_type_of):
        own = _type_of(model)
        skipped = {"type", *common} - ({"next_step"} if own == "goto" else set())
        parts.append(_section(own, model, skipped=skipped))
        if own == "slot_fill":
            parts.append(_section("Validation", Validation, skipped=()))
    return "\n".join(parts)


def _section(title: str, model: type[BaseModel], *, skipped: Any) -> str:
    title = f"`{title}`" if title.islower() else title
    lines = [f"### {title}", "", (model.__doc__ or "").strip(), ""]
    rows = [
        f"| `{name}` | {_kind(field)} | {field.description} |"
        for name, field in _in_order(model)
        if name not in skipped
    ]
    if rows:
        lines += ["| field | value | |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _in_order(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """The fields of a model, its own before those that it shares with others."""
    fields = model.model_fields.items()
    if not issubclass(model, Request):
        return list(fields)
    return sorted(fields, key=lambda field: field[0] in Request.model_fields)


def _type_of(model: Any) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def _kind(field: FieldInfo) -> str:
    kind = _kind_of(field.annotation)
    if field.is_required():
        return f"{kind}, needed"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", {}, []) or isinstance(default, BaseModel):
        return kind
    return f"{kind}; `{str(default).lower() if isinstance(default, bool) else default}`"


def _kind_of(annotation: Any) -> str:
    for known, name in _NAMED.items():
        if annotation == known:
            return name
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind_of(args[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in args)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(filter(None, map(_kind_of, args))))
    if origin is list:
        inner = "steps" if get_origin(args[0]) is Annotated and _is_step(args[0]) else None
        return inner or f"list of {_kind_of(args[0])}"
    if origin is dict:
        return f"{_kind_of(args[1])} by name"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    return _KINDS.get(annotation, str(annotation))


def _is_step(annotation: Any) -> bool:
    return bool(get_args(annotation)[0] == AnyStep)
