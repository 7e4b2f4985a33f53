"""Stores that are wrong about claims and releases."""

import asyncio
import dataclasses

from dialogs.errors import Busy
from tests.stores.faulty.sound import Sound, caught_by


@caught_by("test_leases_of_other_conversations_do_not_matter")
class ForgetsLeases(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        if chat_id in self._rows:
            self._rows[chat_id].token = None
        return await super().claim(chat_id, now=now, lease_s=lease_s)


@caught_by(
    "test_a_claim_on_what_expired_and_was_claimed_anew_is_lost",
    "test_a_lease_runs_until_its_last_moment_and_no_longer",
)
class LeasesForEver(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        return await super().claim(chat_id, now=now, lease_s=1e9)


@caught_by(
    "test_a_claim_that_was_taken_over_cannot_commit_after_that_one_committed",
    "test_releasing_a_claim_that_was_taken_over_leaves_the_new_one_alone",
)
class LeasesAMomentTooLong(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        row = self._rows.get(chat_id)
        if row is not None and row.token is not None and row.leased_until == now:
            raise Busy(chat_id, 0.0)
        return await super().claim(chat_id, now=now, lease_s=lease_s)


@caught_by(
    "test_a_busy_claim_changes_nothing",
    "test_after_the_time_that_busy_tells_a_claim_succeeds",
)
class ExtendsLeasesOfOthers(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        try:
            return await super().claim(chat_id, now=now, lease_s=lease_s)
        except Busy:
            self._rows[chat_id].leased_until = now + lease_s
            raise


@caught_by(
    "test_a_claim_under_a_running_lease_is_busy",
    "test_a_commit_that_holds_keeps_the_lease",
)
class DoesNotTellHowLongItIsBusy(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        try:
            return await super().claim(chat_id, now=now, lease_s=lease_s)
        except Busy:
            raise Busy(chat_id, 0.0) from None


@caught_by(
    "test_of_many_claims_at_once_exactly_one_wins",
    "test_of_many_takeovers_at_once_exactly_one_wins",
)
class LetsSeveralIn(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        row = self._rows.get(chat_id)
        leased = row is not None and row.is_leased(now)
        await asyncio.sleep(0)
        if row is not None and not leased:
            row.token = None
        return await super().claim(chat_id, now=now, lease_s=lease_s)


@caught_by("test_leases_of_other_conversations_do_not_matter")
class LeasesEverythingAtOnce(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        for other, row in self._rows.items():
            if other != chat_id and row.is_leased(now):
                raise Busy(chat_id, row.leased_until - now)
        return await super().claim(chat_id, now=now, lease_s=lease_s)


@caught_by(
    "test_a_claim_that_was_taken_over_before_any_commit_cannot_commit",
    "test_every_claim_has_a_token_of_its_own",
)
class NamesClaimsByRevision(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        claim = await super().claim(chat_id, now=now, lease_s=lease_s)
        self._rows[chat_id].token = f"{claim.revision}"
        return dataclasses.replace(claim, token=f"{claim.revision}")


@caught_by(
    "test_releasing_a_committed_claim_leaves_the_next_claim_alone",
    "test_releasing_twice_is_no_error_and_leaves_the_next_claim_alone",
)
class ReleasesForAnybody(Sound):
    async def release(self, claim):
        row = self._rows.get(claim.chat_id)
        if row is not None and row.token is not None:
            await super().release(dataclasses.replace(claim, token=row.token))


@caught_by(
    "test_a_held_claim_can_be_released",
    "test_a_released_conversation_can_be_claimed_at_once",
)
class NeverReleases(Sound):
    async def release(self, claim):
        pass


@caught_by("test_releasing_a_new_conversation_leaves_nothing_behind")
class LeavesReleasedOnesBehind(Sound):
    async def release(self, claim):
        row = self._rows.get(claim.chat_id)
        if row is not None and row.body is None:
            row.body = b""
        await super().release(claim)


@caught_by(
    "test_releasing_writes_nothing",
    "test_what_a_commit_holds_is_not_due",
)
class ForgetsTimesAtRelease(Sound):
    async def release(self, claim):
        await super().release(claim)
        if claim.chat_id in self._rows:
            self._rows[claim.chat_id].wake_at = None


@caught_by("test_a_released_claim_cannot_commit")
class TakesReleasedClaims(Sound):
    async def release(self, claim):
        row = self._rows.get(claim.chat_id)
        if row is not None and row.token == claim.token:
            row.leased_until = 0.0


@caught_by("test_claiming_alone_leaves_nothing_to_be_seen")
class ShowsClaims(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        claim = await super().claim(chat_id, now=now, lease_s=lease_s)
        row = self._rows[chat_id]
        row.body = row.body or b""
        return claim


@caught_by("test_a_claim_of_nothing_has_no_body")
class CountsFromOne(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        claim = await super().claim(chat_id, now=now, lease_s=lease_s)
        if claim.body is None:
            self._rows[chat_id].revision = 1
        return dataclasses.replace(claim, revision=claim.revision or 1)
