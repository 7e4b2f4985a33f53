"""What is wrong with a workflow document, and what goes wrong while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from dialogs.errors import DialogsError, DialogsWarning, UsageError
from dialogs.registry import serializable


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a document.

    Args:
        text: what is wrong, in one sentence.
        step: the id of the step, or "" where it is the workflow's.
        field: the field, such as "response_mapping.balance", or "".
        file: the file, or "" where the document came from no file.
        line: the line in it, from 1, or None where it is not known.
    """

    text: str
    step: str = ""
    field: str = ""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """The problem after its place, as compilers write it."""
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        names = [f"step {self.step!r}"] if self.step else []
        names += [f"field {self.field!r}"] if self.field else []
        return ": ".join(part for part in (place, ", ".join(names), self.text) if part)


class InvalidWorkflow(UsageError):
    """A workflow document that cannot be run.

    Attributes:
        problems: all that is wrong with it, each with file, line, step and field.
    """

    why = "A document is checked as a whole when it is loaded."
    remedy = "Correct it; `dialogs validate FILE` checks it again."

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"The workflow {name} is not valid:{lines}\n")
        self.problems = tuple(problems)


class WorkflowWarning(DialogsWarning):
    """A document loaded with `strict=False` has references to steps that do not exist."""


_REASONS = {
    "MissingStep": (
        "The document was loaded with strict=False, and so with references to missing steps.",
        "Add the step, or correct the reference.",
    ),
    "Endless": (
        "Loops in loops, or steps that fail again and again, went round.",
        "Give the loops fewer rounds, or let them wait for something.",
    ),
}


class WorkflowFailed(DialogsError):
    """A step of a workflow failed, and the document does not say what to do then.

    It leaves the dialog like any exception: the turn is undone, and can be tried again.

    Attributes:
        workflow_id: the workflow.
        step: the id of the step.
        type_name: what failed, such as "HTTPError": the `type` of the variable `error`.
        message: how.
    """

    why = "Neither the step nor the workflow says what to do when it fails."
    remedy = "Give the step an `on_error`, or `critical: false`; or the workflow `error_handling`."

    def __init__(self, workflow_id: str, step: str, type_name: str, message: str) -> None:
        super().__init__(
            f"Step {step!r} of the workflow {workflow_id!r} failed: {type_name}: {message}.",
            *_REASONS.get(type_name, ()),
        )
        self.workflow_id = workflow_id
        self.step = step
        self.type_name = type_name
        self.message = message


@serializable(name="WorkflowStepError")
class StepError(Exception):
    """Why a step fails; becomes the variable `error`, and never leaves the workflow.

    Args:
        type_name: its kind, such as "Denied".
        message: what happened.
        **facts: more of it, such as status=404.
    """

    def __init__(self, type_name: str, message: str, **facts: object) -> None:
        super().__init__(message)
        self.type_name = type_name
        self.facts = facts


def meant(name: str, known: Iterable[str]) -> str:
    """A proposal: what somebody may have meant who gave a name that there is not."""
    close = get_close_matches(name, list(known), 1)
    return f"; is {close[0]!r} meant?" if close else ""
