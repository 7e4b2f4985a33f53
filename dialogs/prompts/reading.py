"""What a client's response means to a prompt: a number, one of several options, or nothing valid.

A response is what the client sent: text most often, and the value of a button where the channel
has buttons. Readers make a value of it, or raise `Unfit`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dialogs.errors import UsageError
from dialogs.messages import Button

Reader = Callable[[Any], Any]
"""Makes a value of a response, or raises `Unfit`."""


REFUSED = "Sorry, that is not a valid answer."
"""What is said of a refused response where nothing better is known."""


class Unfit(Exception):
    """A response is refused.

    Args:
        error: what refused it.
        words: what its author says about it; "" leaves that to the prompt.
    """

    def __init__(self, error: Exception, words: str = "") -> None:
        super().__init__(error, words)
        self.error = error
        self.words = words


# --- parsed responses -------------------------------------------------------------------------

_REFUSALS = (ValueError, ArithmeticError, LookupError)
# What is written for text fails so on other responses, and a client may send anything.
_REFUSALS_OF_DATA = (*_REFUSALS, TypeError, AttributeError)


def parsed(parse: Callable[[Any], Any], validate: Callable[[Any], object] | None) -> Reader:
    """A reader of two functions: see `ask`.

    Raises:
        UsageError: one of them is no function, or would have to be awaited.
    """
    if parse is bool:
        raise UsageError(
            "ask(parse=bool) would take every answer but an empty one for True.",
            "In Python bool('no') is True.",
            "Use confirm(question).",
        )
    _check("parse", parse)
    _check("validate", validate)
    # Found by identity: a function of the author's need not be hashable.
    parse = next((own for kind, own, _ in _KINDS if kind is parse), parse)

    def read(response: Any) -> Any:
        refusals = _REFUSALS if isinstance(response, str) else _REFUSALS_OF_DATA
        try:
            value = _now("parse", parse(response))
        except refusals as error:
            raise Unfit(error) from error
        try:
            if validate is None or _now("validate", validate(value)):
                return value
        except ValueError as error:
            raise Unfit(error, str(error)) from error
        raise Unfit(ValueError(f"{response!r} is not valid"), REFUSED)

    return read


def words_for(parse: Callable[[Any], Any]) -> str:
    """What to say when a response is refused, where the author says nothing."""
    return next((words for kind, _, words in _KINDS if kind is parse), REFUSED)


def words_for_options(options: list[Option]) -> str:
    """What to say when a response is none of the options."""
    labels = [option.button.label for option in options]
    if len(labels) == 2:
        return f"Please answer {labels[0]} or {labels[1]}."
    return f"Please choose one of these: {', '.join(labels)}."


def _check(argument: str, fn: Any) -> None:
    if fn is None:
        return
    if not callable(fn):
        raise UsageError(
            f"ask({argument}={fn!r}) cannot be called.",
            "It has to be a function of one argument.",
            "Give a function, such as int or a lambda.",
        )
    if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
        raise _must_await(argument, fn)


def _now(argument: str, value: Any) -> Any:
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise _must_await(argument, value)
    return value


def _must_await(argument: str, what: Any) -> UsageError:
    name = getattr(what, "__qualname__", repr(what))
    return UsageError(
        f"ask({argument}={name}) would have to be awaited.",
        "A prompt reads the response between two steps, where nothing is awaited.",
        f"Ask without it, then perform it as a step: `yield call({name}, answer)`.",
    )


def _text(response: Any) -> str:
    if response is None:
        raise ValueError("there is no text")
    return str(response)


def _whole_number(response: Any) -> int:
    if isinstance(response, bool) or (isinstance(response, float) and not response.is_integer()):
        raise ValueError(f"{response!r} is not a whole number")
    return int(response)


def _number(response: Any) -> float:
    number = float(_no_bool(response))
    if not math.isfinite(number):
        raise ValueError(f"{response!r} is not a number")
    return number


def _decimal(response: Any) -> Decimal:
    number = Decimal(str(_no_bool(response)).strip())
    if not number.is_finite():
        raise ValueError(f"{response!r} is not a number")
    return number


def _no_bool(response: Any) -> Any:
    if isinstance(response, bool):
        raise ValueError(f"{response!r} is not a number")  # noqa: TRY004 - it refuses a response
    return response


_KINDS: list[tuple[Any, Callable[[Any], Any], str]] = [
    (str, _text, REFUSED),
    (int, _whole_number, "Please answer with a whole number."),
    (float, _number, "Please answer with a number."),
    (Decimal, _decimal, "Please answer with a number."),
]


# --- options ----------------------------------------------------------------------------------


YES = ("Yes", "y", "yeah", "yep", "sure", "ok", "okay", "true")
NO = ("No", "n", "nope", "nah", "false")


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers that a prompt offers.

    Args:
        button: shows it.
        answer: what the dialog gets.
        words: the texts that choose it, as `plain` makes them.
    """

    button: Button
    answer: Any
    words: frozenset[str]


def options_of(offered: Mapping[str, Any] | Iterable[str | Button]) -> list[Option]:
    """The options of `choose`.

    Raises:
        UsageError: there are none, two have the same text, or one is no option.
    """
    pairs = offered.items() if isinstance(offered, Mapping) else ((item, item) for item in offered)
    options = [_option(item, value) for item, value in pairs]
    if isinstance(offered, str) or not options:
        raise UsageError(
            f"choose() was given {offered!r} to choose from.",
            "It needs one option or more.",
            'Give a list of texts or Buttons, or a mapping: {"Tea": 1, "Coffee": 2}.',
        )
    return _distinct(options)


def _option(item: Any, value: Any) -> Option:
    if isinstance(item, Button):
        return Option(item, item.answer, frozenset({plain(item.label)}))
    if isinstance(item, str):
        return Option(Button(item, value), value, frozenset({plain(item)}))
    raise UsageError(
        f"choose() was given the option {item!r}.",
        f"{type(item).__name__} has no text to show.",
        "Give texts or Buttons, or a mapping from texts to values.",
    )


def yes_or_no(words: str | Iterable[str], answer: bool) -> Option:
    """One of the two options of `confirm`."""
    words = [words] if isinstance(words, str) else list(words)
    if not words:
        raise UsageError(
            f"confirm() has no word for {answer}.",
            "The first word is on the button.",
            'Give one word or more, such as yes=("Ja", "j").',
        )
    return Option(Button(words[0], answer), answer, frozenset(map(plain, words)))


def _distinct(options: list[Option]) -> list[Option]:
    seen: set[str] = set()
    for option in options:
        if option.words & seen:
            raise UsageError(
                f"Two options have the text {option.button.label!r}.",
                "Upper and lower case count as the same.",
                "Give each option a text of its own.",
            )
        seen |= option.words
    return options


def one_of(options: list[Option]) -> Reader:
    """A reader that takes the value of a pressed button, an option's text, or its number."""
    _distinct(options)

    def read(response: Any) -> Any:
        for option in options:
            # By type too: 1 is no True.
            if type(response) is type(option.button.answer) and response == option.button.answer:
                return option.answer
        if isinstance(response, str):
            text = plain(response)
            for option in options:
                if text in option.words:
                    return option.answer
        number = _position(response)
        if 1 <= number <= len(options):
            return options[number - 1].answer
        raise Unfit(ValueError(f"{response!r} is not one of the options"))

    return read


def plain(text: str) -> str:
    """A text as it is compared: in lower case, with single spaces."""
    return " ".join(text.split()).casefold()


def _position(response: Any) -> int:
    """The number that a response is, as "2" or "2." or 2; 0 where it is none."""
    if isinstance(response, str):
        digits = response.strip().rstrip(".)")
        return int(digits) if digits.isdecimal() and len(digits) < 10 else 0
    return response if type(response) is int else 0
