"""Posts what dialogs say, each part of it once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import replace
from typing import Any

from dialogs.channels.slack.blocks import Post, posts_of
from dialogs.channels.slack.places import Place
from dialogs.channels.slack.web_api import WebApi, is_about_blocks, passes
from dialogs.errors import ChannelError, UsageError

logger = logging.getLogger("dialogs")

REMEMBERED = 10_000
"""How many of the messages that this process posted it remembers, so as not to post them again."""


class Posting:
    """Posts messages.

    Args:
        web: Slack's Web API.
        mrkdwn: whether their text has Slack's marks.
    """

    def __init__(self, web: WebApi, *, mrkdwn: bool) -> None:
        self._web = web
        self._mrkdwn = mrkdwn
        self._parts: OrderedDict[str, int] = OrderedDict()

    async def say(self, place: Place, message: Any, delivery_id: str, posted: int = 0) -> None:
        """Post a message.

        Args:
            place: where.
            message: what.
            delivery_id: names it.
            posted: how many parts of it stand there already, as far as is known.

        Raises:
            ChannelError: a part of it was not posted.
        """
        posts = posts_of(message, delivery_id.rpartition("/")[2], mrkdwn=self._mrkdwn)
        for part in range(max(posted, self._parts.get(delivery_id, 0)), len(posts)):
            try:
                await self._post(place, posts[part], delivery_id, part)
            except ChannelError as error:
                if not (posts[part].blocks and is_about_blocks(error)):
                    raise
                # Else nobody would see the question that the dialog waits at.
                logger.error("The text of a message was posted in place of its blocks: %s", error)  # noqa: TRY400
                await self._post(place, Post(posts[part].text), delivery_id, part)
            self._parts[delivery_id] = part + 1
        if len(self._parts) > REMEMBERED:
            self._parts.popitem(last=False)

    async def _post(self, place: Place, post: Post, delivery_id: str, part: int) -> None:
        await self._web.post(place, post, delivery_id=delivery_id, part=part, mrkdwn=self._mrkdwn)

    async def say_again(self, place: Place, message: Any, delivery_id: str) -> None:
        """Post what is missing of a message that may stand there already.

        Raises what `say` does.
        """
        try:
            posted = await self._web.posted(place, delivery_id)
        except ChannelError as error:
            if passes(error):
                raise
            # Without the scope to read, say. Said twice is better than not at all.
            logger.warning("Whether a message stands in Slack already is not known: %s", error)
            posted = 0
        await self.say(place, message, delivery_id, posted)

    async def open(self, place: Place, text: str, *, threads: bool) -> Place:
        """Open the place of a conversation that nobody asked for.

        Args:
            place: a channel; or, in its stead, a person.
            text: said first; "": nothing.
            threads: whether a conversation in a channel is a thread.

        Returns:
            The place.

        Raises:
            ChannelError: Slack refused.
            UsageError: a thread has no first message.
        """
        if place.channel.startswith(("U", "W")):
            opened = await self._web.call(place.team, "conversations_open", users=place.channel)
            place = replace(place, channel=str(opened["channel"]["id"]))
        threads = threads and not place.is_direct
        posts = posts_of(text, "")
        if threads and not posts:
            raise UsageError(
                f"A thread in {place.channel} cannot begin with nothing.",
                "A thread of Slack's hangs on a message.",
                'Give its first message: start(channel, "Time for the weekly report!").',
            )
        for post in posts:
            said = await self._web.call(
                place.team,
                "chat_postMessage",
                channel=place.channel,
                thread_ts=place.thread or None,
                text=post.text,
                mrkdwn=self._mrkdwn,
            )
            if threads and not place.thread:
                place = replace(place, thread=str(said["ts"]))
        return place
