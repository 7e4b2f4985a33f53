"""Looking into a conversation: where its workflow stands, without performing anything.

A workflow's variables are kept nowhere: they are made anew by replaying the log. Here it is
replayed as it is, and given up where anything new would be performed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dialogs.conversation import Conversation
from dialogs.effects import Effects
from dialogs.errors import DialogsError
from dialogs.flow import opener
from dialogs.resume import fits
from dialogs.workflows.catalog import ROOT, Workflows
from dialogs.workflows.interpreter import watching


@dataclass(frozen=True, slots=True)
class View:
    """Where a workflow stands.

    Args:
        workflow_id: the workflow.
        step: the id of the step that waits; None: the workflow is over.
        variables: what was set so far.
        history: the last steps that are over, each as its "step" and "outcome".
        error: the failure that it ended by, or None.
    """

    workflow_id: str
    step: str | None
    variables: dict[str, Any]
    history: list[dict[str, str]]
    error: dict[str, Any] | None = None


def look(workflows: Workflows, conversation: Conversation, root: Any = None) -> View | None:
    """Where the workflow of a conversation stands.

    Args:
        workflows: the workflows.
        conversation: the conversation, as `Orchestrator.conversation` gives it.
        root: the orchestrator's own dialog, as it was given to it; `workflows.root()` if left out.
            Conversations that were begun with a root that `Workflows.attach` added need none.

    Returns:
        The innermost workflow; None where none runs, where a plain function or something awaited
        stands around it, or where the code has changed, so that the dialog will start anew.
    """
    if not conversation.is_open or conversation.log is None:
        return _result_of(conversation)
    name = conversation.root.removeprefix(ROOT)
    dialog = workflows.root() if root is None else root
    if conversation.root.startswith(ROOT):
        if name not in workflows.documents:
            return None
        dialog = workflows.dialog(name)
    call = opener(dialog)(conversation.opening)
    found: list[Any] = []
    token = watching.set(found)
    try:
        goes_on = _without_performing(fits(conversation.log, call, None, conversation=""))
    except DialogsError:
        return None
    finally:
        watching.reset(token)
    if not found or not goes_on:
        return None
    document, state = found[-1]
    return View(document.workflow_id, state.step, dict(state.variables), state.steps_taken())


def _without_performing(effects: Effects[bool]) -> bool:
    """What effects return that perform nothing; False where they would."""
    try:
        effects.send(None)
    except StopIteration as stop:
        return bool(stop.value)
    effects.close()
    return False


def _result_of(conversation: Conversation) -> View | None:
    """Where a workflow stands that is over."""
    result = conversation.result
    if not isinstance(result, dict) or {*result} != {
        "workflow_id",
        "variables",
        "history",
        "error",
    }:
        return None
    return View(
        result["workflow_id"], None, result["variables"], result["history"], result["error"]
    )
