"""What the fields of a document may be, and what every step has."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import SchemaError

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
        default=None,
        description="A regular expression that the whole text fits; without look-around and "
        "back-references, so that none is slow.",
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
            matching(self.pattern)
        _check_order(self.min, self.max, "min", "max")
        _check_order(self.min_length, self.max_length, "min_length", "max_length")
        limits = (self.min, self.max, self.min_length, self.max_length, self.pattern)
        if self.choices is not None and any(limit is not None for limit in limits):
            raise ValueError("`choices` are all that is taken: nothing else can limit them")
        if self.type in _NUMBERS and any(isinstance(one, str) for one in self.choices or ()):
            raise ValueError(f"`choices` has texts, and the type is {self.type}")
        if (self.min is not None or self.max is not None) and self.type not in _NUMBERS:
            raise ValueError("`min` and `max` are for the types integer and number")
        if self.type != "text" and (self.pattern or self.min_length or self.max_length):
            raise ValueError("`pattern`, `min_length` and `max_length` are for the type text")
        return self


_NUMBERS = ("integer", "number")


def _check_order(least: float | None, most: float | None, first: str, second: str) -> None:
    if least is not None and most is not None and least > most:
        raise ValueError(f"`{first}` is greater than `{second}`")


@lru_cache(maxsize=1024)
def matching(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text fits a pattern; in a time that grows with the text, and no faster.

    So the regular expressions are those of Rust, which pydantic has: without look-around and
    back-references. With Python's own, a few characters can take for ever.

    Raises:
        ValueError: it is no regular expression.
    """
    try:
        TypeAdapter(_of(pattern))  # by itself: what stands around it below opens no group
        fitting = TypeAdapter(_of(rf"\A(?:{pattern})\z"))
    except SchemaError as error:
        reason = str(error).splitlines()[-1].rpartition("rror: ")[2]
        raise ValueError(f"the pattern cannot be used: {reason}") from None

    def fits(text: str) -> bool:
        try:
            fitting.validate_python(text)
        except ValidationError:
            return False
        return True

    return fits


def _of(pattern: str) -> Any:
    return Annotated[str, StringConstraints(pattern=pattern)]
