"""What the fields of a document may be, and what every step has."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

END = "end"
"""What `next_step` names to end the workflow."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?) *(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _span(value: Any) -> Any:
    """Seconds, of a number or of a text such as "15m"."""
    if isinstance(value, str):
        found = _SPAN.fullmatch(value.strip())
        if found is None:
            raise ValueError('give seconds, or a text such as "30s", "15m", "2h" or "1d"')
        value = timedelta(**{_UNITS[found[2]]: float(found[1])}).total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError('give a time above zero: seconds, or a text such as "15m"')
    return float(value)


Id = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=100)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Path = Annotated[str, Field(pattern=r"^$|^[\w-]+(\.[\w-]+)*$", max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Expression = Annotated[str, Field(min_length=1, max_length=2_000)]
Span = Annotated[float, BeforeValidator(_span)]
Mapping = dict[Name, Path]


class Model(BaseModel):
    """No field that nobody knows, and no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StepModel(Model):
    """What every step has."""

    id: Id = Field(description="Names the step; other steps go to it by this name.")
    name: str = Field(default="", description="What people call it.")
    next_step: Id | None = Field(
        default=None,
        description="The step that follows. Without it: the following one of the list; `end`: "
        "none.",
    )
    on_error: Id | None = Field(
        default=None,
        description="The step that follows a failure; the variable `error` says what failed.",
    )
    timeout: Span | None = Field(
        default=None,
        description="How long it may wait or take: seconds, or a text such as `15m`. A step whose "
        "time passes has failed.",
    )
    retry_on_failure: bool | Annotated[int, Field(ge=1, le=10)] = Field(
        default=False,
        description="Whether it is tried again when it fails: `true` for 2 more attempts, or how "
        "many more.",
    )
    critical: bool = Field(
        default=True,
        description="`false`: after a failure without `on_error` the workflow goes on.",
    )

    @property
    def attempts(self) -> int:
        """How often it is tried."""
        retries = self.retry_on_failure
        return (3 if retries else 1) if isinstance(retries, bool) else 1 + retries


class Validation(Model):
    """What a slot takes."""

    type: Literal["text", "integer", "number", "boolean", "date"] = Field(
        default="text", description="What the answer is read as."
    )
    min: int | float | None = Field(default=None, description="The least number.")
    max: int | float | None = Field(default=None, description="The greatest number.")
    min_length: int | None = Field(default=None, ge=0, description="The fewest characters.")
    max_length: int | None = Field(default=None, ge=0, description="The most characters.")
    pattern: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="A regular expression that the whole text fits."
    )
    choices: list[str | int | float] | None = Field(
        default=None,
        min_length=1,
        description="The only answers; shown as buttons. Apart from case, the text is compared.",
    )
    validator: Text | None = Field(
        default=None, description="The name of a check in `Workflows(validators={...})`."
    )
    message: Text | None = Field(
        default=None, description="What is said when the answer is not taken, in place of a reason."
    )

    @model_validator(mode="after")
    def _fits(self) -> Validation:
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"the pattern is no regular expression: {error}") from None
        if (self.min is not None or self.max is not None) and self.type not in _NUMBERS:
            raise ValueError("`min` and `max` are for the types integer and number")
        if self.type != "text" and (self.pattern or self.min_length or self.max_length):
            raise ValueError("`pattern`, `min_length` and `max_length` are for the type text")
        return self


_NUMBERS = ("integer", "number")
