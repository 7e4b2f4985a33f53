"""A workflow as a picture: a Mermaid flowchart."""

from __future__ import annotations

from dialogs.workflows.loading import Document
from dialogs.workflows.plan import Edge
from dialogs.workflows.schema import (
    AnyStep,
    ApiCallStep,
    AuthStep,
    ConditionStep,
    CustomActionStep,
    LoopStep,
    ResponseStep,
    SlotFillStep,
    WaitInputStep,
    WebhookStep,
)

_SHAPES = {
    "auth": ("[/", "/]"),
    "slot_fill": ("([", "])"),
    "wait_input": ("([", "])"),
    "condition": ("{", "}"),
    "loop": ("{{", "}}"),
    "api_call": ("[[", "]]"),
    "webhook": ("[[", "]]"),
    "goto": ("((", "))"),
}
_LABELS = {"next": "", "yes": "yes", "no": "no", "round": "each round", "error": "error"}
LONGEST = 60
"""How much of a step's text is shown, in characters."""


def mermaid(document: Document) -> str:
    """The flowchart of a workflow, as Mermaid's text."""
    workflow, plan = document.workflow, document.plan
    numbers = {step.id: f"s{at}" for at, step in enumerate(workflow.steps)}
    lines = ["flowchart TD", f"    start([{_quoted(workflow.name or workflow.workflow_id)}])"]
    for step in workflow.steps:
        before, after = _SHAPES.get(step.type, ("[", "]"))
        lines.append(f"    {numbers[step.id]}{before}{_quoted(_text(step))}{after}")
    missing: dict[str, str] = {}
    lines.append(f"    start --> {numbers[plan.first]}")
    ends = False
    for edge in plan.edges():
        end = "stop" if edge.end is None else numbers.get(edge.end)
        if end is None:
            end = missing.setdefault(edge.end or "", f"m{len(missing)}")
        ends = ends or edge.end is None
        lines.append(f"    {numbers.get(edge.start, 'start')} {_arrow(edge)} {end}")
    lines += [f"    {number}[{_quoted(f'? {name}')}]" for name, number in missing.items()]
    if ends:
        lines.append("    stop(((end)))")
    return "\n".join(lines) + "\n"


def _arrow(edge: Edge) -> str:
    if not edge.start:
        return f"-. any {edge.kind} .->" if edge.kind == "error" else "-. time is up .->"
    if edge.kind == "error":
        return "-. error .->"
    label = _LABELS[edge.kind]
    return f"-- {label} -->" if label else "-->"


def _text(step: AnyStep) -> str:
    """What a step is called, and the most telling thing about it."""
    match step:
        case AuthStep():
            told = step.auth_provider
        case SlotFillStep():
            told = f"{step.slot}?"
        case ApiCallStep():
            told = f"{step.method} {step.endpoint}"
        case WebhookStep():
            sent = "" if step.endpoint is None else f"{step.method} {step.endpoint}"
            told = " / ".join(filter(None, [sent, step.signal and f"wait for {step.signal}"]))
        case ConditionStep():
            told = step.condition
        case ResponseStep():
            told = step.response_text or f"template {step.template}"
        case CustomActionStep():
            told = step.action_name
        case LoopStep():
            told = f"{step.loop_condition or 'always'}, at most {step.max_iterations}"
        case WaitInputStep():
            told = step.prompt or "wait"
        case _:
            told = ""
    name = step.name or step.id
    return f"{name}\n{_short(told)}" if told else name


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


_NAMED = {'"': "quot", "<": "lt", ">": "gt", "&": "amp", "`": "96", "#": "35"}
_ENTITIES = str.maketrans({char: f"#{name};" for char, name in _NAMED.items()} | {"\n": "<br>"})


def _quoted(text: str) -> str:
    """A text that Mermaid takes as it is, whatever is in it."""
    return f'"{text.translate(_ENTITIES)}"'
