"""Stores that are wrong about contents."""

import dataclasses
import unicodedata

from tests.stores.faulty.sound import Sound, caught_by


@caught_by("test_a_body_may_shrink_to_nothing_and_is_still_there")
class ForgetsEmptyBodies(Sound):
    async def load(self, chat_id, *, now):
        stored = await super().load(chat_id, now=now)
        return stored if stored is not None and stored.body else None


@caught_by("test_a_body_may_shrink_to_nothing_and_is_still_there")
class EmptyBodiesAreNone(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        claim = await super().claim(chat_id, now=now, lease_s=lease_s)
        return dataclasses.replace(claim, body=claim.body or None)


@caught_by("test_a_body_of_any_bytes_comes_back")
class CutsBodiesAtZeros(Sound):
    async def commit(self, claim, body, **options):
        return await super().commit(claim, body.split(b"\0")[0], **options)


@caught_by("test_a_body_of_any_bytes_comes_back")
class CutsLongBodies(Sound):
    async def commit(self, claim, body, **options):
        return await super().commit(claim, body[:65_535], **options)


@caught_by("test_a_body_of_any_bytes_comes_back")
class TakesBodiesForText(Sound):
    async def commit(self, claim, body, **options):
        return await super().commit(claim, body.decode(errors="replace").encode(), **options)


@caught_by("test_a_body_of_any_bytes_comes_back")
class ReturnsViews(Sound):
    async def load(self, chat_id, *, now):
        stored = await super().load(chat_id, now=now)
        return stored and dataclasses.replace(stored, body=memoryview(stored.body))


@caught_by("test_deleting_by_any_chat_id_deletes_that_one")
class FoldsCase(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        return await super().claim(chat_id.lower(), now=now, lease_s=lease_s)


@caught_by("test_deleting_by_any_chat_id_deletes_that_one")
class StripsChatIds(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        return await super().claim(chat_id.strip(" "), now=now, lease_s=lease_s)


@caught_by("test_deleting_by_any_chat_id_deletes_that_one")
class NormalizesChatIds(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        chat_id = unicodedata.normalize("NFC", chat_id)
        return await super().claim(chat_id, now=now, lease_s=lease_s)


@caught_by(
    "test_chat_ids_of_any_text_name_conversations_of_their_own",
    "test_deleting_by_any_chat_id_deletes_that_one",
)
class CutsChatIds(Sound):
    async def claim(self, chat_id, *, now, lease_s):
        return await super().claim(chat_id[:254], now=now, lease_s=lease_s)


@caught_by("test_deleting_by_any_chat_id_deletes_that_one")
class DeletesByPattern(Sound):
    async def delete(self, chat_id):
        for other in [other for other in self._rows if other.startswith(f"{chat_id}:")]:
            del self._rows[other]
        return await super().delete(chat_id)


@caught_by("test_times_come_back_as_they_were_given")
class RoundsTimes(Sound):
    async def commit(self, claim, body, **options):
        for name in ("wake_at", "expires_at"):
            if options[name] is not None:
                options[name] = round(options[name], 3)
        return await super().commit(claim, body, **options)


@caught_by("test_times_may_be_whole_numbers")
class TakesOnlyFloats(Sound):
    async def commit(self, claim, body, **options):
        if isinstance(options["now"], int):
            raise TypeError("float expected")
        return await super().commit(claim, body, **options)


@caught_by("test_statuses_are_any_text")
class FoldsStatuses(Sound):
    async def commit(self, claim, body, **options):
        return await super().commit(claim, body, **options | {"status": options["status"].upper()})


@caught_by(
    "test_a_claim_that_was_taken_over_cannot_commit",
    "test_a_held_claim_can_be_released",
)
class LoadsOnlyWhatIsFree(Sound):
    async def load(self, chat_id, *, now):
        row = self._rows.get(chat_id)
        return None if row and row.is_leased(now) else await super().load(chat_id, now=now)
