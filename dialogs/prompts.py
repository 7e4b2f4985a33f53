"""Questions that insist on an answer: `ask`, `choose`, `confirm` and `form`.

A prompt is a dialog made of steps. While it waits it has its own frame, and when it is done one
record is left of it, however often it had to ask. A prompt is known by its question, or by its
`name`: two prompts that change places in the code under an open conversation are noticed. Its
other words may change at any time.

What a prompt says comes from the author, and what it gets from the client: nothing here performs
anything.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, overload
from zlib import crc32

from dialogs.dialog import DEFAULT_VERSION, Definition, Dialog, Style
from dialogs.errors import DialogsError, UsageError
from dialogs.forms import Blank, Form
from dialogs.messages import Button, Message
from dialogs.reading import (
    NO,
    YES,
    Option,
    Reader,
    Unfit,
    one_of,
    options_of,
    parsed,
    words_for,
    yes_or_no,
)
from dialogs.registry import serializable
from dialogs.steps import Step, get_client_response, send_message

if TYPE_CHECKING:
    from pydantic import BaseModel

    Model = TypeVar("Model", bound=BaseModel)

T = TypeVar("T")

Timeout = float | timedelta | None
Retry = str | Message | Callable[[Any, Exception], str | Message] | None

__all__ = ["NoValidAnswer", "ask", "choose", "confirm", "form"]


@serializable(name="NoValidAnswer")
class NoValidAnswer(DialogsError):
    """Thrown into a dialog when a prompt got no valid answer in as many attempts as it allows.

    Attributes:
        question: what was asked.
        attempts: how many answers were refused.
    """

    def __init__(self, question: str, attempts: int) -> None:
        super().__init__(
            f"{question!r} got no valid answer in {attempts} attempts.",
            remedy="Catch NoValidAnswer around the prompt, or allow any number of attempts with "
            "attempts=None.",
        )
        self.question = question
        self.attempts = attempts


# --- the public prompts -----------------------------------------------------------------------


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
    attempts: int | None = 3,
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
            ValueError, whose text is said unless there is a `retry_message`.
        retry_message: what is said after a refused response: text, a `Message`, or a function
            that makes one of the response and the exception that refused it.
        attempts: how many responses may be refused before `NoValidAnswer` is thrown; None
            for any number.
        timeout: as in `get_client_response`, for each response.
        name: how the log knows the prompt, in place of its question. Give it where the words may
            change while conversations are open.

    Raises:
        UsageError: `parse` or `validate` is async, `parse` is `bool`, or `attempts` is below 1.

    >>> ask("How old are you?", parse=int)
    the dialog 'ask How old are you?'
    """
    read = parsed(parse, validate)
    retry = _retry(retry_message, words_for(parse))
    return _prompt(_ASK, question, read, retry, attempts, timeout, name)


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
    options: Iterable[str],
    *,
    retry_message: Retry = ...,
    attempts: int | None = ...,
    timeout: Timeout = ...,
    name: str | None = ...,
) -> Dialog[str]: ...
@overload
def choose(
    question: str | Message,
    options: Iterable[str | Button],
    *,
    retry_message: Retry = ...,
    attempts: int | None = ...,
    timeout: Timeout = ...,
    name: str | None = ...,
) -> Dialog[Any]: ...


def choose(
    question: str | Message,
    options: Mapping[str, Any] | Iterable[str | Button],
    *,
    retry_message: Retry = None,
    attempts: int | None = 3,
    timeout: Timeout = None,
    name: str | None = None,
) -> Dialog[Any]:
    """Offer options until one of them is chosen. Answer: the option, or its value.

    The question is said as a `Message` with a button for each option. A response is the value of
    a pressed button, the text of an option in upper or lower case, or its number from 1.

    Args:
        question: what is said.
        options: texts, `Button`s, or a mapping from texts to values. Values that the log can keep.
        retry_message: as in `ask`; the buttons are shown again.
        attempts: as in `ask`.
        timeout: as in `ask`.
        name: as in `ask`.

    Raises:
        UsageError: there are no options, or two of them have the same text.

    >>> choose("Tea or coffee?", ["Tea", "Coffee"])
    the dialog 'choose Tea or coffee?'
    """
    offered = options_of(options)
    labels = ", ".join(option.button.label for option in offered)
    retry = _retry(retry_message, f"Please choose one of these: {labels}.")
    return _offer(_CHOOSE, question, offered, retry, attempts, timeout, name)


def confirm(
    question: str | Message,
    *,
    yes: str | Iterable[str] = YES,
    no: str | Iterable[str] = NO,
    retry_message: Retry = None,
    attempts: int | None = 3,
    timeout: Timeout = None,
    name: str | None = None,
) -> Dialog[bool]:
    """Ask a question that is answered by yes or no. Answer: True or False.

    Args:
        question: what is said.
        yes: the words that say yes, in upper or lower case; the first is on the button.
        no: the words that say no.
        retry_message: as in `ask`; the buttons are shown again.
        attempts: as in `ask`.
        timeout: as in `ask`.
        name: as in `ask`.

    >>> confirm("Shall I go on?")
    the dialog 'confirm Shall I go on?'
    """
    offered = [yes_or_no(yes, True), yes_or_no(no, False)]
    default = f"Please answer {offered[0].button.label} or {offered[1].button.label}."
    retry = _retry(retry_message, default)
    return _offer(_CONFIRM, question, offered, retry, attempts, timeout, name)


def form(
    model: type[Model],
    *,
    known: Mapping[str, Any] | None = None,
    skip: str = "Skip",
    attempts: int | None = 3,
    timeout: Timeout = None,
    name: str | None = None,
) -> Dialog[Model]:
    """Ask for the fields of a pydantic model, one after another. Answer: the model's object.

    A field's question is made of its title, description, type, constraints and default. Its
    answer is validated by pydantic, and asked for again with the validation message. A field is
    known by its name, so that its words may change while conversations are open. Where all fields
    are valid and the model as a whole is not, the form is asked again.

    Args:
        model: the model, registered with `@serializable`.
        known: values of fields that are not asked for.
        skip: the text of the button that leaves a field at its default; a response of no text
            does so too.
        attempts: as in `ask`, for each field and for the form as a whole.
        timeout: as in `ask`.
        name: how the log knows the form, in place of the model's name.

    Raises:
        UsageError: pydantic is not installed, the model or a type in it is not registered, or a
            field's type cannot be asked for.
    """
    _check_attempts(attempts)
    get_client_response(timeout)
    asked = Form(model, known or {}, skip)
    return Dialog(_FORM, (asked, attempts, timeout), label=name or asked.title)


# --- what they do -----------------------------------------------------------------------------

Words = Callable[[Any, Unfit], str | Message]
"""Makes what is said after a refused response."""


def _insist(
    message: str | Message, read: Reader, retry: Words, attempts: int | None, wait: Step[Any]
) -> Generator[Step[Any], Any, Any]:
    """Every prompt."""
    # Named messages: the prompt is known by its question, so the words in it are free to change.
    yield send_message(message, name="question")
    for attempt in count(1):
        response = yield wait
        try:
            return read(response)
        except Unfit as unfit:
            if attempt == attempts:
                raise NoValidAnswer(str(message), attempt) from None
            words = _with_buttons(retry(response, unfit), message)
        yield send_message(words, name="retry")


def _fill(
    form: Form[Any], attempts: int | None, timeout: Timeout
) -> Generator[Step[Any], Any, Any]:
    """A form."""
    for attempt in count(1):
        answers = form.empty()
        for blank in form.blanks:
            response = yield _ask_for(blank, form, answers, attempts, timeout)
            form.put(answers, blank, response)
        try:
            return form.result(answers)
        except Unfit as unfit:
            if attempt == attempts:
                raise NoValidAnswer(form.title, attempt) from None
            words = unfit.words
        yield send_message(words, name="again")


def _ask_for(
    blank: Blank, form: Form[Any], answers: dict[str, Any], attempts: int | None, timeout: Timeout
) -> Dialog[Any]:
    read = form.reader(blank, answers)
    message = Message(blank.question, blank.buttons) if blank.buttons else blank.question
    return _prompt(_ASK, message, read, _retry(None, blank.question), attempts, timeout, blank.name)


_ASK = Definition(_insist, "ask", DEFAULT_VERSION, Style.GENERATOR)
_CHOOSE = Definition(_insist, "choose", DEFAULT_VERSION, Style.GENERATOR)
_CONFIRM = Definition(_insist, "confirm", DEFAULT_VERSION, Style.GENERATOR)
_FORM = Definition(_fill, "form", DEFAULT_VERSION, Style.GENERATOR)


# --- their parts ------------------------------------------------------------------------------


def _prompt(
    definition: Definition,
    message: str | Message,
    read: Reader,
    retry: Words,
    attempts: int | None,
    timeout: Timeout,
    name: str | None,
) -> Dialog[Any]:
    _check_attempts(attempts)
    wait = get_client_response(timeout)
    label = _label(str(message)) if name is None else name
    return Dialog(definition, (message, read, retry, attempts, wait), label=label)


def _offer(
    definition: Definition,
    question: str | Message,
    options: list[Option],
    retry: Words,
    attempts: int | None,
    timeout: Timeout,
    name: str | None,
) -> Dialog[Any]:
    message = question if isinstance(question, Message) else Message(question)
    message = replace(message, buttons=tuple(option.button for option in options))
    return _prompt(definition, message, one_of(options), retry, attempts, timeout, name)


def _retry(retry_message: Retry, default: str) -> Words:
    def words(response: Any, unfit: Unfit) -> str | Message:
        if callable(retry_message):
            return retry_message(response, unfit.error)
        return retry_message or unfit.words or default

    return words


def _with_buttons(words: str | Message, question: str | Message) -> str | Message:
    """What is said again, with the buttons of the question, unless it has its own."""
    if not isinstance(question, Message) or not question.buttons:
        return words
    again = words if isinstance(words, Message) else Message(words)
    return again if again.buttons else replace(again, buttons=question.buttons)


def _check_attempts(attempts: int | None) -> None:
    if attempts is not None and attempts < 1:
        raise UsageError(
            f"A prompt with attempts={attempts!r} could take no answer.",
            "It waits for an answer at least once.",
            "Give 1 or more, or None for any number.",
        )


_LONG = 80


def _label(question: str) -> str:
    """A question as the log keeps it: long ones in short, told apart by a checksum."""
    if len(question) <= _LONG:
        return question
    return f"{question[:_LONG]}… #{crc32(question.encode(errors='surrogatepass')):08x}"
