"""Stores that are wrong about deleting."""

from tests.stores.faulty.sound import Sound, caught_by


@caught_by("test_deleting_tells_whether_there_was_one")
class DeleteAlwaysSaysYes(Sound):
    async def delete(self, chat_id):
        await super().delete(chat_id)
        return True


@caught_by("test_a_claim_alone_is_nothing_to_delete_but_is_lost")
class DeleteTakesAClaimForAConversation(Sound):
    async def delete(self, chat_id):
        return self._rows.pop(chat_id, None) is not None


@caught_by(
    "test_a_claim_alone_is_nothing_to_delete_but_is_lost",
    "test_a_claim_is_lost_to_deleting_whatever_comes_after",
)
class DeleteKeepsLeases(Sound):
    async def delete(self, chat_id):
        row = self._rows.get(chat_id)
        there = await super().delete(chat_id)
        if row is not None and row.token is not None:
            row.body = row.wake_at = row.expires_at = None
            row.revision = 0
            self._rows[chat_id] = row
        return there


@caught_by(
    "test_a_deleted_conversation_is_nowhere",
    "test_revisions_of_a_deleted_conversation_start_anew",
)
class DeleteKeepsRevisions(Sound):
    async def delete(self, chat_id):
        row = self._rows.get(chat_id)
        there = await super().delete(chat_id)
        if row is not None:
            row.body = row.wake_at = row.expires_at = row.token = None
            self._rows[chat_id] = row
        return there
