"""`Workflows`: documents, and what the program has for them, as dialogs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from weakref import WeakSet

from dialogs.dialog import DialogFunction, dialog
from dialogs.errors import UsageError
from dialogs.steps import send_message
from dialogs.waits import get_client_response
from dialogs.workflows import sandbox
from dialogs.workflows.checking import absent, template_faults
from dialogs.workflows.integrations import Integration
from dialogs.workflows.interpreter import Interpreter
from dialogs.workflows.loading import Document, load_workflow, load_workflows
from dialogs.workflows.performing.run import Host, Steps
from dialogs.workflows.problems import InvalidWorkflow
from dialogs.workflows.schema import ConditionStep, LoopStep
from dialogs.workflows.understanding import Heard, Hook, understood

Source = Document | str | Path | Mapping[str, Any]
"""A document, or what it can be loaded from: a file, a folder, or a dict."""

ROOT = "workflow:"
"""What the names of an orchestrator's roots start with that `attach` gives it."""


class Workflows:
    """Documents, and what the program has for them.

    Args:
        documents: one or several: what `load_workflow` gave, paths of files or folders, dicts.
        actions: what custom_action calls: functions, sync or async, or dialogs; they get the
            step's parameters as keyword arguments.
        integrations: what api_call and webhook ask.
        auth: what auth asks: functions or dialogs, as for actions. False, None and
            PermissionError deny.
        validators: what slots are checked with: functions of the value, sync or async. False
            refuses it, and so does a ValueError, with its text.
        templates: texts by name, besides those of the documents.
        understand: understands a text: a function, sync or async, that returns an `Understood`
            or a dict of its fields.
        default: the workflow that `root()` runs where none is for a message's intent.
        sorry: what `root()` says where there is none at all.

    Raises:
        InvalidWorkflow: a document is wrong, or names what is not here.
        UsageError: two documents have the same id, or are for the same intent.
    """

    def __init__(
        self,
        documents: Source | Iterable[Source],
        *,
        actions: Mapping[str, Any] | None = None,
        integrations: Mapping[str, Integration | str] | None = None,
        auth: Mapping[str, Any] | None = None,
        validators: Mapping[str, Callable[[Any], Any]] | None = None,
        templates: Mapping[str, str] | None = None,
        understand: Hook | None = None,
        default: str | None = None,
        sorry: str = "Sorry, I did not understand that.",
    ) -> None:
        host = Host(
            dict(actions or {}),
            {
                name: Integration(found) if isinstance(found, str) else found
                for name, found in (integrations or {}).items()
            },
            dict(auth or {}),
            dict(validators or {}),
            dict(templates or {}),
            understand,
        )
        self.documents = _by_id(documents)
        self._check(host)
        self._host = host
        self._default = default
        self._sorry = sorry
        self._intents = self._by_intent()
        self._dialogs = {
            name: Interpreter(document, host).dialog for name, document in self.documents.items()
        }
        if default is not None:
            self.dialog(default)
        self._root = self._make_root()
        self._attached: WeakSet[Any] = WeakSet()

    def dialog(self, workflow_id: str) -> DialogFunction[..., Any]:
        """A workflow as a dialog: call it with the message that begins it, and variables.

        Its result is a dict: "workflow_id", "variables", "history" (its last steps), and "error",
        which is None where it did not end by a failure.

        Raises:
            UsageError: there is no such workflow.
        """
        found = self._dialogs.get(workflow_id)
        if found is None:
            raise UsageError(
                f"There is no workflow {workflow_id!r}.",
                f"There are: {', '.join(self._dialogs)}.",
                "Name one of them, or load its document.",
            )
        return found

    def root(self) -> DialogFunction[..., Any]:
        """The dialog that takes the opening message, and runs the workflow for its intent."""
        return self._root

    def attach(self, orchestrator: Any) -> None:
        """Let an orchestrator begin conversations with each workflow, as "workflow:" and its id.

        Every process that takes turns needs it, those that run timers too. Once is enough.

        Raises:
            UsageError: other workflows have one of the ids there.
        """
        if orchestrator in self._attached:
            return
        for name, found in self._dialogs.items():
            orchestrator.add_root(ROOT + name, found)
        self._attached.add(orchestrator)

    def pick(self, heard: Heard) -> str | None:
        """The workflow for an understood message, or None."""
        return self._intents.get(heard.get("intent", ""), self._default)

    # --- making -------------------------------------------------------------------------------

    def _make_root(self) -> DialogFunction[..., Any]:
        @dialog(name="workflows.pick")
        def pick(message: Any) -> Steps:
            heard = yield from understood(self._host.understand, message)
            while (found := self.pick(heard)) is None:
                if message is not None:
                    yield send_message(self._sorry, name="sorry")
                message = yield get_client_response()
                heard = yield from understood(self._host.understand, message)
            return [found, heard]

        @dialog(name="workflows")
        def workflows(message: Any = None) -> Steps:
            found, heard = yield pick(message)
            return (yield self.dialog(found)(heard or None))

        return workflows

    def _check(self, host: Host) -> None:
        problems = list(template_faults(host.templates))
        known = {
            "actions": host.actions,
            "auth": host.auth,
            "integrations": host.integrations,
            "templates": host.templates,
            "validators": host.validators,
        }
        for document in self.documents.values():
            problems += document.placed(absent(document.workflow, known))
        if problems:
            raise InvalidWorkflow(", ".join(map(repr, self.documents)), problems)
        steps = chain.from_iterable(found.workflow.steps for found in self.documents.values())
        if any(
            isinstance(step, ConditionStep)
            or (isinstance(step, LoopStep) and step.loop_condition is not None)
            for step in steps
        ):
            sandbox.require()

    def _by_intent(self) -> dict[str, str]:
        intents: dict[str, str] = {}
        for name, document in self.documents.items():
            for intent in document.workflow.intents:
                if intent in intents:
                    raise UsageError(
                        f"The workflows {intents[intent]!r} and {name!r} are both for the intent "
                        f"{intent!r}.",
                        "A message's intent picks one workflow.",
                        "Give one of them another trigger_intent.",
                    )
                intents[intent] = name
        return intents


def _by_id(documents: Source | Iterable[Source]) -> dict[str, Document]:
    if isinstance(documents, Document | str | Path | Mapping):
        documents = [documents]
    found: dict[str, Document] = {}
    for document in chain.from_iterable(map(_loaded, documents)):
        if document.workflow_id in found:
            raise UsageError(
                f"Two documents have the workflow_id {document.workflow_id!r}.",
                "Conversations know their workflow by it.",
                "Give one of them another.",
            )
        found[document.workflow_id] = document
    return found


def _loaded(document: Source) -> list[Document]:
    if isinstance(document, Document):
        return [document]
    if not isinstance(document, Mapping) and Path(document).is_dir():
        return load_workflows(document)
    return [load_workflow(document)]
