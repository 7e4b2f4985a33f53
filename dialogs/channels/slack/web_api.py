"""Calls of Slack's Web API: with a time limit, patient with rate limits, and errors told apart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dialogs.channels.slack.blocks import Post
from dialogs.channels.slack.events import EVENT_TYPE
from dialogs.channels.slack.places import Place
from dialogs.errors import ChannelError, reason_of

logger = logging.getLogger("dialogs")

PATIENCE_S = 5.0
"""How long a call waits for a rate limit to pass, before it is left to be sent again later."""

PAGES = 5
PAGE = 200

NEVER = frozenset(
    {
        # The place, or the person, is not there for us.
        *("channel_not_found", "is_archived", "not_in_channel", "is_inactive", "thread_not_found"),
        *("user_not_found", "user_disabled", "user_not_visible", "users_not_found"),
        *("cannot_dm_bot", "messages_tab_disabled", "channel_is_limited_access"),
        *("restricted_action", "restricted_action_read_only_channel", "team_not_found"),
        *("restricted_action_thread_only_channel", "restricted_action_thread_locked"),
        *("restricted_action_non_threadable_channel", "as_user_not_supported"),
        # The app is gone from the workspace.
        *("account_inactive", "token_revoked", "app_missing_action_url", "org_login_required"),
        # The message itself.
        *(
            "msg_too_long",
            "no_text",
            "invalid_blocks",
            "invalid_blocks_format",
            "invalid_arguments",
        ),
        *("msg_blocks_too_long", "too_many_attachments", "metadata_too_large", "too_many_blocks"),
        *(
            "invalid_metadata_format",
            "invalid_metadata_schema",
            "attachment_payload_limit_exceeded",
        ),
    }
)
"""Errors of Slack's that stay, however often the same message is sent."""

Clients = Callable[[str], Awaitable[Any]]
"""Gives the client of a workspace, an `AsyncWebClient` with its bot's token."""


class WebApi:
    """Slack's Web API, as the channel calls it.

    Args:
        clients: gives the client of a workspace.
        timeout_s: how long a call may take, in seconds.
    """

    def __init__(self, clients: Clients, timeout_s: float) -> None:
        self._clients = clients
        self._timeout_s = timeout_s

    async def call(self, team: str, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Call a method, such as "chat_postMessage"; returns what Slack answered.

        Raises:
            ChannelError: it failed, for ever or for now.
        """
        client, waited = await self._clients(team), 0.0
        while True:
            try:
                async with asyncio.timeout(self._timeout_s):
                    response = await getattr(client, method)(**arguments)
            except Exception as error:
                delay = _retry_after(error)
                if delay is None or waited + delay > PATIENCE_S:
                    raise refused(method, error) from error
            else:
                answer: Mapping[str, Any] = response.data
                return answer
            waited += delay
            await asyncio.sleep(delay)

    async def post(
        self, place: Place, post: Post, *, delivery_id: str, part: int, mrkdwn: bool
    ) -> None:
        """Post a part of a message, or upload a file of it.

        Raises what `call` does.
        """
        where: dict[str, Any] = {"channel": place.channel, "thread_ts": place.thread or None}
        if post.file is not None:
            name = post.file.name or "file"
            content = post.file.content
            await self.call(
                place.team, "files_upload_v2", filename=name, content=content, title=name, **where
            )
            return
        await self.call(
            place.team,
            "chat_postMessage",
            **where,
            text=post.text,
            blocks=post.blocks or None,
            mrkdwn=mrkdwn,
            metadata={
                "event_type": EVENT_TYPE,
                "event_payload": {"delivery_id": delivery_id, "part": part},
            },
        )

    async def posted(self, place: Place, delivery_id: str) -> int:
        """How many parts of a message stand in Slack already, by the last 1,000 messages there.

        Slack lets some apps read 15 messages a minute: then by those.

        Raises what `call` does.
        """
        method, where = "conversations_history", {"channel": place.channel}
        if place.thread:
            method, where = "conversations_replies", {**where, "ts": place.thread}
        count, cursor = 0, None
        for _ in range(PAGES):
            try:
                answer = await self.call(
                    place.team,
                    method,
                    **where,
                    include_all_metadata=True,
                    limit=PAGE,
                    cursor=cursor,
                )
            except ChannelError as error:
                if cursor is None or error.retry_after_s is None:
                    raise
                break  # it would be so each time: rather said twice than never
            for message in answer.get("messages") or ():
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("delivery_id") == delivery_id:
                    count = max(count, int(payload.get("part", 0)) + 1)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor or (count and not place.thread):
                break  # a channel is read from its end, where the last part stands; a thread not
        return count


def refused(method: str, error: Exception) -> ChannelError:
    """What a call's failure means to the orchestrator."""
    code = _code(error)
    permanent = code in NEVER
    return ChannelError(
        f"Slack did not take {method}: {code or reason_of(error)}.",
        "The same call can never succeed." if permanent else "It may succeed later.",
        "What the error means stands at docs.slack.dev, under the method's name.",
        permanent=permanent,
        retry_after_s=_retry_after(error),
    )


ABOUT_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"""Errors of Slack's about the blocks of a message."""


def is_about_blocks(error: ChannelError) -> bool:
    """Whether the message might be taken without its blocks."""
    return _code(error.__cause__) in ABOUT_BLOCKS


PASSING = frozenset(
    {
        *("", "ratelimited", "rate_limited", "request_timeout", "service_unavailable"),
        *("internal_error", "fatal_error", "team_added_to_org"),
    }
)
"""Errors of Slack's that pass by themselves; "" is that of a call without an answer."""


def passes(error: ChannelError) -> bool:
    """Whether the call that failed will succeed by itself, some time."""
    return _code(error.__cause__) in PASSING


def _code(error: BaseException | None) -> str:
    """Slack's name for an error; "" where there is none."""
    data = getattr(getattr(error, "response", None), "data", None)
    return str(data.get("error") or "") if isinstance(data, Mapping) else ""


def _retry_after(error: Exception) -> float | None:
    """How long a rate limit lasts, in seconds; None where that is not what failed."""
    response: Any = getattr(error, "response", None)
    if getattr(response, "status_code", None) != 429:
        return None
    headers = {name.lower(): text for name, text in response.headers.items()}
    try:
        return max(0.0, float(headers.get("retry-after", "1")))
    except ValueError:
        return 1.0
