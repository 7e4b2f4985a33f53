"""What every prompt does: say the question, wait, and insist until the response is valid."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from dialogs.dialog import Definition, Dialog
from dialogs.errors import DialogsError, UsageError
from dialogs.messages import Message
from dialogs.prompts.reading import Reader, Unfit
from dialogs.registry import serializable
from dialogs.steps import Step, get_client_response, send_message

Timeout = float | timedelta | None
Retry = str | Message | Callable[[Any, Exception], str | Message] | None


@serializable(name="NoValidAnswer")
class NoValidAnswer(DialogsError):
    """Thrown into a dialog when a prompt got no valid answer in as many attempts as it allows.

    Attributes:
        question: what was asked.
        attempts: how many answers were refused.
    """

    def __init__(self, question: str, attempts: int) -> None:
        times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        super().__init__(
            f"{question!r} got no valid answer in {times}.",
            "A prompt does not ask for ever.",
            "Catch NoValidAnswer around the prompt, or allow any number of attempts with "
            "attempts=None.",
        )
        self.question = question
        self.attempts = attempts


def prompt(
    definition: Definition,
    message: str | Message,
    read: Reader,
    *,
    default: str,
    retry_message: Retry = None,
    attempts: int | None,
    timeout: Timeout,
    name: str | None,
) -> Dialog[Any]:
    """A prompt, as a dialog.

    Args:
        definition: `insist`, under the name of the prompt.
        message: the question.
        read: reads a response.
        default: what is said after a refused response, before the question is said again.
        retry_message: what is said then instead of both: see `ask`.
        attempts: how many responses may be refused; None for any number.
        timeout: how long to wait for each.
        name: how the log knows it; its question where it is None.
    """

    def retry(response: Any, unfit: Unfit) -> str | Message:
        if callable(retry_message):
            words = retry_message(response, unfit.error)
        elif retry_message is not None:
            words = retry_message
        else:
            words = f"{sentence(unfit.words or default)} {message}"
        return _with_buttons(words, message)

    check_attempts(attempts)
    # The question is the only text among the arguments, and so what the prompt is known by.
    arguments = (message, read, retry, attempts, get_client_response(timeout))
    dialog: Dialog[Any] = Dialog(definition, arguments)
    return dialog if name is None else dialog.named(name)


def insist(
    message: str | Message,
    read: Reader,
    retry: Callable[[Any, Unfit], str | Message],
    attempts: int | None,
    wait: Step[Any],
) -> Generator[Step[Any], Any, Any]:
    """The dialog of every prompt."""
    # Named messages: the prompt is known by its question, so the words in it are free to change.
    yield send_message(message, name="question")
    for attempt in count(1):
        response = yield wait
        try:
            return read(response)
        except Unfit as unfit:
            if attempt == attempts:
                raise NoValidAnswer(str(message), attempt) from None
            words = retry(response, unfit)
        yield send_message(words, name="retry")


def sentence(words: str) -> str:
    """Words with a full stop, where they have no end."""
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def _with_buttons(words: str | Message, question: str | Message) -> str | Message:
    """What is said again, with the buttons of the question, unless it has its own."""
    if not isinstance(question, Message) or not question.buttons:
        return words
    again = words if isinstance(words, Message) else Message(words)
    return again if again.buttons else replace(again, buttons=question.buttons)


def check_attempts(attempts: int | None) -> None:
    """Refuse a number of attempts below 1."""
    if attempts is not None and attempts < 1:
        raise UsageError(
            f"A prompt with attempts={attempts!r} could take no answer.",
            "It waits for an answer at least once.",
            "Give 1 or more, or None for any number.",
        )
