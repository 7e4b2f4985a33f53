"""What the faulty stores are made from: a store that is right, and the list of them."""

import contextlib

from dialogs.stores.memory import MemoryStore

FAULTY = []


def caught_by(*tests):
    """Note a faulty store, and the suite's tests that must fail on it."""

    def note(store_type):
        store_type.caught_by = tests
        FAULTY.append(store_type)
        return store_type

    return note


class Sound(MemoryStore):
    """Right, and shared: `reopened` makes another one of the same data."""

    def reopened(self):
        other = type(self)()
        other._rows = self._rows
        return other


class NeverExpires(Sound):
    """What the stores that are wrong about expiry are made from."""

    @contextlib.contextmanager
    def without_expiry(self):
        kept = {chat_id: row.expires_at for chat_id, row in self._rows.items()}
        for row in self._rows.values():
            row.expires_at = None
        try:
            yield
        finally:
            for chat_id, expires_at in kept.items():
                self._rows[chat_id].expires_at = expires_at
