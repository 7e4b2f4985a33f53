"""What every prompt does: say the question, wait, and insist until the response is valid.

A prompt that is open has refused every response that its log has, the newest excepted. So a replay
need not agree with the code that reads responses now, and that code may change at any time. What
tells a replay from the first run is `patched`: it says False where the log goes on. Its True is
recorded in the turn that ends the prompt, and what the frame had then is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

from dialogs.dialog import Definition, Dialog
from dialogs.errors import DialogsError, UsageError
from dialogs.messages import Message
from dialogs.prompts.reading import Reader, Unfit
from dialogs.registry import serializable
from dialogs.steps import Step, patched, send_message
from dialogs.waits import get_client_response

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
            "That is as many as the prompt was given.",
            "Catch NoValidAnswer around the prompt, or leave `attempts` out to ask until a valid "
            "answer comes.",
        )
        self.question = question
        self.attempts = attempts


@dataclass(frozen=True, slots=True)
class Plan:
    """How a prompt goes.

    Args:
        message: the question as it is said, with its buttons.
        read: reads a response.
        hint: what is said after a refused response, before the question is said again.
    """

    message: str | Message
    read: Reader
    hint: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What every prompt lets its author say.

    Args:
        retry_message: what is said after a refused response: see `ask`.
        attempts: how many responses may be refused; None for any number.
        timeout: how long to wait for each.
    """

    retry_message: Retry
    attempts: int | None
    timeout: Timeout


def prompt(
    definition: Definition,
    question: str | Message,
    plan: Callable[[], Plan],
    terms: Terms,
    name: str | None,
) -> Dialog[Any]:
    """A prompt, as a dialog.

    Args:
        definition: `insist`, under the name of the prompt.
        question: what it is known by.
        plan: makes its plan, once it runs: most prompts of a conversation are only replayed.
        terms: its terms.
        name: what it is known by in place of its question, or None.
    """
    # The question is the only text among the arguments, and so what the prompt is known by.
    dialog: Dialog[Any] = Dialog(definition, (question, plan, terms))
    return dialog if name is None else dialog.named(name)


def insist(
    question: str | Message, make_plan: Callable[[], Plan], terms: Terms
) -> Generator[Step[Any], Any, Any]:
    """The dialog of every prompt."""
    check_attempts(terms.attempts)
    plan = make_plan()
    wait = get_client_response(terms.timeout)
    # Named messages: the prompt is known by its question, so the words in it are free to change.
    yield send_message(plan.message, name="question")
    for attempt in count(1):
        response = yield wait
        answer, unfit = _read(plan, response)
        if (yield from ends(unfit, attempt, terms, str(question))):
            return answer
        # Nobody hears what follows a response that was refused once and would be taken now.
        words = "" if unfit is None else _retry(plan, terms.retry_message, response, unfit)
        yield send_message(words, name="retry")


def ends(
    unfit: Unfit | None, attempt: int, terms: Terms, question: str
) -> Generator[Step[Any], Any, bool]:
    """Whether a prompt ends with this attempt.

    Raises:
        NoValidAnswer: it ends, and without an answer.
    """
    if unfit is not None and attempt < (terms.attempts or math.inf):
        return False
    if not (yield _ENDS):
        return False
    if unfit is not None:
        raise NoValidAnswer(question, attempt)
    return True


_ENDS = patched("the prompt ends")


def _read(plan: Plan, response: Any) -> tuple[Any, Unfit | None]:
    """A response's value, or what refuses it."""
    try:
        return plan.read(response), None
    except Unfit as unfit:
        return None, unfit


def _retry(plan: Plan, retry_message: Retry, response: Any, unfit: Unfit) -> str | Message:
    """What is said after a refused response, with the buttons of the question."""
    if callable(retry_message):
        retry_message = retry_message(response, unfit.error)
    words = retry_message or f"{sentence(unfit.words or plan.hint)} {plan.message}"
    if not isinstance(plan.message, Message) or not plan.message.buttons:
        return words
    again = words if isinstance(words, Message) else Message(words)
    return again if again.buttons else replace(again, buttons=plan.message.buttons)


def sentence(words: str) -> str:
    """Words with a full stop, where they have no end."""
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def check_attempts(attempts: int | None) -> None:
    """Refuse a number of attempts below 1."""
    if attempts is not None and attempts < 1:
        raise UsageError(
            f"A prompt with attempts={attempts!r} could take no answer.",
            "It waits for an answer at least once.",
            "Give 1 or more, or None for any number.",
        )
