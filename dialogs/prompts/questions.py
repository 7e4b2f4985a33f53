"""The questions: `ask`, `choose` and `confirm`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, overload

from dialogs.dialog import DEFAULT_VERSION, Definition, Dialog, Style
from dialogs.messages import Button, Message
from dialogs.prompts.insisting import Plan, Retry, Terms, Timeout, insist, prompt
from dialogs.prompts.reading import (
    NO,
    YES,
    Option,
    one_of,
    options_of,
    parsed,
    words_for,
    words_for_options,
    yes_or_no,
)

T = TypeVar("T")

_ASK = Definition(insist, "ask", DEFAULT_VERSION, Style.GENERATOR)
_CHOOSE = Definition(insist, "choose", DEFAULT_VERSION, Style.GENERATOR)
_CONFIRM = Definition(insist, "confirm", DEFAULT_VERSION, Style.GENERATOR)


@overload
def ask(
    question: str | Message,
    *,
    validate: Callable[[str], object] | None = ...,
    retry_message: Retry = ...,
    attempts: int | None = ...,
    timeout: Timeout = ...,
    name: str | None = ...,
) -> Dialog[str]: ...
@overload
def ask(
    question: str | Message,
    parse: Callable[[str], T],
    validate: Callable[[T], object] | None = ...,
    *,
    retry_message: Retry = ...,
    attempts: int | None = ...,
    timeout: Timeout = ...,
    name: str | None = ...,
) -> Dialog[T]: ...


def ask(
    question: str | Message,
    parse: Callable[[Any], Any] = str,
    validate: Callable[[Any], object] | None = None,
    *,
    retry_message: Retry = None,
    attempts: int | None = None,
    timeout: Timeout = None,
    name: str | None = None,
) -> Dialog[Any]:
    """Ask a question until the answer is valid. Answer: what `parse` made of it.

    Args:
        question: what is said; a `Message` may have buttons.
        parse: makes a value of the client's response: `str`, `int`, `float`, `Decimal`, an enum,
            or any function. Raising ValueError, ArithmeticError or LookupError refuses the
            response; where the response is no text, so does TypeError or AttributeError.
        validate: gets the value, and refuses it by returning something false, or by raising
            ValueError, whose text is the hint then.
        retry_message: what is said after a refused response, in place of a hint and the question:
            text, a `Message`, or a function that makes one of the response and the exception
            that refused it. The question's buttons are shown again.
        attempts: how many responses may be refused before `NoValidAnswer` is thrown, which you
            catch; None to ask until a valid one comes.
        timeout: as in `get_client_response`, for each response.
        name: how the log knows the prompt, in place of its question. Give it where the words may
            change while conversations are open; it may be added later.

    Raises:
        UsageError: `parse` or `validate` is async, `parse` is `bool`, or `attempts` is below 1.

    >>> from dialogs import InMemoryPersistence, run_gen_dialog
    >>> kept = InMemoryPersistence()
    >>> run_gen_dialog(ask("How old are you?", int), kept, "").messages
    ['How old are you?']
    >>> run_gen_dialog(ask("How old are you?", int), kept, "thirty").messages
    ['Please answer with a whole number. How old are you?']
    >>> run_gen_dialog(ask("How old are you?", int), kept, "30").return_value
    30
    """
    terms = Terms(retry_message, attempts, timeout)
    return prompt(_ASK, question, partial(_asking, question, parse, validate), terms, name)


def _asking(
    question: str | Message,
    parse: Callable[[Any], Any],
    validate: Callable[[Any], object] | None,
) -> Plan:
    return Plan(question, parsed(parse, validate), words_for(parse))


@overload
def choose(
    question: str | Message,
    options: Mapping[str, T],
    *,
    retry_message: Retry = ...,
    attempts: int | None = ...,
    timeout: Timeout = ...,
    name: str | None = ...,
) -> Dialog[T]: ...
@overload
def choose(
    question: str | Message,
    options: Sequence[str],
    *,
    retry_message: Retry = ...,
    attempts: int | None = ...,
    timeout: Timeout = ...,
    name: str | None = ...,
) -> Dialog[str]: ...
@overload
def choose(
    question: str | Message,
    options: Sequence[str | Button],
    *,
    retry_message: Retry = ...,
    attempts: int | None = ...,
    timeout: Timeout = ...,
    name: str | None = ...,
) -> Dialog[Any]: ...


def choose(
    question: str | Message,
    options: Mapping[str, Any] | Sequence[str | Button],
    *,
    retry_message: Retry = None,
    attempts: int | None = None,
    timeout: Timeout = None,
    name: str | None = None,
) -> Dialog[Any]:
    """Offer options until one of them is chosen. Answer: the option, or its value.

    The question is said as a `Message` with a button for each option. A response is the value of
    a pressed button, the text of an option in upper or lower case, or its number from 1.

    Args:
        question: what is said.
        options: texts, `Button`s, or a mapping from texts to values. Values that the log can keep.
        retry_message: as in `ask`.
        attempts: as in `ask`.
        timeout: as in `ask`.
        name: as in `ask`.

    Raises:
        UsageError: there are no options, or two of them have the same text.

    >>> from dialogs import InMemoryPersistence, run_gen_dialog
    >>> kept = InMemoryPersistence()
    >>> prices = {"Tea": 2, "Coffee": 3}
    >>> run_gen_dialog(choose("What would you like?", prices), kept, "").messages[0].buttons
    (Button(label='Tea', value=2), Button(label='Coffee', value=3))
    >>> run_gen_dialog(choose("What would you like?", prices), kept, "coffee").return_value
    3
    """
    terms = Terms(retry_message, attempts, timeout)
    plan = partial(_offering, question, partial(options_of, options))
    return prompt(_CHOOSE, question, plan, terms, name)


def confirm(
    question: str | Message,
    *,
    yes: str | Iterable[str] = YES,
    no: str | Iterable[str] = NO,
    retry_message: Retry = None,
    attempts: int | None = None,
    timeout: Timeout = None,
    name: str | None = None,
) -> Dialog[bool]:
    """Ask a question that is answered by yes or no. Answer: True or False.

    Args:
        question: what is said.
        yes: the words that say yes, in upper or lower case; the first is on the button.
        no: the words that say no.
        retry_message: as in `ask`.
        attempts: as in `ask`.
        timeout: as in `ask`.
        name: as in `ask`.

    >>> from dialogs import InMemoryPersistence, run_gen_dialog
    >>> kept = InMemoryPersistence()
    >>> run_gen_dialog(confirm("Shall I go on?"), kept, "").is_done
    False
    >>> run_gen_dialog(confirm("Shall I go on?"), kept, "sure").return_value
    True
    """
    terms = Terms(retry_message, attempts, timeout)
    plan = partial(_offering, question, lambda: [yes_or_no(yes, True), yes_or_no(no, False)])
    return prompt(_CONFIRM, question, plan, terms, name)


def _offering(question: str | Message, make_options: Callable[[], list[Option]]) -> Plan:
    options = make_options()
    message = question if isinstance(question, Message) else Message(question)
    message = replace(message, buttons=tuple(option.button for option in options))
    return Plan(message, one_of(options), words_for_options(options))
