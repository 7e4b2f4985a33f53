"""Stores that are wrong about sharing."""

import asyncio
import dataclasses

from dialogs.stores.base import Claim
from tests.stores.faulty.sound import Sound, caught_by


@caught_by("test_of_many_commits_of_one_claim_at_once_exactly_one_is_made")
class ChecksClaimsAMomentTooEarly(Sound):
    async def commit(self, claim, body, **options):
        row = self._rows.get(claim.chat_id)
        holds = row is not None and (row.token, row.revision) == (claim.token, claim.revision)
        await asyncio.sleep(0)
        if holds:
            row.token, row.revision = claim.token, claim.revision
        return await super().commit(claim, body, **options)


@caught_by(
    "test_increments_by_many_tasks_lose_nothing",
    "test_many_conversations_at_once_do_not_mix",
)
class MixesClaimsUp(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        self.asked = chat_id
        await asyncio.sleep(0)
        claim = await super().claim(chat_id, now=now, lease_s=lease_s)
        row = self._rows.get(self.asked)
        return dataclasses.replace(claim, body=row.body if row else None)


@caught_by("test_a_cancelled_call_leaves_the_store_working")
class StaysLockedWhenCancelled(Sound):
    def __init__(self):
        super().__init__()
        self.gate = asyncio.Semaphore(1)

    async def claim(self, chat_id, *, now, lease_s):
        async with asyncio.timeout(0.2):
            await self.gate.acquire()
        await asyncio.sleep(0)
        try:
            return await super().claim(chat_id, now=now, lease_s=lease_s)
        finally:
            self.gate.release()


@caught_by("test_setup_may_be_called_again_and_forgets_nothing")
class SetupForgets(Sound):
    async def setup(self):
        self._rows.clear()


@caught_by("test_closing_twice_is_no_error")
class ClosesOnce(Sound):
    closed = False

    async def close(self):
        if self.closed:
            raise RuntimeError("closed")
        self.closed = True


@caught_by("test_a_store_that_did_nothing_can_be_closed")
class CannotCloseUnused(Sound):
    used = False

    async def claim(self, chat_id, *, now, lease_s):
        self.used = True
        return await super().claim(chat_id, now=now, lease_s=lease_s)

    async def load(self, chat_id, *, now):
        self.used = True
        return await super().load(chat_id, now=now)

    async def close(self):
        if not self.used and type(self).opened > 1:
            raise RuntimeError("never opened")

    opened = 0

    def __init__(self):
        super().__init__()
        type(self).opened += 1


@caught_by("test_all_that_was_written_is_there_after_closing")
class ForgetsWhenClosed(Sound):
    async def close(self):
        self._rows.clear()


@caught_by("test_setup_may_run_in_several_stores_at_once")
class KeepsACopy(Sound):
    def reopened(self):
        other = type(self)()
        other._rows = dict(self._rows)
        return other


@caught_by("test_of_claims_of_several_stores_at_once_exactly_one_wins")
class KnowsOnlyItsOwnClaims(Sound):
    def __init__(self):
        super().__init__()
        self.own = set()

    async def claim(self, chat_id, *, now, lease_s):
        row = self._rows.get(chat_id)
        if row is not None and row.token not in self.own:
            row.token = None
        claim = await super().claim(chat_id, now=now, lease_s=lease_s)
        self.own.add(claim.token)
        return claim


@caught_by("test_a_claim_holds_across_stores")
class CommitsOnlyItsOwnClaims(Sound):
    def __init__(self):
        super().__init__()
        self.own = set()

    async def claim(self, chat_id, *, now, lease_s):
        claim = await super().claim(chat_id, now=now, lease_s=lease_s)
        self.own.add(claim.token)
        return claim

    async def commit(self, claim, body, **options):
        if claim.token not in self.own:
            claim = Claim(claim.chat_id, None, -1, "")
        return await super().commit(claim, body, **options)
