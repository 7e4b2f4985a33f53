"""Sends what was said: the outbox of a conversation, in order, after it was committed.

A conversation is committed with its messages before they are sent, so a crash loses none of them:
what was not acknowledged is sent later, under the same delivery ids.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dialogs.conversation import Conversation
from dialogs.errors import ChannelError, StoreError
from dialogs.leases import Leases, is_cancellation
from dialogs.senders import Senders, watches
from dialogs.stores.base import Claim
from dialogs.turn import backoff

logger = logging.getLogger("dialogs")


@dataclass(frozen=True)
class Delivery:
    """Sends, and keeps how far that went.

    Args:
        senders: send what is said. Where there is none at all, the caller of a turn does; where
            there are others only, the message waits for a process that has the right one.
        leases: the way to the store.
    """

    senders: Senders
    leases: Leases

    def can_send(self, chat_id: str, conversation: Conversation) -> bool:
        """Whether there is something to send, and somebody who does."""
        return bool(conversation.outbox) and self.senders.of(chat_id) is not None

    def tell(self, chat_id: str) -> None:
        """Tell whoever watches a conversation that there may be something new."""
        watcher = self.senders.of(chat_id)
        if watches(watcher):
            watcher.look(chat_id)

    async def deliver(self, claim: Claim, before: Conversation, after: Conversation) -> None:
        """Send the outbox in order, commit how far that went, and give the lease back.

        Args:
            claim: the conversation's, held.
            before: the conversation before the turn: what its outbox has may have been sent.
            after: the conversation as it was committed.
        """
        unsent, resends, resend_at = list(after.outbox), 0, None
        old = {number for number, _ in before.outbox}
        renew_at = self.leases.now() + self.leases.lease_s / 2
        try:
            while unsent:
                if self.leases.now() >= renew_at:
                    # Before the lease runs out, and other workers send all of it once more.
                    so_far = after.replace(outbox=list(unsent))
                    claim = await self.leases.commit(claim, so_far, so_far.encode(), hold=True)
                    renew_at = self.leases.now() + self.leases.lease_s / 2
                number, message = unsent[0]
                await self._send(claim.chat_id, number, message, again=number in old)
                del unsent[0]
        except (Exception, asyncio.CancelledError) as error:
            if is_cancellation(error):
                raise
            some = len(unsent) < len(after.outbox)
            resends, resend_at = self._try_again(before, 1 if some else after.resends + 1, error)
            logger.warning(
                "Message %d of conversation %r was not sent, and is sent again later: %r",
                unsent[0][0],
                claim.chat_id,
                error,
            )
        finally:
            sent = after.replace(outbox=unsent, resends=resends, resend_at=resend_at)
            # In a task of its own, so that being cancelled does not lose what was sent.
            acknowledging = self.leases.in_background(self._acknowledge(claim, sent))
        await asyncio.shield(acknowledging)

    async def _send(self, chat_id: str, number: int, message: Any, *, again: bool) -> None:
        sender: Any = self.senders.of(chat_id)
        if sender is None or watches(sender):  # one that said so after the turn was committed
            return
        resend = getattr(sender, "resend_message", None) if again else None
        # The prompt that is said again after a digression is this same object.
        message = copy.deepcopy(message) if isinstance(message, dict | list) else message
        send = sender.send_message if resend is None else resend
        try:
            # It begins in the lease's first half; what outlives the lease is sent by others, too.
            async with asyncio.timeout(self.leases.lease_s / 2):
                await _awaited(send, chat_id, message, delivery_id=f"{chat_id}/{number}")
        except ChannelError as error:
            if not error.permanent:
                raise
            logger.error("Message %d of conversation %r is given up: %s", number, chat_id, error)  # noqa: TRY400

    def _try_again(
        self, before: Conversation, resends: int, error: BaseException
    ) -> tuple[int, float]:
        """How often sending has failed by now, and when it is tried again."""
        now = self.leases.now()
        wait_s = error.retry_after_s if isinstance(error, ChannelError) else None
        if wait_s is None and before.resend_at is not None and now < before.resend_at:
            # Turns that came before its time have tried it early; nobody waits longer for that.
            return before.resends, before.resend_at
        return resends, now + (backoff(resends) if wait_s is None else wait_s)

    async def _acknowledge(self, claim: Claim, after: Conversation) -> None:
        try:
            await self.leases.commit(claim, after, after.encode(), hold=False)
        except StoreError as error:
            # The turn has happened all the same; what was sent is sent once more.
            logger.warning("That messages were sent was not kept: %s", error)


async def _awaited(send: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Call a sender's method; one that is not async blocks, and so is called in a thread."""
    if inspect.iscoroutinefunction(send):
        await send(*args, **options)
        return
    answer = await asyncio.to_thread(send, *args, **options)
    if inspect.isawaitable(answer):
        await answer
