"""Workflows on the web channel: start one, see where it stands, and hear webhooks.

    app = create_app(orchestrator, secret=...)
    add_workflows(app, workflows, webhook_secret=...)

What is said goes the web channel's own ways, by REST or WebSocket. Over a socket, a workflow is
begun by the root that `Workflows.attach` made of it, and VIEW is where it stands.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, Header, Path, Request
from pydantic import BaseModel, Field

from dialogs.channels.web import schemas
from dialogs.channels.web.api import (
    PROBLEMS,
    Credentials,
    address_of,
    by_token,
    by_user,
    talk_of,
)
from dialogs.channels.web.problems import Refused
from dialogs.channels.web.talk import Talk
from dialogs.channels.web.tokens import SHORTEST_SECRET, TICKET_AGE_S
from dialogs.channels.web.views import as_json, turn_view
from dialogs.conversation import Conversation
from dialogs.errors import UsageError
from dialogs.workflows.catalog import ROOT, Workflows
from dialogs.workflows.looking import look

VIEW = "workflow"
"""The name of the view that a socket watches."""


class WorkflowOut(BaseModel):
    """A workflow that can be started."""

    workflow_id: str
    name: str
    description: str


class Taken(BaseModel):
    """A step that is over."""

    step: str
    outcome: str


class WorkflowStanding(BaseModel):
    """Where the workflow of a conversation stands."""

    workflow_id: str
    step: str | None = Field(description="The step that waits; null: the workflow is over.")
    variables: dict[str, Any] = Field(description="Those that were set, and are for clients.")
    history: list[Taken] = Field(description="The last steps that are over, oldest first.")
    error: dict[str, Any] | None = Field(description="The failure that it ended by.")


class Heard(BaseModel):
    """A webhook was taken."""

    duplicate: bool = Field(description="The Idempotency-Key was seen before; nothing ran.")
    stale: bool = Field(description="The conversation is over; nothing was kept.")


WorkflowId = Annotated[str, Path(max_length=100, description="The id of a workflow.")]
Key = Annotated[str | None, Header(max_length=200, description="The same counts once.")]


def add_workflows(
    app: FastAPI,
    workflows: Workflows,
    *,
    webhook_secret: str | None = None,
    auth: Callable[..., Any] | None = None,
    root: Any = None,
) -> None:
    """Let clients of an app start workflows and see where they stand, by REST and WebSocket.

    Args:
        app: what `create_app` made.
        workflows: the workflows; each becomes a root of the app's orchestrator, which clients may
            begin.
        webhook_secret: what a webhook that comes in has to send as its bearer token: 16 characters
            or more. None: no webhook is heard.
        auth: the one that `create_app` was given.
        root: the orchestrator's own dialog, where it is not `workflows.root()`.

    Raises:
        UsageError: the secret can be guessed, or one of app and workflows knows users and the
            other does not.
    """
    talk: Talk = app.state.talk
    if webhook_secret is not None and len(webhook_secret) < SHORTEST_SECRET:
        raise UsageError(
            f"add_workflows() needs a webhook_secret of {SHORTEST_SECRET} characters or more.",
            "Whoever guesses it can answer for the services that workflows wait for.",
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'.",
        )
    if talk.users != (auth is not None):
        raise UsageError(
            "add_workflows() and create_app() differ in their auth.",
            "The conversations of workflows belong to the same people as all others of the app.",
            "Give both the same dependency, or neither any.",
        )

    def view(conversation: Conversation | None) -> dict[str, Any] | None:
        standing = _standing_of(conversation, workflows, root)
        return None if standing is None else standing.model_dump()

    workflows.attach(talk.orchestrator)
    talk.roots.update(ROOT + workflow_id for workflow_id in workflows.documents)
    talk.views[VIEW] = view
    api = APIRouter(responses=PROBLEMS, tags=["workflows"])
    _add_routes(api, workflows, auth, root)
    if webhook_secret is not None:
        _add_webhooks(api, webhook_secret)
    app.include_router(api)


def _standing_of(
    conversation: Conversation | None, workflows: Workflows, root: Any
) -> WorkflowStanding | None:
    """Where the workflow of a conversation stands; None where none runs in it.

    Variables that begin with "_" are not for clients.
    """
    view = None if conversation is None else look(workflows, conversation, root)
    if view is None:
        return None
    shown = {name: value for name, value in view.variables.items() if not name.startswith("_")}
    return WorkflowStanding(
        workflow_id=view.workflow_id,
        step=view.step,
        variables=as_json(shown),
        history=[Taken(**taken) for taken in view.history],
        error=as_json(view.error),
    )


def _add_routes(
    api: APIRouter, workflows: Workflows, auth: Callable[..., Any] | None, root: Any
) -> None:
    owner, starter = by_token() if auth is None else by_user(auth)

    @api.get("/workflows", summary="List the workflows")
    async def index() -> list[WorkflowOut]:
        """The workflows that can be started."""
        return [
            WorkflowOut(
                workflow_id=name,
                name=document.workflow.name,
                description=document.workflow.description,
            )
            for name, document in workflows.documents.items()
        ]

    @api.post("/workflows/{workflow_id}/conversations", status_code=201, summary="Start a workflow")
    async def start(
        request: Request, workflow_id: WorkflowId, conversation_id: str = Depends(starter)
    ) -> schemas.Started:
        """Start a conversation with a workflow; nothing happens where the user's is open."""
        if workflow_id not in workflows.documents:
            raise Refused(
                404,
                "There is no such workflow.",
                "It was never there, or is no longer.",
                "List the workflows.",
            )
        talk = talk_of(request)
        talk.starts.take(conversation_id if talk.users else address_of(request))
        turn = await talk.start(conversation_id, ROOT + workflow_id)
        conversation = await talk.conversation(conversation_id)
        return schemas.Started(
            id=conversation_id,
            token=talk.tokens.sign(conversation_id, "ticket" if talk.users else "token"),
            expires_in=int(TICKET_AGE_S if talk.users else talk.tokens.age_s),
            turn=turn_view(turn, conversation, conversation_id),
        )

    @api.get("/conversations/{conversation_id}/workflow", summary="Where the workflow stands")
    async def stands(request: Request, conversation_id: str = Depends(owner)) -> WorkflowStanding:
        """Its variables, the steps taken, and the step that waits."""
        talk = talk_of(request)
        talk.readings.take(conversation_id)
        standing = _standing_of(await talk.conversation(conversation_id), workflows, root)
        if standing is None:
            raise Refused(
                404,
                "No workflow runs in this conversation.",
                "None has begun, or its document was changed.",
                "Start one, or say something.",
            )
        return standing


def _add_webhooks(api: APIRouter, secret: str) -> None:
    def check_secret(credentials: Credentials) -> None:
        given = "" if credentials is None else credentials.credentials
        if not secrets.compare_digest(given.encode(), secret.encode()):
            raise Refused(
                401,
                "The webhook's secret is missing, or wrong.",
                "Only services that have it may answer.",
                "Send it as the header Authorization: Bearer SECRET.",
            )

    @api.post(
        "/webhooks/{signal}/{chat_id:path}",
        summary="Answer a webhook step",
        dependencies=[Depends(check_secret)],
    )
    async def hear(
        request: Request,
        signal: Annotated[str, Path(min_length=1, max_length=255)],
        chat_id: Annotated[str, Path(min_length=1, max_length=255)],
        payload: Annotated[Any, Body()] = None,
        idempotency_key: Key = None,
    ) -> Heard:
        """Give a conversation, of any channel, the signal that one of its steps waits for."""
        talk = talk_of(request)
        if await talk.orchestrator.conversation(chat_id) is None:
            raise Refused(
                404,
                "There is no such conversation.",
                "It has not begun, or was forgotten.",
                "Send the Conversation-Id that came with the request.",
            )
        signalling = talk.orchestrator.signal(chat_id, signal, payload, message_id=idempotency_key)
        turn = await talk.feeds.during(chat_id, signalling)
        return Heard(duplicate=turn.duplicate, stale=turn.stale)
