"""Conversations written as data, run by ordinary dialogs.

`StateSteps` are conversations in states: functions of `(chat_id, user_input, context, sender)`,
registered in Python or named in a JSON file, which may have inline code, too. What inline code may
be is decided in `inspection.py`; it runs in `sandbox.py` and nowhere else.

`Workflows` are documents: `loading.py` reads and checks them, `interpreter.py` is the dialog that
runs them, and `performing/` has a room for each kind of step. They need the extra "workflows".
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialogs.errors import missing_extra
from dialogs.workflows.inspection import RefusedCode
from dialogs.workflows.problems import InvalidWorkflow, Problem, WorkflowFailed, WorkflowWarning
from dialogs.workflows.sandbox import SandboxError
from dialogs.workflows.state_steps import StateSteps
from dialogs.workflows.states import StateError, StateFailed, StateFunction, StateSender
from dialogs.workflows.understanding import Understood

if TYPE_CHECKING:
    from dialogs.workflows.catalog import Workflows
    from dialogs.workflows.integrations import Integration
    from dialogs.workflows.loading import Document, load_workflow, load_workflows
    from dialogs.workflows.looking import View, look

# They need libraries that not everybody has.
_ROOMS = {
    "Document": "loading",
    "Integration": "integrations",
    "View": "looking",
    "Workflows": "catalog",
    "load_workflow": "loading",
    "load_workflows": "loading",
    "look": "looking",
}
_NEEDED = ("anyio", "httpx", "pydantic", "stamina", "yaml")


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        room = import_module(f"{__name__}.{_ROOMS[name]}")
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        raise missing_extra(name, error.name, "workflows") from None
    return getattr(room, name)


__all__ = [
    # states
    "RefusedCode",
    "SandboxError",
    "StateError",
    "StateFailed",
    "StateFunction",
    "StateSender",
    "StateSteps",
    # documents
    "Document",
    "Integration",
    "InvalidWorkflow",
    "Problem",
    "Understood",
    "View",
    "WorkflowFailed",
    "WorkflowWarning",
    "Workflows",
    "load_workflow",
    "load_workflows",
    "look",
]
