"""Services that workflows ask over HTTP, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import stamina

from dialogs.performing import conversation_id, may_await, step_key
from dialogs.workflows.problems import StepError
from dialogs.workflows.templates import as_text
from dialogs.workflows.trying import within

LARGEST = 1_000_000
"""How long an answer may be, in bytes."""

WAIT_S = 0.5
"""How long the first wait before another attempt is, at most, in seconds; each doubles it."""

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""The statuses after which another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, filled in.

    Args:
        method: the HTTP method.
        path: the path, quoted.
        query: what comes after the "?".
        body: the JSON that is sent; None: nothing.
        headers: headers.
        calls_back: whether the service is told whose conversation it is, to answer it later.
    """

    method: str
    path: str
    query: dict[str, Any]
    body: Any
    headers: dict[str, str]
    calls_back: bool = False


@dataclass(frozen=True, slots=True)
class Integration:
    """A service.

    Args:
        base_url: what comes before the endpoint of a step, such as "https://bank.example/api".
        headers: sent with every request: a dict, or a function that makes one for each request.
        timeout: how long one attempt may take, in seconds or as a timedelta.
        auth: httpx's: a pair of name and password, or an `httpx.Auth`.
        options: more of httpx.Client's and httpx.AsyncClient's, such as {"verify": context}.
    """

    base_url: str
    headers: Mapping[str, str] | Callable[[], Mapping[str, str]] = field(default_factory=dict)
    timeout: float | timedelta = 10.0
    auth: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def ask(self, asked: Asked, *, attempts: int = 1, timeout_s: float | None = None) -> Any:
        """Send a request; for `call()`, which records what came of it.

        Args:
            asked: the request.
            attempts: how often it is tried.
            timeout_s: how long all attempts may take, in seconds.

        Returns:
            The JSON of the answer, or its text; where the run can await, an awaitable of it.

        Raises:
            StepError: it failed.
        """
        headers = {**_own_headers(asked), **asked.headers}
        if may_await():
            return self._ask_async(asked, headers, attempts, timeout_s)
        try:
            for attempt in stamina.retry_context(**_retries(attempts, timeout_s)):
                with attempt, httpx.Client(**self._client(timeout_s)) as client:
                    return _answer(client.send(_request(client, asked, headers)))
        except httpx.HTTPError as error:
            raise _failed(error) from None
        raise AssertionError("unreachable")  # pragma: no cover

    async def _ask_async(
        self, asked: Asked, headers: dict[str, str], attempts: int, timeout_s: float | None
    ) -> Any:
        async def once() -> Any:
            async with httpx.AsyncClient(**self._client(timeout_s)) as client:
                return _answer(await client.send(_request(client, asked, headers)))

        try:
            async for attempt in stamina.retry_context(**_retries(attempts, timeout_s)):
                with attempt:
                    return await within(timeout_s, once)
        except httpx.HTTPError as error:
            raise _failed(error) from None
        raise AssertionError("unreachable")  # pragma: no cover

    def _client(self, timeout_s: float | None) -> dict[str, Any]:
        span = self.timeout
        own_s = span.total_seconds() if isinstance(span, timedelta) else float(span)
        headers = self.headers() if callable(self.headers) else self.headers
        return {
            "base_url": self.base_url,
            "headers": dict(headers),
            "timeout": own_s if timeout_s is None else min(own_s, timeout_s),
            "auth": self.auth,
            **self.options,
        }


def _own_headers(asked: Asked) -> dict[str, str]:
    """The headers that tell one request from another; none where the conversation has no id."""
    whose = conversation_id()
    if whose is None:
        return {}
    headers = {"Idempotency-Key": _in_a_header(step_key())}
    if asked.calls_back:
        headers["Conversation-Id"] = _in_a_header(whose)
    return headers


def _in_a_header(text: str) -> str:
    """A text as headers can carry it: what is not plain ASCII is quoted, as in a URL."""
    return quote(text.encode("utf-8", "replace"), safe=_PLAIN)


_PLAIN = "!#$&'()*+,/:;=?@"


def _request(client: Any, asked: Asked, headers: dict[str, str]) -> httpx.Request:
    request: httpx.Request = client.build_request(
        asked.method,
        asked.path,
        params={name: _in_a_query(value) for name, value in asked.query.items()} or None,
        json=asked.body,
        headers=headers,
    )
    return request


def _in_a_query(value: Any) -> Any:
    """A value of a query: an object as JSON, a list as several values."""
    if isinstance(value, list):
        return [_in_a_query(item) for item in value]
    return as_text(value) if isinstance(value, dict) else value


def _answer(response: httpx.Response) -> Any:
    """What was answered.

    Raises:
        HTTPStatusError: the status is no success.
    """
    if not response.is_success:
        text = f"{response.status_code} {response.reason_phrase}".strip()
        raise httpx.HTTPStatusError(text, request=response.request, response=response)
    return _content(response)


def _content(response: httpx.Response) -> Any:
    if len(response.content) > LARGEST:
        raise StepError("HTTPError", f"the answer has more than {LARGEST:,} bytes")
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        return response.text


def _retries(attempts: int, timeout_s: float | None) -> dict[str, Any]:
    return {
        "on": _is_worth_trying,
        "attempts": attempts,
        "timeout": timeout_s,
        "wait_initial": WAIT_S / 2,
        "wait_jitter": WAIT_S / 2,
        "wait_max": 5.0,
    }


def _is_worth_trying(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in AGAIN
    return isinstance(error, httpx.TransportError)


def _failed(error: httpx.HTTPError) -> StepError:
    """A failure as the variable `error` tells it."""
    if isinstance(error, httpx.HTTPStatusError):
        response = error.response
        body = _content(response) if len(response.content) <= LARGEST else None
        return StepError("HTTPError", str(error), status=response.status_code, body=body)
    kind = "TooSlow" if isinstance(error, httpx.TimeoutException) else "ConnectionFailed"
    return StepError(kind, str(error) or type(error).__name__)
