"""What the schema cannot tell: whether a document's parts fit each other, and fit their host."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dialogs.workflows.expressions import BadExpression, names_in
from dialogs.workflows.fields import END, StepModel
from dialogs.workflows.plan import Edge, Plan
from dialogs.workflows.problems import Problem, meant
from dialogs.workflows.schema import (
    ApiCallStep,
    AuthStep,
    ConditionStep,
    CustomActionStep,
    LoopStep,
    Request,
    ResponseStep,
    SlotFillStep,
    WaitInputStep,
    WebhookStep,
    Workflow,
)
from dialogs.workflows.templates import BadTemplate, parse, templates_in

HEARD = ("text", "intent", "confidence", "entities", "sentiment", "language")
"""The names of what was heard last."""

RESERVED = (*HEARD, "variables")
ERROR = "error"
"""The variable of the last failure."""


def variables_of(workflow: Workflow) -> list[str]:
    """The variables that something in a document sets, in the order in which they are named."""
    names = [*workflow.variables, ERROR]
    for step in workflow.steps:
        names += _set_by(step)
    return list(dict.fromkeys(names))


def _set_by(step: StepModel) -> list[str]:
    if isinstance(step, SlotFillStep):
        return [step.slot]
    if isinstance(step, WaitInputStep):
        return [] if step.slot is None else [step.slot]
    if isinstance(step, AuthStep | ApiCallStep | CustomActionStep | WebhookStep):
        mapping = step.response_mapping
        return [step.id] if mapping is None else list(mapping)
    return []


# --- the document by itself -------------------------------------------------------------------


def loose_ends(workflow: Workflow, plan: Plan) -> Iterator[Problem]:
    """References to steps that do not exist, and steps that no way leads to."""
    for edge in plan.edges():
        if edge.end is not None and edge.end not in plan.steps:
            yield Problem(_no_step(edge, plan), edge.start, edge.field)
    reachable = plan.reachable()
    for step in workflow.steps:
        if step.id not in reachable:
            yield Problem("no way leads to this step", step.id, "id")


def _no_step(edge: Edge, plan: Plan) -> str:
    return f"there is no step {edge.end!r}{meant(edge.end or '', plan.steps)}"


def faults(workflow: Workflow, plan: Plan) -> Iterator[Problem]:
    """All else that is wrong with a document by itself."""
    seen: set[str] = set()
    for step in workflow.steps:
        if step.id in seen or step.id == END:
            reason = "another step has this id" if step.id in seen else f"{END!r} ends a workflow"
            yield Problem(f"{reason}; choose another one", step.id, "id")
        seen.add(step.id)
    yield from _loop_faults(workflow, plan)
    circle = plan.endless()
    if circle is not None:
        yield Problem(
            f"an endless path without a wait: {' → '.join(circle)}; "
            "put a wait_input into it, or make it a loop",
            circle[0],
        )
    names = {*variables_of(workflow), *RESERVED}
    for name in RESERVED:
        if name in workflow.variables:
            yield Problem(_reserved(name), "", f"variables.{name}")
    for step in workflow.steps:
        yield from (Problem(_reserved(name), step.id) for name in _set_by(step) if name in RESERVED)
        yield from _text_faults(step, names)
    for name, text in workflow.templates.items():
        yield from _template_faults(text, names, "", f"templates.{name}")
    message = workflow.error_handling.message
    if message is not None:
        yield from _template_faults(message, names, "", "error_handling.message")


def _reserved(name: str) -> str:
    return f"the variable {name!r} has a name that means something else"


def _loop_faults(workflow: Workflow, plan: Plan) -> Iterator[Problem]:
    loop_of: dict[str, str] = {}
    for loop in workflow.steps:
        if not isinstance(loop, LoopStep):
            continue
        for at, member in enumerate(loop.loop_steps):
            if member in loop_of:
                reason = f"the step {member!r} belongs to the loop {loop_of[member]!r} already"
                yield Problem(reason, loop.id, f"loop_steps.{at}")
            loop_of[member] = loop.id
        if loop.id in plan.inside[loop.id]:
            yield Problem("the loop is a step of its own rounds", loop.id, "loop_steps")


def _text_faults(step: StepModel, names: Collection[str]) -> Iterator[Problem]:
    for field, source in _expressions_of(step):
        try:
            names_in(source, names)
        except BadExpression as error:
            yield Problem(f"the expression {source!r} is refused: {error}", step.id, field)
    for field, text in _templates_of(step):
        yield from _template_faults(text, names, step.id, field)


def _template_faults(text: str, names: Collection[str], step: str, field: str) -> Iterator[Problem]:
    try:
        template = parse(text)
    except BadTemplate as error:
        yield Problem(str(error), step, field)
        return
    for name in template.names:
        if name not in names:
            yield Problem(f"nothing sets the variable {name!r}{meant(name, names)}", step, field)


def _expressions_of(step: StepModel) -> Iterator[tuple[str, str]]:
    if isinstance(step, ConditionStep):
        yield "condition", step.condition
    elif isinstance(step, LoopStep) and step.loop_condition is not None:
        yield "loop_condition", step.loop_condition


def _templates_of(step: StepModel) -> Iterator[tuple[str, str]]:
    values: dict[str, Any] = {}
    if isinstance(step, SlotFillStep):
        values = {"prompt": step.prompt, "validation.message": step.validation.message}
    elif isinstance(step, WaitInputStep):
        values = {"prompt": step.prompt}
    elif isinstance(step, ResponseStep):
        values = {"response_text": step.response_text, "buttons": step.buttons}
    elif isinstance(step, AuthStep | CustomActionStep):
        values = {"parameters": step.parameters}
    elif isinstance(step, Request):
        names = ("endpoint", "query", "request_body", "headers")
        values = {name: getattr(step, name, None) for name in names}
    for field, value in values.items():
        yield from templates_in(value, field)


# --- the document and its host ----------------------------------------------------------------


def absent(workflow: Workflow, host: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """What a document names and its host does not have.

    Args:
        workflow: the document.
        host: the names of what the host has, by what they are: "actions", "auth",
            "integrations", "templates", "validators".
    """
    for step in workflow.steps:
        for field, what, name in _named_by(step):
            known: Collection[str] = host[what]
            if what == "templates":
                known = {*known, *workflow.templates}
            if name not in known:
                reason = f"there is no {name!r} in Workflows({what}={{...}}){meant(name, known)}"
                yield Problem(reason, step.id, field)


def _named_by(step: StepModel) -> Iterator[tuple[str, str, str]]:
    if isinstance(step, AuthStep):
        yield "auth_provider", "auth", step.auth_provider
    elif isinstance(step, CustomActionStep):
        yield "action_name", "actions", step.action_name
    elif isinstance(step, ResponseStep) and step.template is not None:
        yield "template", "templates", step.template
    elif isinstance(step, SlotFillStep) and step.validation.validator is not None:
        yield "validation.validator", "validators", step.validation.validator
    elif isinstance(step, ApiCallStep | WebhookStep) and step.integration is not None:
        yield "integration", "integrations", step.integration


def template_faults(templates: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with the templates of a host."""
    for name, text in templates.items():
        try:
            parse(text)
        except BadTemplate as error:
            yield Problem(str(error), "", f"templates[{name!r}]")
