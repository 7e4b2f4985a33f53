"""What every request passes: where it comes from, how long it is, and the headers of the answer.

Written for ASGI itself, so that it holds for the page, the API and the errors alike, and also
where another app mounts this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dialogs.channels.web.problems import Refused, refusal_of

SAFE = ("GET", "HEAD", "OPTIONS")


def problem(refused: Refused, **more: object) -> JSONResponse:
    """A refusal as a response."""
    headers = {"Cache-Control": "no-store"}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(int(refused.retry_after_s))
    return JSONResponse(
        refused.document() | more,
        status_code=refused.status,
        media_type="application/problem+json",
        headers=headers,
    )


class Origins:
    """The origins that a browser may come from: this site, and those that are named.

    Args:
        allowed: others, such as "https://www.example.com".
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    def check(self, headers: Headers) -> None:
        """Refuse a foreign origin. What is no browser says none; its token has to do.

        Raises:
            Refused: the origin is foreign.
        """
        origin = headers.get("origin")
        if origin is None or origin.lower() in self._allowed:
            return
        try:
            parts = urlsplit(origin.lower())
        except ValueError:
            parts = urlsplit("")
        # Where a proxy ends TLS, this app sees http: the host is what tells.
        known = parts.scheme in ("http", "https") and parts.netloc
        if known and parts.netloc == headers.get("host", "").lower():
            return
        raise Refused(
            403,
            "This page may not talk to this server.",
            f"It comes from another site, {origin[:200]!r}.",
            "Name that site in create_app(allowed_origins=...).",
        )


class Guard:
    """Wraps the app.

    Args:
        app: the app.
        origins: who may ask.
        max_bytes: how long a request's body may be.
        frame_ancestors: the sites that may show the page in a frame.
    """

    def __init__(
        self, app: ASGIApp, *, origins: Origins, max_bytes: int, frame_ancestors: Sequence[str]
    ) -> None:
        self._app = app
        self._origins = origins
        self._max_bytes = max_bytes
        self._headers = security_headers(frame_ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":  # a socket's origin is checked where it is opened
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        try:
            if scope["method"] not in SAFE:
                self._origins.check(headers)
            body = await self._body(headers, receive)
            await self._app(scope, _replay(body, receive), send_with_headers)
        except Exception as error:  # noqa: BLE001 - a dialog may raise anything
            await problem(refusal_of(error))(scope, receive, send_with_headers)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body; bodies are short here."""
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:18]) > self._max_bytes:
            raise self._too_long()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(body)
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise self._too_long()
            if not message.get("more_body"):
                return bytes(body)

    def _too_long(self) -> Refused:
        return Refused(
            413,
            "The message is too long.",
            f"A request may have {self._max_bytes:,} bytes.",
            "Say it in several messages.",
        )


def security_headers(frame_ancestors: Sequence[str]) -> dict[str, str]:
    """The headers of every answer.

    Args:
        frame_ancestors: the sites that may show the page in a frame, such as
            "https://www.example.com" or "'self'".
    """
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' blob: https:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(frame_ancestors) or "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if not frame_ancestors:
        headers["X-Frame-Options"] = "DENY"
    return headers


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once, and then whatever comes."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
