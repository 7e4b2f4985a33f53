"""Steps that say something, or hear it: response, wait_input.

All that a step says has a name, so that its words may be edited under an open conversation.
"""

from __future__ import annotations

from typing import Any

from dialogs.messages import Button, Message
from dialogs.steps import send_message
from dialogs.workflows.performing.run import Run, Steps
from dialogs.workflows.schema import ResponseStep, WaitInputStep


def respond(run: Run) -> Steps:
    """Say something."""
    step: ResponseStep = run.step
    said = with_buttons(run.text(_template(run, step)), map(run.text, step.buttons))
    yield send_message(said, name="response")


def _template(run: Run, step: ResponseStep) -> str:
    if step.response_text is not None:
        return step.response_text
    own = run.document.workflow.templates
    name = step.template or ""
    return own[name] if name in own else run.host.templates[name]


def wait_for_input(run: Run) -> Steps:
    """Wait for the client's next message."""
    step: WaitInputStep = run.step
    if step.prompt is not None:
        yield send_message(run.text(step.prompt), name="prompt")
    heard = yield from run.listen()
    return None if step.slot is None else {step.slot: heard.get("text", "")}


def with_buttons(text: str, labels: Any) -> str | Message:
    """A message with ready-made answers, or just a text."""
    buttons = tuple(Button(label) for label in labels)
    return Message(text, buttons=buttons) if buttons else text
