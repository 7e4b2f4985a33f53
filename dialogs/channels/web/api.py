"""The REST routes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dialogs.channels.showing import attachments_of
from dialogs.channels.web import schemas
from dialogs.channels.web.problems import Refused
from dialogs.channels.web.rights import check_owner, id_of, new_id
from dialogs.channels.web.talk import Talk
from dialogs.channels.web.tokens import TICKET_AGE_S
from dialogs.channels.web.views import clean, entries_after, standing_of, turn_view

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What a browser may show of itself; any other file is only saved."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Problem, "description": description}
    for status, description in {
        400: "The request cannot be read.",
        401: "There is no valid token.",
        403: "The conversation, or the page, is another's.",
        404: "There is no such thing.",
        409: "Too much is kept already.",
        413: "The request is too long.",
        422: "The request is not understood.",
        429: "There were too many requests.",
        500: "The dialog raised an exception; nothing was kept.",
        503: "The conversation is busy, or its store does not answer.",
    }.items()
}

ConversationId = Annotated[
    str, Path(min_length=1, max_length=250, description="The id that came with the token.")
]
After = Annotated[int, Query(ge=0, lt=2**53, description="Only messages with higher numbers.")]

_bearer = HTTPBearer(auto_error=False, description="The token of the conversation.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def talk_of(request: Request) -> Talk:
    """The parts of the app that a request came to."""
    return cast("Talk", request.app.state.talk)


def address_of(connection: Any) -> str:
    """Where a request comes from; behind a proxy, what the server makes of its headers."""
    return connection.client.host if connection.client else ""


def make_api(auth: Callable[..., Any] | None) -> APIRouter:
    """The routes.

    Args:
        auth: the host's dependency that returns the user; None: tokens are used.
    """
    owner, starter = by_token() if auth is None else by_user(auth)
    api = APIRouter(responses=PROBLEMS)

    @api.post("/conversations", status_code=201, summary="Start a conversation")
    async def start(request: Request, conversation_id: str = Depends(starter)) -> schemas.Started:
        """Start a conversation; where the site has its own sign-in, find the user's."""
        talk = talk_of(request)
        talk.starts.take(conversation_id if talk.users else address_of(request))
        conversation = await talk.conversation(conversation_id) if talk.users else None
        if conversation is None:
            turn = await talk.start(conversation_id)
            conversation = await talk.conversation(conversation_id)
            view = turn_view(turn, conversation, conversation_id)
        else:
            view = schemas.TurnOut(
                **standing_of(conversation), messages=[], duplicate=False, stale=False
            )
        return schemas.Started(
            id=conversation_id,
            token=talk.tokens.sign(conversation_id, "ticket" if talk.users else "token"),
            expires_in=int(TICKET_AGE_S if talk.users else talk.tokens.age_s),
            turn=view,
        )

    @api.get("/conversations/{conversation_id}", summary="Read a conversation")
    async def read(
        request: Request, conversation_id: str = Depends(owner), after: After = 0
    ) -> schemas.ConversationOut:
        """Its last messages, and where it stands."""
        talk = talk_of(request)
        talk.readings.take(conversation_id)
        conversation = await talk.conversation(conversation_id)
        if conversation is None:
            raise Refused(
                404,
                "There is no such conversation.",
                "It has not begun, or was forgotten.",
                "Say something, and it begins.",
            )
        return schemas.ConversationOut(
            id=conversation_id,
            messages=entries_after(conversation, conversation_id, after),
            **standing_of(conversation),
        )

    @api.post("/conversations/{conversation_id}/messages", summary="Say something")
    async def say(
        request: Request, saying: schemas.Saying, conversation_id: str = Depends(owner)
    ) -> schemas.TurnOut:
        """Give the conversation a text or a pressed button; returns what is said to it."""
        talk = talk_of(request)
        turn = await talk.say(conversation_id, saying)
        return turn_view(turn, await talk.conversation(conversation_id), conversation_id)

    @api.post("/conversations/{conversation_id}/start", summary="Begin again")
    async def begin(request: Request, conversation_id: str = Depends(owner)) -> schemas.TurnOut:
        """Begin the next run of the dialog; nothing happens while one is open."""
        talk = talk_of(request)
        talk.messages.take(conversation_id)
        turn = await talk.start(conversation_id)
        return turn_view(turn, await talk.conversation(conversation_id), conversation_id)

    @api.delete("/conversations/{conversation_id}", status_code=204, summary="Forget it")
    async def forget(request: Request, conversation_id: str = Depends(owner)) -> None:
        """Delete the conversation, transcript and all."""
        talk = talk_of(request)
        talk.messages.take(conversation_id)
        await talk.forget(conversation_id)

    @api.get(
        "/conversations/{conversation_id}/files/{number}/{index}",
        summary="Fetch a file",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    async def fetch(
        request: Request,
        number: Annotated[int, Path(ge=0, lt=2**53)],
        index: Annotated[int, Path(ge=0, le=10_000)],
        conversation_id: str = Depends(owner),
    ) -> Response:
        """The content of a message's attachment."""
        talk = talk_of(request)
        talk.readings.take(conversation_id)
        entry = await talk.entry(conversation_id, number)
        files = attachments_of(entry.message)
        content = files[index].content if index < len(files) else None
        if content is None:
            raise Refused(
                404,
                f"Message {number} has no such file.",
                "It has fewer, or that one is somewhere else.",
                "Read the conversation again.",
            )
        return _file(files[index].name, files[index].media_type, content)

    @api.get("/health", summary="Is it well?")
    async def health(request: Request) -> schemas.Health:
        """The server answers, and its store does."""
        await talk_of(request).conversation("health")
        return schemas.Health(status="ok")

    return api


# --- whose ------------------------------------------------------------------------------------


def by_token() -> tuple[Callable[..., str], Callable[..., str]]:
    """Dependencies for the id of the asked and of a new conversation, where tokens are used."""

    def owner(
        request: Request,
        conversation_id: ConversationId,
        credentials: Credentials,
    ) -> str:
        if credentials is None:
            raise Refused(
                401,
                "There is no token.",
                "A conversation belongs to who holds its token.",
                "Send it as the header Authorization: Bearer TOKEN.",
            )
        held = talk_of(request).tokens.read(credentials.credentials)
        check_owner(held.conversation_id, conversation_id)
        return conversation_id

    return owner, new_id


def by_user(auth: Callable[..., Any]) -> tuple[Callable[..., str], Callable[..., str]]:
    """The same, where the host knows its users."""
    signed_in = Depends(auth)

    def starter(user: Any = signed_in) -> str:
        return id_of(user)

    def owner(conversation_id: ConversationId, user: Any = signed_in) -> str:
        check_owner(id_of(user), conversation_id)
        return conversation_id

    return owner, starter


def _file(name: str, media_type: str, content: bytes) -> Response:
    """A file that no browser runs, whatever is in it."""
    shown = media_type if media_type in IMAGES else "application/octet-stream"
    place = "inline" if shown in IMAGES else "attachment"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name) or "file"
    return Response(
        content,
        media_type=shown,
        headers={
            "Content-Disposition": f'{place}; filename="{plain}"; '
            f"filename*=UTF-8''{quote(clean(name), safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
