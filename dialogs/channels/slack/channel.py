"""`SlackChannel`: conversations in Slack's threads, direct messages and channels.

Inwards: event -> what was heard (`events.py`) -> a turn -> acknowledgement (`listening.py`).
Outwards: message -> what is posted (`blocks.py`) -> calls of Slack's Web API (`web_api.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

from dialogs.channels.answers import button_at, button_named
from dialogs.channels.slack.blocks import chosen
from dialogs.channels.slack.clients import WorkspaceClients
from dialogs.channels.slack.events import heard_action, heard_message, pressed
from dialogs.channels.slack.places import PREFIX, Heard, Kind, Place, as_text
from dialogs.channels.slack.posting import Posting
from dialogs.channels.slack.roots import Actions, Begins, Roots
from dialogs.channels.slack.web_api import WebApi
from dialogs.channels.slack.words import escape
from dialogs.errors import ChannelError, UsageError, missing_extra
from dialogs.events import Turn
from dialogs.orchestrator import Orchestrator

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.request.async_request import AsyncBoltRequest

    from dialogs.channels.slack.listening import Work

logger = logging.getLogger("dialogs")


class SlackChannel:
    """Carries messages between Slack and an orchestrator. See docs/channels/slack.md.

    It is attached to the orchestrator by being made: for all chat ids that start with "slack:".
    As a context manager it keeps connections to Slack open, and at the end waits for the turns
    that are under way.

    Args:
        orchestrator: takes the turns.
        app: a Bolt app; it checks signatures, and knows the bot's token.
        on_mention: what a mention of the bot in a channel or a thread begins, where no
            conversation is open there: True is the orchestrator's own dialog, a dialog is that
            one, False is none. A conversation that is open hears it in any case.
        on_direct_message: the same for a direct message.
        on_thread_reply: the same for a reply in a thread that does not mention the bot.
        on_channel_message: the same for other messages of a channel.
        on_file: the same for messages with files, wherever they are; None: as other messages.
        on_action: the same for components of messages that no dialog said, such as your app's
            own; or a dict of such choices by action id, a text or a compiled pattern. What
            begins nothing is left to the app's other listeners.
        channels: "thread": what is said in a channel begins a thread, which is its conversation;
            "channel": all that is said in a channel, outside of its threads, is one conversation.
        hears: what a dialog hears: a function of `Heard`; by default `as_text`.
        bots: whether other bots are heard.
        mrkdwn: whether the text of messages has Slack's marks, such as `*bold*`; else they mean
            themselves.
        show_choice: whether a message's buttons give way to the choice when one was pressed.
        stale_text: what is told, for their eyes only, to who presses an old button; "": nothing.
        ack_within: how long an acknowledgement waits for its turn, in seconds; Slack waits 3.
        timeout: how long a call of Slack's Web API may take, in seconds.

    Raises:
        UsageError: slack_bolt is not installed, or an argument is wrong.
    """

    prefix = PREFIX

    def __init__(
        self,
        orchestrator: Orchestrator,
        app: AsyncApp,
        *,
        on_mention: Begins = True,
        on_direct_message: Begins = True,
        on_thread_reply: Begins = False,
        on_channel_message: Begins = False,
        on_file: Begins | None = None,
        on_action: Begins | Actions = False,
        channels: Literal["thread", "channel"] = "thread",
        hears: Callable[[Heard], Any] = as_text,
        bots: bool = False,
        mrkdwn: bool = False,
        show_choice: bool = True,
        stale_text: str = "That question is over.",
        ack_within: float = 2.5,
        timeout: float = 10.0,
    ) -> None:
        try:
            from dialogs.channels.slack.listening import (  # noqa: PLC0415 - an extra
                Acknowledging,
                listen,
            )
        except ImportError:
            raise missing_extra("SlackChannel", "slack-bolt with aiohttp", "slack") from None
        if channels not in ("thread", "channel"):
            raise UsageError(
                f"channels={channels!r} is not known.",
                "A conversation in a channel is a thread, or the channel.",
                'Give "thread" or "channel".',
            )
        begins = {
            Kind.INTERACTIVE: on_action,
            Kind.FILE: on_file,
            Kind.MENTION: on_mention,
            Kind.DIRECT: on_direct_message,
            Kind.THREAD: on_thread_reply,
            Kind.CHANNEL: on_channel_message,
        }
        self.orchestrator = orchestrator
        self._roots = Roots(orchestrator, begins)
        self._threads = channels == "thread"
        self._hears = hears
        self._bots = bots
        self._show_choice = show_choice
        self._stale_text = stale_text
        self._clients = WorkspaceClients(app)
        self._web = WebApi(self._clients, timeout)
        self._posting = Posting(self._web, mrkdwn=mrkdwn)
        self._acknowledging = Acknowledging(ack_within)
        listen(app, self._judge_message, self._judge_action, self._acknowledging)
        orchestrator.attach(self.prefix, self)

    async def __aenter__(self) -> Self:
        """Keep connections to Slack open."""
        await self._clients.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Wait for the turns that are under way, and close the connections."""
        await self.settle()
        await self._clients.close()

    async def settle(self) -> None:
        """Wait for the turns that are under way."""
        await self._acknowledging.settle()

    # --- what people do -----------------------------------------------------------------------

    def _judge_message(self, req: AsyncBoltRequest) -> Work | bool:
        context = req.context
        heard = heard_message(
            req.body.get("event") or {},
            team=self._team(req),
            bot_user=context.bot_user_id,
            bot_id=context.bot_id,
            bots=self._bots,
            threads=self._threads,
        )
        return True if heard is None else partial(self._hear, heard)

    def _judge_action(self, req: AsyncBoltRequest) -> Work | bool:
        heard = heard_action(req.body, team=self._team(req), threads=self._threads)
        if heard is None:
            return False
        number, index = pressed(req.body)
        if number is not None:
            return partial(self._answer, heard, number, index)
        # No dialog said that message.
        return partial(self._hear, heard) if self._roots.begun_by(heard) is not None else False

    def _team(self, req: AsyncBoltRequest) -> str:
        """The workspace that the bot is in; in shared channels, people may be in others."""
        context = req.context
        authorized = context.authorize_result
        team = (authorized.team_id if authorized is not None else None) or context.team_id or ""
        self._clients.learn(
            team, context.enterprise_id, is_installed_there=bool(context.is_enterprise_install)
        )
        return team

    async def _hear(self, heard: Heard) -> None:
        """Give a conversation what was said to it; begin one, where that begins one."""
        chat_id, root = heard.place.chat_id, self._roots.begun_by(heard)
        conversation = await self.orchestrator.conversation(chat_id)
        if root is None and (
            conversation is None
            or not (conversation.is_open or conversation.digression is not None)
        ):
            return
        message = self._hears(heard)
        if isinstance(message, str):
            button = button_named(conversation, message)
            message = message if button is None else button.answer
        await self.orchestrator.handle_message(
            chat_id, message, message_id=heard.message_id, root=root
        )

    async def _answer(self, heard: Heard, number: str, index: int | None) -> None:
        """Give a conversation the answer of a message's component."""
        chat_id = heard.place.chat_id
        if index is not None:
            conversation = await self.orchestrator.conversation(chat_id)
            button = button_at(conversation, number, index)
            if button is None:
                if conversation is None or heard.message_id not in conversation.seen:
                    await self._tell_stale(heard)
                return
            heard = replace(heard, value=button.answer, text=button.label)
        elif heard.value is None:
            return  # what was chosen before was taken back; nothing was chosen yet
        turn = await self.orchestrator.handle_message(
            chat_id,
            self._hears(heard),
            message_id=heard.message_id,
            in_reply_to=number,
        )
        if turn.stale:
            await self._tell_stale(heard)
        elif index is not None and self._show_choice:
            await self._show(heard)

    async def _tell_stale(self, heard: Heard) -> None:
        """Tell who pressed an old button that it is old."""
        if self._stale_text:
            await self._try(
                heard.place,
                "chat_postEphemeral",
                user=heard.user,
                thread_ts=heard.place.thread or None,
                text=escape(self._stale_text),
            )

    async def _show(self, heard: Heard) -> None:
        """Put the choice where the buttons were."""
        message = heard.event.get("message") or {}
        if not message.get("blocks"):
            return  # its words would be lost
        user = None if Kind.DIRECT in heard.kinds else heard.user
        await self._try(
            heard.place,
            "chat_update",
            ts=message.get("ts"),
            text=message.get("text") or "",
            blocks=chosen(message["blocks"], heard.text, user),
        )

    async def _try(self, place: Place, method: str, **arguments: Any) -> None:
        """Call what is no part of the conversation: it may fail."""
        try:
            await self._web.call(place.team, method, channel=place.channel, **arguments)
        except ChannelError as error:
            logger.warning("%s", error)

    # --- what dialogs say ---------------------------------------------------------------------

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        """Post a message. See `Sender`."""
        await self._posting.say(_place(chat_id), message, delivery_id)

    async def resend_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        """Post a message that may stand in Slack already, if it does not. See `Sender`."""
        await self._posting.say_again(_place(chat_id), message, delivery_id)

    async def start(
        self, to: str, text: str = "", *, team: str | None = None, root: str = ""
    ) -> Turn:
        """Begin a conversation that nobody asked for.

        Args:
            to: the id of a person, for a direct message; or of a channel that the bot is in.
            text: said before the dialog says anything; in a channel it begins the thread that the
                conversation has, and is needed.
            team: the workspace; by default the one of the app's token.
            root: which dialog it is, as for `Orchestrator.start`.

        Returns:
            The turn; its `chat_id` is the conversation's.

        Raises:
            ChannelError: Slack refused.
            UsageError: a thread has no first message.
            Exception: as for `Orchestrator.handle_message`.
        """
        if team is None:
            team = str((await self._web.call("", "auth_test"))["team_id"])
        place = await self._posting.open(Place(team, to), text, threads=self._threads)
        return await self.orchestrator.start(place.chat_id, root=root)


def _place(chat_id: str) -> Place:
    """The place that a message goes to.

    Raises:
        ChannelError: there is none, and never will be.
    """
    try:
        return Place.of(chat_id)
    except UsageError as error:
        raise ChannelError(error.what, error.why, error.remedy, permanent=True) from None
