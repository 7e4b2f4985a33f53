"""Stores that are wrong about finding."""

from dialogs.stores.base import Stored
from tests.stores.faulty.sound import NeverExpires, Sound, caught_by


@caught_by("test_what_is_leased_is_not_due_until_the_lease_ran_out")
class DueIgnoresLeases(Sound):
    async def due(self, *, now, limit):
        leases = {chat_id: row.token for chat_id, row in self._rows.items()}
        for row in self._rows.values():
            row.token = None
        found = await super().due(now=now, limit=limit)
        for chat_id, token in leases.items():
            if chat_id in self._rows:
                self._rows[chat_id].token = token
        return found


@caught_by("test_what_is_leased_takes_no_place_among_the_due")
class DueLimitsBeforeItLooksForLeases(Sound):
    async def due(self, *, now, limit):
        woken = [
            (row.wake_at, chat_id)
            for chat_id, row in self._rows.items()
            if row.wake_at is not None and row.wake_at <= now and row.stored(chat_id, now)
        ]
        found = [chat_id for _, chat_id in sorted(woken)[:limit]]
        return [chat_id for chat_id in found if not self._rows[chat_id].is_leased(now)]


@caught_by("test_expired_conversations_take_no_place_among_the_due")
class DueLimitsBeforeItLooksForExpiry(NeverExpires):
    async def due(self, *, now, limit):
        with self.without_expiry():
            found = await super().due(now=now, limit=limit)
        return [chat_id for chat_id in found if not self._rows[chat_id].is_expired(now)]


@caught_by("test_due_is_what_has_reached_its_time")
class DueInAnyOrder(Sound):
    async def due(self, *, now, limit):
        return (await super().due(now=now, limit=limit))[::-1]


@caught_by("test_a_deleted_conversation_is_nowhere")
class DueAMomentTooLate(Sound):
    async def due(self, *, now, limit):
        return await super().due(now=now - 0.001, limit=limit)


@caught_by("test_asking_for_the_due_changes_nothing")
class DueOnce(Sound):
    async def due(self, *, now, limit):
        found = await super().due(now=now, limit=limit)
        for chat_id in found:
            self._rows[chat_id].wake_at = None
        return found


@caught_by("test_those_due_longest_come_first")
class DueWithoutALimitOfNone(Sound):
    async def due(self, *, now, limit):
        return await super().due(now=now, limit=limit or 1_000)


@caught_by("test_a_thousand_are_found_each_once")
class DueNeverMoreThanAHundred(Sound):
    async def due(self, *, now, limit):
        return await super().due(now=now, limit=min(limit, 100))


@caught_by("test_a_scan_sees_each_once_while_they_are_committed")
class ScanRepeats(Sound):
    async def scan(self, status=None, *, now):
        count = 0
        async for stored in super().scan(status, now=now):
            count += 1
            yield stored
            if count == 200:
                yield stored


@caught_by("test_a_scan_sees_each_once_while_they_are_committed")
class ScanRepeatsWhatIsCommittedMeanwhile(Sound):
    async def scan(self, status=None, *, now):
        seen = set()
        while True:
            states = [stored async for stored in super().scan(status, now=now)]
            new = [each for each in states if (each.chat_id, each.revision) not in seen]
            if not new:
                return
            seen.add((new[0].chat_id, new[0].revision))
            yield new[0]


@caught_by("test_a_thousand_are_found_each_once")
class ScanMissesTheLast(Sound):
    async def scan(self, status=None, *, now):
        found = [stored async for stored in super().scan(status, now=now)]
        for stored in found[:512]:
            yield stored


@caught_by("test_statuses_are_any_text")
class ScanIgnoresStatus(Sound):
    async def scan(self, status=None, *, now):
        async for stored in super().scan(now=now):
            yield stored


@caught_by(
    "test_a_changed_status_leaves_the_old_list",
    "test_what_one_store_writes_the_other_reads",
)
class ScanKeepsOldStatuses(Sound):
    def __init__(self):
        super().__init__()
        self.statuses = {}

    def reopened(self):
        other = super().reopened()
        other.statuses = self.statuses
        return other

    async def commit(self, claim, body, **options):
        self.statuses.setdefault(claim.chat_id, set()).add(options["status"])
        return await super().commit(claim, body, **options)

    async def scan(self, status=None, *, now):
        async for stored in super().scan(now=now):
            if status is None or status in self.statuses[stored.chat_id]:
                yield stored


@caught_by("test_a_scan_finds_what_is_leased")
class ScanSkipsWhatIsLeased(Sound):
    async def scan(self, status=None, *, now):
        async for stored in super().scan(status, now=now):
            if not self._rows[stored.chat_id].is_leased(now):
                yield stored


@caught_by("test_a_scan_may_be_left_early")
class ScanBreaksWhenOthersWrite(Sound):
    async def scan(self, status=None, *, now):
        for chat_id, row in self._rows.items():
            stored = row.stored(chat_id, now)
            if stored is not None and status in (None, stored.status):
                yield stored


@caught_by("test_a_scan_goes_on_while_others_are_deleted")
class ScanLocks(Sound):
    locked = False

    async def scan(self, status=None, *, now):
        self.locked = True
        async for stored in super().scan(status, now=now):
            yield stored
        self.locked = False

    async def delete(self, chat_id):
        if self.locked:
            raise RuntimeError("locked")
        return await super().delete(chat_id)


@caught_by("test_nothing_is_found_in_an_empty_store")
class FindsWhatIsNotThere(Sound):
    async def load(self, chat_id, *, now):
        stored = await super().load(chat_id, now=now)
        return stored or Stored(chat_id, b"", 0, "", None, None)
