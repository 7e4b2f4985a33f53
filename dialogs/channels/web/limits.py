"""How often: token buckets in this process's memory.

Each process counts for itself, and forgets when it ends: with four processes, four times as much
gets through. What must hold across processes belongs into the proxy in front of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from dialogs.channels.web.problems import Refused

MOST_KEYS = 10_000
"""How many buckets are kept, before the full ones are dropped."""


class Limit:
    """A bucket for each key, full at first.

    Args:
        per_minute: how many fit into a bucket, and flow into it each minute.
        what: what is counted, in the plural, for the refusal.
        clock: tells the time, in seconds.
    """

    def __init__(
        self, per_minute: float, what: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = max(float(per_minute), 1.0)
        self._per_s = self._size / 60
        self._what = what
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Take one out of a key's bucket.

        Raises:
            Refused: it is empty.
        """
        now = self._clock()
        held, since = self._buckets.get(key, (self._size, now))
        held = min(held + (now - since) * self._per_s, self._size)
        if held < 1:
            raise Refused(
                429,
                f"There were too many {self._what}.",
                f"{self._size:g} a minute are allowed.",
                "Wait a little, and try again.",
                retry_after_s=math.ceil((1 - held) / self._per_s),
            )
        self._buckets[key] = held - 1, now
        if len(self._buckets) > MOST_KEYS:
            self._drop_full(now)

    def _drop_full(self, now: float) -> None:
        """Forget the buckets that are full again, and if that is not enough, the oldest."""
        self._buckets = {
            key: (held, since)
            for key, (held, since) in self._buckets.items()
            if held + (now - since) * self._per_s < self._size
        }
        while len(self._buckets) > MOST_KEYS:
            del self._buckets[next(iter(self._buckets))]
