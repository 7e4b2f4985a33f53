"""`form`: asks for the fields of a pydantic model, and answers with its object.

An answer is validated together with those before it, by the model itself, so that all its
validators have their say. What they say about other fields, or about the model as a whole, is left
for later.

pydantic is imported when the first form is made, and nowhere else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dialogs import registry
from dialogs.dialog import DEFAULT_VERSION, Definition, Dialog, Style
from dialogs.errors import UsageError, missing_extra
from dialogs.messages import Message
from dialogs.prompts.fields import ABSENT, Blank, blank as blank_of, is_tag, title
from dialogs.prompts.insisting import (
    Plan,
    Terms,
    Timeout,
    check_attempts,
    ends,
    insist,
    prompt,
    sentence,
)
from dialogs.prompts.models import input_key, is_model, recorded_classes, unwrapped
from dialogs.prompts.reading import Unfit
from dialogs.steps import Step, send_message

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")


def form(
    model: type[M],
    *,
    known: Mapping[str, Any] | None = None,
    skip: str = "Skip",
    attempts: int | None = None,
    timeout: Timeout = None,
    name: str | None = None,
) -> Dialog[M]:
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
    _check_model(model)
    terms = Terms(None, attempts, timeout)
    make = partial(Form, model, known or {}, skip)
    dialog = Dialog[M](_FORM, (make, terms), label=model.__name__)
    return dialog if name is None else dialog.named(name)


def _fill(make_form: Callable[[], Form[Any]], terms: Terms) -> Generator[Step[Any], Any, Any]:
    """The dialog of every form."""
    check_attempts(terms.attempts)
    form = make_form()
    for attempt in count(1):
        answers = form.empty()
        for blank in form.blanks:
            plan = partial(form.plan, blank, answers)
            answer = yield prompt(_ASK, blank.question, plan, terms, blank.name)
            form.put(answers, blank, answer)
        result, unfit = form.result(answers)
        if (yield from ends(unfit, attempt, terms, form.title)):
            return result
        yield send_message("" if unfit is None else unfit.words, name="again")


_ASK = Definition(insist, "ask", DEFAULT_VERSION, Style.GENERATOR)
_FORM = Definition(_fill, "form", DEFAULT_VERSION, Style.GENERATOR)


class Form(Generic[M]):
    """A model, ready to be asked for.

    Args:
        model: the pydantic model.
        known: values of fields that are not asked for.
        skip: the text that leaves a field at its default.

    Attributes:
        title: the model's name.
        blanks: the questions, in the order of the fields.

    Raises:
        UsageError: it cannot be asked for, or its object could not be recorded.
    """

    def __init__(self, model: type[M], known: Mapping[str, Any], skip: str) -> None:
        self._pydantic = _pydantic()
        self.title = model.__name__
        self._model: Any = model
        self._known = dict(known)
        self._check_registered()
        self._check_known()
        self.blanks = list(self._blanks(model, skip))

    # --- answers ------------------------------------------------------------------------------

    def empty(self) -> dict[str, Any]:
        """The model's input before anything was answered."""
        fields = self._model.model_fields
        return {
            input_key(name, fields[name]): copy.deepcopy(value)
            for name, value in self._known.items()
        }

    def plan(self, blank: Blank, answers: dict[str, Any]) -> Plan:
        """How to ask a question, after these answers."""

        def read(response: Any) -> Any:
            answer = blank.read(response)
            attempt = copy.deepcopy(answers)
            self.put(attempt, blank, answer)
            errors = self._errors(attempt)
            depth = len(blank.path)
            if mine := [error for error in errors if error["loc"][:depth] == blank.path]:
                # pydantic's own words about the kind are for programmers.
                words = "" if blank.has_hint and all(map(_is_of_kind, mine)) else _words(mine)
                raise Unfit(ValueError(_words(mine)), words)
            return answer

        message = Message(blank.question, blank.buttons) if blank.buttons else blank.question
        return Plan(message, read, blank.hint)

    @staticmethod
    def put(answers: dict[str, Any], blank: Blank, answer: Any) -> None:
        """Add an answer, as its reader gave it, to the model's input."""
        *around, last = blank.path
        for key in around:
            answers = answers.setdefault(key, {})
        value = blank.value(answer)
        if value is not ABSENT:
            answers[last] = value

    def result(self, answers: dict[str, Any]) -> tuple[M | None, Unfit | None]:
        """The model's object, or what keeps the answers from fitting together."""
        try:
            # Answers are text, whatever a strict model wants of its other users.
            return self._model.model_validate(answers, strict=False), None
        except self._pydantic.ValidationError as error:
            return None, Unfit(error, _words(error.errors()))

    def _errors(self, answers: dict[str, Any]) -> list[Any]:
        """What the model's validators say to a part of its input."""
        try:
            self._model.model_validate(answers, strict=False)
        except self._pydantic.ValidationError as error:
            errors: list[Any] = error.errors()
            return errors
        except (LookupError, TypeError, AttributeError):
            pass  # a validator of the whole model met a part of it; `result` asks it again
        return []

    # --- the model ----------------------------------------------------------------------------

    def _blanks(
        self, model: Any, skip: str, names: str = "", path: tuple[str, ...] = (), around: str = ""
    ) -> Iterator[Blank]:
        for name, field in model.model_fields.items():
            if is_tag(field) or (model is self._model and not path and name in self._known):
                continue
            here, there = names + name, (*path, input_key(name, field))
            kind, _, nullable = unwrapped(field)
            if is_model(kind) and field.is_required() and not nullable:
                words = f"{around}{title(name, field)}: "
                yield from self._blanks(kind, skip, f"{here}.", there, words)
                continue
            blank = blank_of(here, there, around, field, skip)
            if blank is None:
                raise UsageError(
                    f"form({self.title}) cannot ask for {here!r}, of type {kind!r}.",
                    "It asks for text, numbers, dates, yes or no, options, lists of these, and "
                    "the fields of required models.",
                    f"Give it a value with known={{{here.partition('.')[0]!r}: ...}}, or write a "
                    "dialog that asks for it.",
                )
            yield blank

    def _check_registered(self) -> None:
        for kind in recorded_classes(self._model, set()):
            if registry.by_type(kind) is None:
                raise UsageError(
                    f"form({self.title}) could not record its answer: {kind.__name__} is not "
                    "registered.",
                    "The log keeps the objects of registered classes only.",
                    f"Write @serializable above `class {kind.__name__}`.",
                )

    def _check_known(self) -> None:
        unknown = sorted(self._known.keys() - self._model.model_fields.keys())
        if unknown:
            words = f"it has no field {unknown[0]!r}"
        else:
            answers = self.empty()
            errors = self._errors(answers)
            words = _words([error for error in errors if [*error["loc"], None][0] in answers])
        if words:
            raise UsageError(
                f"form({self.title}, known={self._known!r}) does not fit the model: {words}.",
                "Known values are validated as answers are.",
                "Give values of the model's fields, by their names.",
            )


def _check_model(model: Any) -> None:
    """Refuse what is no pydantic model, before it is looked at."""
    _pydantic()
    if not is_model(model):
        raise UsageError(
            f"form() was given {model!r}.",
            "It asks for the fields of a pydantic model.",
            "Give a class that derives from pydantic.BaseModel.",
        )


def _words(errors: list[Any]) -> str:
    """What a person is told about pydantic's errors."""
    # An exception of the author's own validator: its text, without pydantic's prefix.
    causes = [(error.get("ctx", {}).get("error"), error["msg"]) for error in errors]
    return " ".join(
        sentence(str(cause) if isinstance(cause, Exception) else text) for cause, text in causes
    )


def _is_of_kind(error: Any) -> bool:
    """Whether an error says that an answer is of another kind, such as no number."""
    return str(error["type"]).endswith(_OF_KIND)


_OF_KIND = ("_parsing", "_type", "_parsing_size", "_from_float", "_inexact", "_future_offset")


def _pydantic() -> Any:
    try:
        import pydantic  # noqa: PLC0415 - an extra, slow to import
    except ImportError as error:
        raise missing_extra("form()", "pydantic", "forms") from error
    return pydantic
