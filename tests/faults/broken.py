"""Parts that do not keep their promises, to see that the verdict notices."""

from __future__ import annotations

import asyncio
from typing import Any

from dialogs import Conversation, Sender
from dialogs.stores import Claim, MemoryStore, Store
from tests.faults.aim import Around


class Forgetful(Around):
    """A store that forgets which message ids were seen."""

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        claim = await self.inner.claim(chat_id, now=now, lease_s=lease_s)
        if claim.body is None:
            return claim
        body = Conversation.decode(claim.body).replace(seen={}).encode()
        return Claim(claim.chat_id, body, claim.revision, claim.token)


class Clinging(Around):
    """A store whose leases do not run out."""

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        return await self.inner.claim(chat_id, now=now, lease_s=3_600)


class Unchecked(MemoryStore):
    """A store that lends a conversation to everybody, and takes whatever comes back."""

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        stored = await self.load(chat_id, now=now)
        if stored is None:
            return Claim(chat_id, None, 0, "")
        return Claim(chat_id, stored.body, stored.revision, "")

    async def commit(self, claim: Claim, body: bytes, *, now: float, **facts: Any) -> Claim:
        await asyncio.sleep(0)  # as long as a round trip, so that others come in between
        fresh = await super().claim(claim.chat_id, now=now, lease_s=1)
        await super().commit(fresh, body, now=now, **facts | {"hold_s": None})
        return Claim(claim.chat_id, body, fresh.revision + 1, "")

    async def release(self, claim: Claim) -> None:
        pass


class SaidFirst(Around):
    """A store that says the messages before it keeps them."""

    def __init__(self, inner: Store, sender: Sender) -> None:
        super().__init__(inner)
        self.sender = sender

    async def commit(self, claim: Claim, body: bytes, **facts: Any) -> Claim:
        for number, message in Conversation.decode(body).outbox:
            delivery_id = f"{claim.chat_id}/{number}"
            await self.sender.send_message(claim.chat_id, message, delivery_id=delivery_id)
        return await self.inner.commit(claim, body, **facts)


class Promising:
    """A sender that says it has sent, and sends later: when all is over, so that none is sent."""

    LATER_S = 3_600.0

    def __init__(self, sender: Sender) -> None:
        self.sender = sender

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        later = self.sender.send_message(chat_id, message, delivery_id=delivery_id)
        loop = asyncio.get_running_loop()
        loop.call_later(self.LATER_S, lambda: asyncio.ensure_future(later))


def break_parts(name: str, store: Store, sender: Sender) -> tuple[Store, Sender]:
    """A store and a sender, one of them broken as named; "" breaks nothing."""
    match name:
        case "":
            return store, sender
        case "forgetful":
            return Forgetful(store), sender
        case "clinging":
            return Clinging(store), sender
        case "said first":
            return SaidFirst(store, sender), sender
        case "promising":
            return store, Promising(sender)
    raise ValueError(name)
