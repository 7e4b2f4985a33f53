"""Runs a workflow: an ordinary dialog that goes from step to step.

Each step is a dialog of its own, named "workflow.step", so that its records collapse into one when
it is over. What it did is that record: the variables that it set, the way that was taken, what the
client said, or what failed. From these records the state is made anew on every replay. After many
of them the dialog goes on as new, with the state as its argument, so that circles of steps cost
the same for ever.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from functools import partial
from typing import Any, NoReturn

from dialogs.dialog import Definition, Dialog, DialogFunction, Style, dialog
from dialogs.errors import ResponseTimeout, UsageError
from dialogs.steps import continue_as_new, now, send_message
from dialogs.workflows.checking import ERROR, variables_of
from dialogs.workflows.loading import Document
from dialogs.workflows.performing import ROOMS
from dialogs.workflows.performing.run import (
    TIMEOUT,
    WORKFLOW_TIMEOUT,
    Host,
    Run,
    Steps,
    described,
)
from dialogs.workflows.plan import waits
from dialogs.workflows.problems import StepError, WorkflowFailed
from dialogs.workflows.schema import AnyStep, GotoStep, LoopStep
from dialogs.workflows.state import Scope, State
from dialogs.workflows.templates import parse
from dialogs.workflows.understanding import understood

logger = logging.getLogger("dialogs")

EXPECTED = frozenset({"Denied", "NotFilled", TIMEOUT, WORKFLOW_TIMEOUT})
"""Failures that a client makes; they are logged, too, but warn nobody."""

RENEWED = 50
"""After so many steps the dialog goes on as new."""

MOST_PASSED = 10_000
"""How many steps may follow each other without a wait; loops in loops may need many.

It is looked at each time that the dialog goes on as new.
"""

MOST_HANDLED = 10
"""How many failures in a row the workflow's own error handling is given."""

_NO_LOOP = "no running event loop"

watching: ContextVar[list[tuple[Document, State]] | None] = ContextVar("watching", default=None)
"""Where a workflow that begins to run puts its state, for who looks into a conversation."""


_Part = tuple[Definition | None, str | None, frozenset[str] | None]
"""A step's dialog, or None of a goto; the step that follows; of a loop, the steps of its rounds."""


class Interpreter:
    """Runs one workflow.

    Args:
        document: the workflow.
        host: what the program has for it.

    Attributes:
        dialog: the dialog: `dialog(message=None, variables=None)`.
    """

    def __init__(self, document: Document, host: Host) -> None:
        self.document = document
        self.host = host
        self.plan = document.plan
        self.names = variables_of(document.workflow)
        self.handling = document.workflow.error_handling
        self._parts = {step.id: self._part(step) for step in document.workflow.steps}
        decorate = dialog(name=document.workflow_id, version=document.version)
        self.dialog: DialogFunction[..., Any] = decorate(self.run)

    def _part(self, step: AnyStep) -> _Part:
        definition = Definition(
            partial(self.perform, step),
            f"{self.document.workflow_id}.{step.id}",
            self.document.version,
            Style.GENERATOR,
        )
        following, inside = self.plan.next_of(step), self.plan.inside.get(step.id)
        return (None if isinstance(step, GotoStep) else definition), following, inside

    # --- one step -----------------------------------------------------------------------------

    def perform(self, step: AnyStep, state: State) -> Steps:
        """Perform a step.

        Returns:
            What became of it, as the log keeps it: None where there is nothing to tell, a dict of
            the variables that it set, a bool where it chose a way, the text that the client said;
            where it is more than one of these, or it failed, a list: the result, the message that
            was heard, the error.
        """
        run = Run(self.host, self.document, self.names, step, state)
        error, result = None, None
        try:
            result = yield from ROOMS[step.type](run)
        except Exception as failure:
            if str(failure) == _NO_LOOP:
                raise  # for the engine, which says that the run has to be an async one
            error = described(step.id, failure)
            self._log(error)
        has_heard = run.waited or run.heard is not state.heard
        if error is None and not has_heard:
            return result
        if error is None and result is None and {*run.heard} == {"text"}:
            return run.heard["text"]
        return [result, run.heard if has_heard else None, error]

    def _log(self, error: dict[str, Any]) -> None:
        """Tell operators of a failure: what its document makes of it, nobody else would see."""
        logger.log(
            logging.INFO if error["type"] in EXPECTED else logging.WARNING,
            "Step %r of the workflow %r failed: %s: %s",
            error["step"],
            self.document.workflow_id,
            error["type"],
            error["message"],
        )

    # --- all steps ----------------------------------------------------------------------------

    def run(self, message: Any = None, variables: Any = None, state: Any = None) -> Steps:
        """Go from step to step, until there is none; returns the result."""
        state = State.of(state) if state else (yield from self._begin(message, variables))
        watchers = watching.get()
        if watchers is not None:
            watchers.append((self.document, state))
        # Every message runs this again for all steps so far: it is the hot path.
        # So what `State.go` does is written out here once more.
        parts, arguments, tell = self._parts, (state,), state.history.append
        update = state.variables.update
        for _ in range(RENEWED):
            here = state.step
            if here is None:
                return state.result(self.document.workflow_id)
            definition, following, inside = parts.get(here) or self._missing(state)
            if inside is not None and state.before not in inside:
                state.rounds[here] = 0  # the loop is reached from outside
            became = None
            if definition is not None:
                became = yield Dialog(definition, arguments, label="")
            if became is not None:
                kind = type(became)
                if kind is dict:
                    update(became)
                elif kind is str:
                    state.hear({"text": became})
                elif kind is bool:
                    following = self._branch(state, became)
                else:
                    yield from self._go_on(state, following, became)
                    continue
            state.before = here
            tell(here)
            state.step = following
            state.passed += 1
        if state.passed > MOST_PASSED:
            raise self._failed(
                state.before, "Endless", f"{MOST_PASSED:,} steps followed each other without a wait"
            )
        yield continue_as_new(self.dialog(None, None, state.as_data()))

    def _begin(self, message: Any, variables: Any) -> Steps:
        workflow = self.document.workflow
        given = dict(variables or {})
        unknown = [name for name in given if name not in self.names]
        if unknown:
            raise UsageError(
                f"The workflow {workflow.workflow_id!r} has no variable {unknown[0]!r}.",
                f"It has: {', '.join(self.names)}.",
                "Name it under the document's `variables`.",
            )
        heard = yield from understood(self.host.understand, message)
        state = State(self.plan.first, workflow.variables | given, heard)
        if workflow.timeout is not None:
            state.deadline = (yield now()).timestamp() + workflow.timeout
        return state

    def _branch(self, state: State, taken: bool) -> str | None:
        """The step that follows where a condition, or a loop, came out so."""
        step = self.plan.steps[state.step or ""]
        if taken and isinstance(step, LoopStep):
            state.rounds[step.id] += 1
        return self.plan.branch(step, taken)

    def _go_on(self, state: State, following: str | None, became: list[Any]) -> Steps:
        """Go where a step leads of which more than one thing became."""
        result, heard, error = became
        if heard is not None:
            state.hear(heard)
        if error is not None:
            yield from self._fail(state, following, error)
            return
        state.variables.update(result or {})
        state.go(following)

    # --- failures -----------------------------------------------------------------------------

    def _fail(self, state: State, following: str | None, error: dict[str, Any]) -> Steps:
        """Go where a failure leads.

        Raises:
            ResponseTimeout: a wait's time has passed, and nothing says what to do then.
            WorkflowFailed: something else failed, and nothing says what to do then.
        """
        step, handling = self.plan.steps[state.step or ""], self.handling
        state.variables[ERROR] = error
        if error["type"] == WORKFLOW_TIMEOUT:
            if handling.on_timeout is None:
                raise ResponseTimeout(self.document.workflow.timeout or 0.0)
            state.deadline = None
            state.fail(self.plan.target(handling.on_timeout))
        elif step.on_error is not None:
            state.fail(self.plan.target(step.on_error))
        elif not step.critical:
            state.fail(following)
        elif handling.on_error is not None and state.handled < MOST_HANDLED:
            state.handled += 1
            state.fail(self.plan.target(handling.on_error))
        elif handling.message is not None:
            apology = self._apology(state, handling.message, error)
            yield send_message(apology, name="apology")
            state.fail(None)
        elif error["type"] == TIMEOUT and waits(step):
            raise ResponseTimeout(step.timeout or 0.0)
        else:
            raise self._failed(step.id, error["type"], error["message"])

    def _apology(self, state: State, template: str, error: dict[str, Any]) -> str:
        try:
            return parse(template).render(Scope(self.names, state.variables, state.heard))
        except StepError as failure:
            message = f"{error['message']}, and of error_handling.message {failure}"
            raise self._failed(error["step"], error["type"], message) from None

    def _missing(self, state: State) -> NoReturn:
        raise self._failed(
            state.before,
            "MissingStep",
            f"it leads to the step {state.step!r}, which does not exist",
        )

    def _failed(self, step: str, kind: str, message: str) -> WorkflowFailed:
        return WorkflowFailed(self.document.workflow_id, step, kind, message)
