"""One step under way: what the rooms of this package have in common."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialogs.errors import ResponseTimeout, StepFailed
from dialogs.steps import Call, Step, call, now
from dialogs.waits import get_client_response
from dialogs.workflows.expressions import evaluated
from dialogs.workflows.integrations import Integration
from dialogs.workflows.loading import Document
from dialogs.workflows.problems import StepError
from dialogs.workflows.sandbox import SandboxError
from dialogs.workflows.state import Scope, State
from dialogs.workflows.templates import mapped, parse
from dialogs.workflows.understanding import Heard, Hook, understood

Steps = Generator[Any, Any, Any]

TIMEOUT = "Timeout"
"""The type of the error of a step that waited too long."""

WORKFLOW_TIMEOUT = "WorkflowTimeout"
"""The type of the error of a workflow that took too long."""


@dataclass(frozen=True, slots=True)
class Host:
    """What a program has for its workflows, by name."""

    actions: Mapping[str, Any] = field(default_factory=dict)
    integrations: Mapping[str, Integration] = field(default_factory=dict)
    auth: Mapping[str, Any] = field(default_factory=dict)
    validators: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    understand: Hook | None = None


class Run:
    """One step under way.

    Args:
        host: what the program has.
        document: the workflow.
        names: its variables.
        step: the step; of the kind that its room performs.
        state: where the workflow stands; not changed here.

    Attributes:
        heard: the client's last message, by now.
    """

    __slots__ = ("document", "heard", "host", "names", "state", "step", "waited")

    def __init__(
        self, host: Host, document: Document, names: list[str], step: Any, state: State
    ) -> None:
        self.host = host
        self.document = document
        self.names = names
        self.step = step
        self.state = state
        self.heard = state.heard
        self.waited = False

    # --- texts and values ---------------------------------------------------------------------

    def scope(self) -> Scope:
        """What names stand for."""
        return Scope(self.names, self.state.variables, self.heard)

    def text(self, template: str) -> str:
        """A template, filled in."""
        return parse(template).render(self.scope())

    def results(self, result: Any) -> dict[str, Any]:
        """The variables that a step's result sets."""
        mapping = self.step.response_mapping
        return {self.step.id: result} if mapping is None else mapped(result, mapping)

    # --- steps --------------------------------------------------------------------------------

    def evaluate(self, expression: str) -> Steps:
        """Whether an expression holds."""
        return bool((yield self.call(evaluated, expression, self.scope())))

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Call[Any]:
        """A call that logs, and tests, know by the step's id."""
        step: Call[Any] = call(fn, *args, **kwargs)
        step.key = f"call {self.step.id}"
        return step

    def listen(self) -> Generator[Any, Any, Heard]:
        """Wait for the client's next message."""
        message = yield from self.wait(get_client_response)
        self.heard = yield from understood(self.host.understand, message)
        return self.heard

    def wait(self, step_of: Callable[[float | None], Step[Any]]) -> Steps:
        """Wait, for as long as the step and the workflow may.

        Args:
            step_of: makes the step, of the longest time that it may wait in seconds, or of None.

        Raises:
            StepError: the time has passed.
        """
        span, kind = self.step.timeout, TIMEOUT
        if self.state.deadline is not None:
            left = max(self.state.deadline - (yield now()).timestamp(), 0.001)
            if span is None or left < span:
                span, kind = left, WORKFLOW_TIMEOUT
        try:
            answer = yield step_of(span)
        except ResponseTimeout:
            raise StepError(kind, "there was no answer in time") from None
        self.waited = True
        return answer


def described(step: str, error: Exception) -> dict[str, Any]:
    """An exception as the variable `error` tells it."""
    told: dict[str, Any] = {"step": step, "status": None, "body": None}
    match error:
        case StepError():
            return told | {"type": error.type_name, "message": str(error)} | error.facts
        case StepFailed() | SandboxError():
            return told | {"type": error.type_name, "message": error.message}
        case _:
            return told | {"type": type(error).__name__, "message": str(error)}
