"""What a store is: bytes of conversations, kept for one writer at a time.

A store knows no conversations: it keeps bytes by chat id, lends them out one claim at a time, and
remembers beside them what it has to find them by. Nothing but `errors` and this room may come into
a store. Times are handed in, in UTC seconds, so that every store counts them alike.

The life of a turn: `claim` reads the bytes and takes the lease, in one round trip; `commit` writes
if the claim still holds, and gives the lease back, in one more.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from dialogs.errors import Busy, Conflict, StoreError


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write one conversation, until its lease runs out.

    Args:
        chat_id: whose conversation.
        body: its bytes when it was claimed or committed last; None where there are none.
        revision: how often it was committed; 0 where there are no bytes.
        token: names this claim, and no other one.
    """

    chat_id: str
    body: bytes | None = field(repr=False)
    revision: int
    token: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store keeps of one conversation.

    Args:
        chat_id: whose conversation.
        body: its bytes.
        revision: how often it was committed.
        status: the status that it was committed with.
        wake_at: when it is due, in UTC seconds; None where it never is.
        expires_at: when it is forgotten, in UTC seconds; None where it never is.
    """

    chat_id: str
    body: bytes = field(repr=False)
    revision: int
    status: str
    wake_at: float | None
    expires_at: float | None


class Store(Protocol):
    """Keeps conversations. Every method may raise `StoreUnavailable`.

    A moment that is reached has come: what wakes now is due, what expires now is gone, and a lease
    until now has run out. What has expired counts as gone for every method, whenever the store
    gets to removing it; a lease that runs outlives that, and its holder may still commit.

    Claims are plain data: what one store object claimed, another one on the same data may commit.
    A chat id is any text without NUL and lone surrogates. A call that was cancelled was made or
    not, and the store goes on working.
    """

    async def setup(self) -> None:
        """Create what the store needs; does nothing where it is there, and may run in parallel."""
        ...

    async def close(self) -> None:
        """Give connections and threads back. Nothing is lost; closing twice is no error."""
        ...

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        """Read a conversation and take its lease, in one round trip.

        Where the call is cancelled, nobody has the claim: the store gives a lease that it may
        have taken back in the background, or the lease runs out.

        Raises:
            Busy: another claim's lease still runs. `retry_after_s` says for how long.
        """
        ...

    async def commit(
        self,
        claim: Claim,
        body: bytes,
        *,
        now: float,
        status: str,
        wake_at: float | None = None,
        expires_at: float | None = None,
        hold_s: float | None = None,
    ) -> Claim:
        """Write a conversation, if nothing took its lease since the claim, in one round trip.

        A lease that ran out, and that nobody took since, is no reason to refuse. Every claim
        commits once; where the lease is held, the claim that is returned commits next.

        Args:
            claim: what `claim` or the last `commit` returned.
            body: the new bytes.
            now: the time.
            status: what `scan` finds it by.
            wake_at: when it is due, for `due`; None: never.
            expires_at: when it is forgotten; None: never.
            hold_s: keep the lease for so many seconds from now; None gives it back.

        Returns:
            The claim with the new bytes and revision, for the next commit where the lease is held.

        Raises:
            Conflict: the claim was lost, to another one or to `delete`. Nothing was written.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """Give a lease back and write nothing; does nothing where the claim was lost.

        Args:
            claim: what `claim` or the last `commit` returned. One from before a commit that held
                gives the lease back or not, as the store likes.
        """
        ...

    async def load(self, chat_id: str, *, now: float) -> Stored | None:
        """Read a conversation without a claim; None where there is none."""
        ...

    async def due(self, *, now: float, limit: int) -> list[str]:
        """The chat ids of conversations whose time has come and that nobody holds a lease on.

        Those due longest come first; leased and expired ones take no place in the limit. This is
        also when a store may remove what has expired.

        Args:
            now: the time.
            limit: how many at most.
        """
        ...

    def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        """Every conversation, or every one of a status, in no order, each once.

        One that is committed meanwhile may be seen as it was or as it is.
        """
        ...

    async def delete(self, chat_id: str) -> bool:
        """Forget a conversation, lease and all; a claim on it is lost.

        Returns:
            Whether there was one; what was only claimed was none.
        """
        ...


def new_token() -> str:
    """A name for a claim that no other claim has."""
    return secrets.token_hex(12)


def give_back(releasing: Coroutine[Any, Any, None]) -> None:
    """Give back, in the background, the lease of a claim that was cancelled while it was made."""
    task = asyncio.ensure_future(_quietly(releasing))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def _quietly(releasing: Coroutine[Any, Any, None]) -> None:
    with suppress(StoreError):  # the lease runs out by itself
        await releasing


_under_way: set[asyncio.Future[None]] = set()
"""What nobody waits for; an event loop alone would let it be collected."""


def busy(chat_id: str, leased_until: float, now: float) -> Busy:
    """The error of a claim that came while another one's lease runs."""
    return Busy(chat_id, max(leased_until - now, 0.0))


def conflict(claim: Claim) -> Conflict:
    """The error of a commit whose claim was lost."""
    return Conflict(claim.chat_id, claim.revision)
