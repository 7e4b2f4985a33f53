"""Stores that are wrong about commits."""

import dataclasses

from tests.stores.faulty.sound import Sound, caught_by


@caught_by("test_a_claim_commits_once")
class IgnoresTokens(Sound):
    async def commit(self, claim, body, **options):
        row = self._rows.get(claim.chat_id)
        if row is not None:
            claim = dataclasses.replace(claim, token=row.token)
        return await super().commit(claim, body, **options)


@caught_by("test_what_was_claimed_before_a_held_commit_cannot_commit")
class IgnoresRevisions(Sound):
    async def commit(self, claim, body, **options):
        row = self._rows.get(claim.chat_id)
        if row is not None:
            claim = dataclasses.replace(claim, revision=row.revision)
        return await super().commit(claim, body, **options)


@caught_by("test_a_claim_that_was_taken_over_cannot_commit_after_that_one_was_released")
class WritesWhatWasDeleted(Sound):
    async def commit(self, claim, body, **options):
        if claim.chat_id not in self._rows:
            claim = await self.claim(claim.chat_id, now=options["now"], lease_s=1)
        return await super().commit(claim, body, **options)


@caught_by("test_a_late_commit_is_accepted_where_nobody_took_the_lease")
class RefusesLateCommits(Sound):
    async def commit(self, claim, body, **options):
        row = self._rows.get(claim.chat_id)
        if row is not None and not row.is_leased(options["now"]):
            row.token = None
        return await super().commit(claim, body, **options)


@caught_by(
    "test_a_load_sees_what_was_committed_whoever_holds_the_lease",
    "test_a_refused_commit_writes_nothing_at_all",
)
class WritesHalfOfARefusedCommit(Sound):
    async def commit(self, claim, body, **options):
        if claim.chat_id in self._rows:
            self._rows[claim.chat_id].wake_at = options["wake_at"]
        return await super().commit(claim, body, **options)


@caught_by(
    "test_a_commit_moves_the_time",
    "test_a_commit_replaces_all_that_was_there",
)
class KeepsOldTimes(Sound):
    async def commit(self, claim, body, **options):
        row = self._rows.get(claim.chat_id)
        if row is not None and options["wake_at"] is None:
            options["wake_at"] = row.wake_at
        return await super().commit(claim, body, **options)


@caught_by("test_a_commit_replaces_all_that_was_there")
class KeepsOldExpiry(Sound):
    async def commit(self, claim, body, **options):
        row = self._rows.get(claim.chat_id)
        if row is not None and row.expires_at is not None:
            options["expires_at"] = row.expires_at
        return await super().commit(claim, body, **options)


@caught_by(
    "test_a_commit_returns_the_claim_with_the_new_bytes",
    "test_a_held_claim_commits_again",
)
class LosesHold(Sound):
    async def commit(self, claim, body, **options):
        return await super().commit(claim, body, **options | {"hold_s": None})


@caught_by(
    "test_a_claim_reads_what_was_committed_last",
    "test_a_commit_gives_the_lease_back",
)
class HoldsAlways(Sound):
    async def commit(self, claim, body, **options):
        hold_s = options.get("hold_s")
        return await super().commit(claim, body, **options | {"hold_s": hold_s or 30})


@caught_by(
    "test_a_commit_that_holds_may_make_the_lease_shorter",
    "test_a_held_claim_that_was_taken_over_cannot_commit",
)
class HoldsForTheOldLease(Sound):
    async def commit(self, claim, body, **options):
        row = self._rows.get(claim.chat_id)
        until = row.leased_until if row is not None else 0
        committed = await super().commit(claim, body, **options)
        self._rows[claim.chat_id].leased_until = until
        return committed


@caught_by(
    "test_a_commit_returns_the_claim_with_the_new_bytes",
    "test_a_lease_that_ran_out_is_no_hindrance_to_anything",
)
class CommitReturnsTheOldClaim(Sound):
    async def commit(self, claim, body, **options):
        await super().commit(claim, body, **options)
        return claim


@caught_by(
    "test_increments_by_several_stores_lose_nothing",
    "test_revisions_count_the_commits",
)
class CountsTwice(Sound):
    async def commit(self, claim, body, **options):
        committed = await super().commit(claim, body, **options)
        if committed.revision == 11:
            self._rows[claim.chat_id].revision += 1
        return committed
