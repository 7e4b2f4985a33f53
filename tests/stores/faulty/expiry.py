"""Stores that are wrong about expiry."""

from tests.stores.faulty.sound import NeverExpires, Sound, caught_by


@caught_by("test_a_commit_is_read_back_as_it_was_written")
class LoadsExpiredOnes(NeverExpires):
    async def load(self, chat_id, *, now):
        with self.without_expiry():
            return await super().load(chat_id, now=now)


@caught_by("test_a_claim_of_an_expired_conversation_starts_anew")
class ClaimsExpiredOnes(NeverExpires):
    async def claim(self, chat_id, *, now, lease_s):
        with self.without_expiry():
            return await super().claim(chat_id, now=now, lease_s=lease_s)


@caught_by(
    "test_an_expired_conversation_is_gone_for_every_method",
    "test_expired_conversations_take_no_place_among_the_due",
)
class FindsExpiredOnesDue(NeverExpires):
    async def due(self, *, now, limit):
        with self.without_expiry():
            return await super().due(now=now, limit=limit)


@caught_by(
    "test_a_commit_moves_the_expiry",
    "test_a_scan_finds_what_is_stored",
)
class ScansExpiredOnes(NeverExpires):
    async def scan(self, status=None, *, now):
        with self.without_expiry():
            found = [stored async for stored in super().scan(status, now=now)]
        for stored in found:
            yield stored


@caught_by("test_a_commit_is_read_back_as_it_was_written")
class ExpiresAMomentTooLate(Sound):
    async def commit(self, claim, body, **options):
        committed = await super().commit(claim, body, **options)
        row = self._rows[claim.chat_id]
        row.expires_at = row.expires_at and row.expires_at + 0.001
        return committed


@caught_by("test_until_it_expires_a_conversation_is_there")
class ExpiresTooEarly(Sound):
    async def commit(self, claim, body, **options):
        expires_at = options["expires_at"] and options["expires_at"] - 1
        return await super().commit(claim, body, **options | {"expires_at": expires_at})


@caught_by(
    "test_a_held_lease_outlives_the_expiry",
    "test_a_running_lease_outlives_the_expiry",
)
class ExpiryBreaksLeases(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        row = self._rows.get(chat_id)
        if row is not None and row.is_expired(now):
            row.token = None
        return await super().claim(chat_id, now=now, lease_s=lease_s)


@caught_by("test_a_held_lease_outlives_the_expiry")
class RemovesWhatIsLeased(Sound):
    async def due(self, *, now, limit):
        for chat_id, row in list(self._rows.items()):
            if row.is_expired(now):
                del self._rows[chat_id]
        return await super().due(now=now, limit=limit)


@caught_by(
    "test_releasing_a_claim_of_an_expired_conversation_brings_nothing_back",
    "test_releasing_a_new_conversation_leaves_nothing_behind",
)
class BringsExpiredOnesBack(Sound):
    async def release(self, claim):
        row = self._rows.get(claim.chat_id)
        if row is not None and row.token == claim.token and row.body is None:
            row.body, row.revision, row.expires_at = b"old", 1, None
        await super().release(claim)
