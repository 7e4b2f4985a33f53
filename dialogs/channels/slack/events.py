"""What Slack's events say: pure functions from an event's JSON to what was heard.

An event that says nothing to a dialog (edits, people who join, the bot's own words) gives None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogs.channels.slack.places import Heard, Kind, Place
from dialogs.channels.slack.words import as_typed
from dialogs.messages import Attachment

SPOKEN = (None, "file_share", "thread_broadcast", "me_message", "bot_message")
"""The subtypes of messages that somebody said; the others tell of edits, topics, members."""

MARK = "dialogs:"
"""What the ids of our blocks and components start with; the number of the message follows."""

EVENT_TYPE = "dialogs_message"
"""The type of the metadata that our messages carry."""


def heard_message(
    event: Mapping[str, Any],
    *,
    team: str,
    bot_user: str | None,
    bot_id: str | None,
    bots: bool = False,
    threads: bool = True,
) -> Heard | None:
    """What a `message` or `app_mention` event says; both of one message give the same.

    Args:
        event: the event.
        team: the workspace that the bot is in.
        bot_user: the bot's user id.
        bot_id: the bot's id as a bot.
        bots: whether other bots are heard.
        threads: whether what is said in a channel begins a thread; else the channel is one place.

    Returns:
        None, where a dialog has nothing to hear in it.
    """
    user, channel, ts = event.get("user"), event.get("channel"), event.get("ts")
    by_bot = event.get("bot_id") or event.get("subtype") == "bot_message"
    if event.get("subtype") not in SPOKEN or not (channel and ts):
        return None
    if (user and user == bot_user) or (bot_id and event.get("bot_id") == bot_id):
        return None
    if by_bot and not bots:
        return None
    text = event.get("text") or ""
    files = tuple(map(_attachment, event.get("files") or ()))
    kinds = {Kind.FILE if files else Kind.TEXT}
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    thread = "" if direct else event.get("thread_ts") or ""
    kinds.add(Kind.DIRECT if direct else Kind.THREAD if thread else Kind.CHANNEL)
    named = bot_user and (f"<@{bot_user}>" in text or f"<@{bot_user}|" in text)
    if not direct and (named or event.get("type") == "app_mention"):
        kinds.add(Kind.MENTION)
    if not direct and not thread and threads:
        thread = ts
    return Heard(
        Place(team, channel, thread),
        user or event.get("bot_id") or "",
        ts,
        frozenset(kinds),
        as_typed(text, bot_user),
        files,
        event=dict(event),
    )


def _attachment(file: Mapping[str, Any]) -> Attachment:
    return Attachment(
        file.get("name") or file.get("title") or file.get("id") or "file",
        file.get("url_private_download") or file.get("url_private"),
        file.get("mimetype") or "application/octet-stream",
    )


# --- components -------------------------------------------------------------------------------


def heard_action(body: Mapping[str, Any], *, team: str, threads: bool = True) -> Heard | None:
    """What a `block_actions` payload says; None where it is about no message.

    Also None where no conversation can be had: a thread hangs on a message that stays.

    Args:
        body: the payload.
        team: the workspace that the bot is in.
        threads: whether a component of the app's own message in a channel begins a thread.
    """
    container, message = body.get("container") or {}, body.get("message") or {}
    channel = container.get("channel_id") or (body.get("channel") or {}).get("id")
    actions = body.get("actions")
    if not channel or not actions:
        return None
    action = actions[0]
    direct = channel.startswith("D")
    thread = container.get("thread_ts") or message.get("thread_ts") or ""
    where = Kind.DIRECT if direct else Kind.THREAD if thread else Kind.CHANNEL
    if where is Kind.CHANNEL and threads and pressed(body)[0] is None:
        if container.get("is_ephemeral"):
            return None
        thread = container.get("message_ts") or message.get("ts") or ""
    value, label = answer_of(action)
    fields = _fields(body)
    if fields:
        value = {**fields, str(action.get("action_id")): value}
    return Heard(
        Place(team, channel, "" if direct else thread),
        (body.get("user") or {}).get("id", ""),
        action.get("action_ts") or body.get("trigger_id") or "",
        frozenset({Kind.INTERACTIVE, where}),
        label,
        value=value,
        event=dict(body),
    )


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the input blocks of a message whose button was pressed, by their action ids.

    Input blocks are silent until then. What else a message has answers by itself.
    """
    if body["actions"][0].get("type") != "button":
        return {}
    blocks = (body.get("message") or {}).get("blocks") or ()
    inputs = [block.get("block_id") for block in blocks if block.get("type") == "input"]
    values = (body.get("state") or {}).get("values") or {}
    return {
        name: answer_of(component)[0]
        for block_id in inputs
        for name, component in (values.get(block_id) or {}).items()
    }


def pressed(body: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Which of our messages a component belongs to, and which of its buttons it is.

    Returns:
        The number of the message, None where it is not ours; the place of the button among the
        message's, None where it is a component of the author's own blocks.
    """
    action = body["actions"][0]
    for name in ("action_id", "block_id"):
        identity = str(action.get(name) or "")
        if identity.startswith(MARK):
            number, _, button = identity.removeprefix(MARK).partition(":")
            is_button = name == "action_id" and button.isdecimal()
            return number, int(button) if is_button else None
    metadata = (body.get("message") or {}).get("metadata") or {}
    if metadata.get("event_type") == EVENT_TYPE:
        delivery_id = str((metadata.get("event_payload") or {}).get("delivery_id") or "")
        return delivery_id.rpartition("/")[2] or None, None
    return None, None


_VALUES = (
    *("selected_date", "selected_time", "selected_date_time", "selected_user"),
    *("selected_users", "selected_conversation", "selected_conversations"),
    *("selected_channel", "selected_channels", "rich_text_value", "value"),
)


def answer_of(action: Mapping[str, Any]) -> tuple[Any, str]:
    """What a component answers, and how it reads.

    A choice answers with the value of its option, several with a list of them, a date or a time
    with its text, a text field with what was typed, a button without a value with its label.
    """
    if "selected_options" in action:
        options = action["selected_options"] or []
        return [option.get("value") for option in options], ", ".join(map(_label, options))
    if "selected_option" in action:
        option = action["selected_option"] or {}
        return option.get("value"), _label(option)
    for name in _VALUES:
        if action.get(name) is not None:
            label = _label(action) or str(action[name])
            return action[name], label
    label = _label(action)
    return label or None, label


def _label(component: Mapping[str, Any]) -> str:
    text = component.get("text")
    return str(text.get("text") or "") if isinstance(text, Mapping) else ""
