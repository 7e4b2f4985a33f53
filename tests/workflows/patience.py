"""How long code in the sandbox may compute in a test."""

from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from dialogs.workflows import sandbox

PATIENT_S = 60.0


def allowed(time_s: float) -> AbstractContextManager[Any]:
    """Let one call compute for so many seconds of the real time."""
    limits = ("max_feed_duration_secs", "max_turn_duration_secs")
    return mock.patch.dict(sandbox._LIMITS, dict.fromkeys(limits, time_s))
