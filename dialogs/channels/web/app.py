"""`create_app`: the web channel as an ASGI app, to serve or to mount."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match

from dialogs.channels.web.api import address_of, make_api
from dialogs.channels.web.description import describe
from dialogs.channels.web.feeds import Feeds
from dialogs.channels.web.guard import Guard, Origins, problem
from dialogs.channels.web.limits import Limit
from dialogs.channels.web.live import Line
from dialogs.channels.web.problems import Refused, refusal_of
from dialogs.channels.web.talk import Talk
from dialogs.channels.web.tokens import Tokens
from dialogs.errors import DialogsError, UsageError
from dialogs.orchestrator import Orchestrator
from dialogs.spans import Span, seconds

PAGE = files("dialogs.channels.web") / "page"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
SCRIPTS = ("chat.js", "line.js", "show.js")
FILES = {"chat.css": "text/css", "icon.svg": "image/svg+xml"} | dict.fromkeys(
    SCRIPTS, "text/javascript"
)


def create_app(
    orchestrator: Orchestrator,
    *,
    secret: str | bytes | Sequence[str | bytes],
    auth: Callable[..., Any] | None = None,
    title: str = "Chat",
    allowed_origins: Sequence[str] = (),
    frame_ancestors: Sequence[str] = (),
    token_age: Span = timedelta(days=30),
    max_message_bytes: int = 16_384,
    messages_per_minute: float = 60,
    starts_per_minute: float = 30,
    connections_per_minute: float = 120,
    sockets_per_conversation: int = 8,
    poll_s: float = 1.0,
    timers: bool = True,
    owns_store: bool = True,
) -> FastAPI:
    """The web channel: a chat page, a REST API and a WebSocket, as one ASGI app.

    It takes the chat ids that start with "web:". Served by itself, its lifespan sets the store up,
    fires timers, and closes the store; mounted, the host's lifespan has to enter
    `app.router.lifespan_context(app)`, since ASGI tells a mounted app nothing of it.

    Args:
        orchestrator: has the conversations. It needs `history=`, which is the transcript.
        secret: signs the tokens: 16 characters or more. Several: the first one signs, all are
            accepted.
        auth: a FastAPI dependency that returns the id of the signed-in user, or raises. Each user
            has one conversation then, under `chat_id_of(user)`. None: whoever starts a
            conversation gets a token for it.
        title: what stands above the page.
        allowed_origins: other sites whose pages may use the API and the WebSocket, such as
            "https://www.example.com".
        frame_ancestors: sites that may show the page in a frame.
        token_age: how long a token holds, in seconds or as a timedelta; one that is used gets
            renewed.
        max_message_bytes: how long a request or a frame may be.
        messages_per_minute: how many messages one conversation takes; it is read ten times as
            often.
        starts_per_minute: how many conversations one address starts; with `auth`, how often one
            user asks for theirs.
        connections_per_minute: how many sockets one address opens.
        sockets_per_conversation: how many sockets follow one conversation at once.
        poll_s: how often an open page looks for what other processes said, in seconds.
        timers: whether the app's lifespan fires timers.
        owns_store: whether it sets the store up and closes it.

    Raises:
        UsageError: the orchestrator keeps no history, the secret can be guessed, or another
            channel has the chat ids.
    """
    if not orchestrator.history:
        raise UsageError(
            "create_app() needs an orchestrator that keeps a history.",
            "The page shows it as the transcript.",
            "Make it with Orchestrator(..., history=100).",
        )
    feeds = Feeds(orchestrator, poll_s=poll_s, most=sockets_per_conversation)
    talk = Talk(
        orchestrator,
        Tokens(secret, age_s=seconds(token_age, "token_age={!r}")),
        feeds,
        messages=Limit(messages_per_minute, "messages"),
        readings=Limit(10 * messages_per_minute, "requests"),
        starts=Limit(starts_per_minute, "new conversations"),
        connections=Limit(connections_per_minute, "connections"),
        users=auth is not None,
        max_message_bytes=max_message_bytes,
    )
    orchestrator.attach(feeds.prefix, feeds)
    app = FastAPI(
        title=title,
        docs_url=None,  # they load scripts of other sites
        redoc_url=None,
        lifespan=_lifespan(talk, timers=timers, owns_store=owns_store),
    )
    app.state.talk = talk
    describe(app)
    api = make_api(auth)
    app.include_router(api)
    _add_page(app, talk, title)
    origins = Origins(allowed_origins)
    _add_socket(app, talk, origins)
    _add_problems(app)
    app.add_middleware(
        Guard, origins=origins, max_bytes=max_message_bytes, frame_ancestors=frame_ancestors
    )
    if allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(allowed_origins),
            allow_methods=["DELETE", "GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    return app


def _lifespan(talk: Talk, *, timers: bool, owns_store: bool) -> Any:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if owns_store:
                await stack.enter_async_context(talk.orchestrator)
            stack.push_async_callback(talk.feeds.settle)
            firing = asyncio.ensure_future(talk.orchestrator.run_timers()) if timers else None
            try:
                yield
            finally:
                if firing is not None:
                    firing.cancel()
                    with suppress(asyncio.CancelledError):
                        await firing

    return lifespan


def _add_page(app: FastAPI, talk: Talk, title: str) -> None:
    facts = {
        "title": html.escape(title),
        "access": "users" if talk.users else "tokens",
        "opening": "needed" if talk.orchestrator.takes_opening else "free",
        "limit": str(talk.max_message_bytes),
    }
    page = (PAGE / "index.html").read_text("utf-8")
    page = re.sub(r"{{(\w+)}}", lambda found: facts[found[1]], page)
    app.add_api_route("/", _serve(page, "text/html"), include_in_schema=False)
    for name, media_type in FILES.items():
        text = (PAGE / name).read_text("utf-8")
        app.add_api_route(f"/{name}", _serve(text, media_type), include_in_schema=False)


def _serve(text: str, media_type: str) -> Callable[[], Any]:
    async def serve() -> Response:
        return Response(text, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return serve


def _add_socket(app: FastAPI, talk: Talk, origins: Origins) -> None:
    @app.websocket("/live")
    async def live(websocket: WebSocket) -> None:
        try:
            origins.check(websocket.headers)
            talk.connections.take(address_of(websocket))
        except Refused as refused:
            if "websocket.http.response" in websocket.scope.get("extensions", {}):
                await websocket.send_denial_response(problem(refused))
            else:
                await websocket.close()  # before it was accepted: the server answers 403
            return
        await websocket.accept()
        await Line(websocket, talk).run()


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        places = [{"loc": found["loc"], "msg": found["msg"]} for found in error.errors()]
        unreadable = any(found["type"] == "json_invalid" for found in error.errors())
        refused = Refused(
            400 if unreadable else 422,
            "The request is not understood.",
            "It does not fit the API's description.",
            "Compare it with openapi.json.",
        )
        return problem(refused, errors=places)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        refused = Refused(
            error.status_code,
            f"{error.detail}.",
            "There is nothing to be done for it here.",
            "Compare it with openapi.json.",
        )
        answer = problem(refused)
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(_methods_of(app, request))
        return answer

    @app.exception_handler(DialogsError)
    @app.exception_handler(Refused)
    async def refuse(_request: Request, error: Exception) -> Response:
        return problem(refusal_of(error))


def _methods_of(app: FastAPI, request: Request) -> list[str]:
    """What can be done with a path; of several routes, Starlette names only the first one's."""
    scopes = [dict(request.scope, method=method) for method in METHODS]
    return [
        scope["method"]
        for scope in scopes
        if any(route.matches(scope)[0] is Match.FULL for route in app.routes)
    ]
