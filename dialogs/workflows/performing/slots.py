"""The step slot_fill: a variable that the client fills."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from datetime import date
from itertools import count
from typing import Any

from dialogs.performing import may_await
from dialogs.steps import patched, send_message
from dialogs.workflows.fields import Validation, matching
from dialogs.workflows.performing.run import Run, Steps
from dialogs.workflows.performing.saying import with_buttons
from dialogs.workflows.problems import StepError
from dialogs.workflows.schema import SlotFillStep
from dialogs.workflows.templates import as_text
from dialogs.workflows.understanding import Heard, without

LONGEST = 10_000
"""How long an answer may be, in characters."""

YES = frozenset({"yes", "y", "true", "ok", "1"})
NO = frozenset({"no", "n", "false", "0"})


class Invalid(ValueError):
    """An answer that is not taken; its text says why, to the client."""


def fill_slot(run: Run) -> Steps:
    """Fill a variable from what was heard last, or ask for it."""
    step: SlotFillStep = run.step
    complaint = ""
    if _entity(step) in run.heard.get("entities", {}):
        complaint, value = yield from _taken(run)
        if not complaint and (yield _ENDS):
            return {step.slot: value}
        complaint = complaint or _REFUSED
    for attempt in count(1):
        if complaint:
            yield send_message(complaint, name="complaint")
        labels = map(as_text, step.validation.choices or ())
        yield send_message(with_buttons(run.text(step.prompt), labels), name="prompt")
        yield from run.listen()
        complaint, value = yield from _taken(run)
        if not complaint and (yield _ENDS):
            return {step.slot: value}
        complaint = complaint or _REFUSED
        if attempt >= step.retry_limit and (yield _ENDS):
            break
    attempts = "1 attempt" if step.retry_limit == 1 else f"{step.retry_limit} attempts"
    raise StepError("NotFilled", f"there was no valid answer in {attempts}")


# What ends a slot may be edited while it waits. On a replay that goes on this says False, as the
# answer was refused then, whatever the document says now: see `prompts/insisting.py`.
_ENDS = patched("the slot is done")
_REFUSED = "(refused before the document was edited)"
"""Stands for a complaint that was said then, and is not said again."""


def _entity(step: SlotFillStep) -> str:
    return step.entity or step.slot


def _taken(run: Run) -> Steps:
    """The value of what was heard last; or what is said where it is not taken."""
    step: SlotFillStep = run.step
    try:
        answer = _answer(run, run.heard)
        value = read(answer, step.validation)
        if step.validation.validator is not None:
            validator = run.host.validators[step.validation.validator]
            reason = yield run.call(check, validator, value)
            if reason:
                raise Invalid(reason)
    except Invalid as invalid:
        message = step.validation.message
        return (str(invalid) if message is None else run.text(message)), None
    return "", value


def _answer(run: Run, heard: Heard) -> Any:
    entity = _entity(run.step)
    if entity in heard.get("entities", {}):
        run.heard = without(heard, entity)
        return heard["entities"][entity]
    return heard.get("value", heard.get("text", ""))


# --- reading and checking ---------------------------------------------------------------------


def read(answer: Any, validation: Validation) -> Any:
    """An answer as the type that a slot has, within its limits.

    Raises:
        Invalid: it is not taken.

    >>> read(" 1,250 ", Validation(type="integer", max=5000))
    1250
    """
    text = as_text(answer).strip()
    if not text:
        raise Invalid("Please answer.")
    if len(text) > LONGEST:
        raise Invalid("That is too long.")
    if validation.choices is not None:
        return _chosen(text, validation.choices)
    match validation.type:
        case "integer" | "number":
            return _number(text, validation)
        case "boolean":
            return _truth(text)
        case "date":
            return _date(text)
        case _:
            return _text(text, validation)


def _chosen(text: str, choices: list[str | int | float]) -> str | int | float:
    for choice in choices:
        if as_text(choice).casefold() == text.casefold():
            return choice
    raise Invalid(f"Please choose one of: {', '.join(map(as_text, choices))}.")


def _number(text: str, validation: Validation) -> int | float:
    plain = re.sub(r"(?<=\d),(?=\d{3}(\D|$))", "", text)
    try:
        if len(plain) > 100:
            raise ValueError
        number = int(plain) if validation.type == "integer" else float(plain)
    except ValueError:
        kind = "a whole number" if validation.type == "integer" else "a number"
        raise Invalid(f"Please give {kind}.") from None
    if not math.isfinite(number):
        raise Invalid("Please give a number.")
    if validation.min is not None and number < validation.min:
        raise Invalid(f"Please give {as_text(validation.min)} or more.")
    if validation.max is not None and number > validation.max:
        raise Invalid(f"Please give {as_text(validation.max)} or less.")
    return number


def _truth(text: str) -> bool:
    word = text.casefold()
    if word in YES or word in NO:
        return word in YES
    raise Invalid("Please answer yes or no.")


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Invalid("Please give a date such as 2024-12-31.") from None


def _text(text: str, validation: Validation) -> str:
    least, most = validation.min_length or 0, validation.max_length
    if len(text) < least:
        raise Invalid(f"Please give {least} characters or more.")
    if most is not None and len(text) > most:
        raise Invalid(f"Please give {most} characters or fewer.")
    if validation.pattern is not None and not matching(validation.pattern)(text):
        raise Invalid("That is not in the form that is needed.")
    return text


def check(validator: Callable[[Any], Any], value: Any) -> Any:
    """What a named validator says against a value; "" where it takes it. For `call()`."""
    if may_await():
        return _check_async(validator, value)
    try:
        verdict = validator(value)
    except ValueError as error:
        return _reason(error)
    # What is awaitable is refused by the engine, in a run that cannot await.
    return verdict if inspect.isawaitable(verdict) else _reason_of(verdict)


async def _check_async(validator: Callable[[Any], Any], value: Any) -> str:
    try:
        verdict = validator(value)
        return _reason_of(await verdict if inspect.isawaitable(verdict) else verdict)
    except ValueError as error:
        return _reason(error)


def _reason_of(verdict: Any) -> str:
    return "That is not valid." if verdict is False else ""


def _reason(error: ValueError) -> str:
    return str(error) or "That is not valid."
