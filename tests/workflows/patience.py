"""How long code in the sandbox may compute in a test: what a busy machine takes is no endless loop.

The fixtures are for all tests, those of docs and examples too.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import pytest

from dialogs.workflows import sandbox, workers

PATIENT_S = 60.0


@pytest.fixture(scope="session", autouse=True)
def patient_workers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_KILL_S", PATIENT_S)
        patch.setattr(workers, "_CHECKOUT_S", PATIENT_S)
        yield


@pytest.fixture(autouse=True)
def patient_sandbox(patient_workers: None) -> Iterator[None]:
    """A test of the limit says `with allowed(TIME_S)`."""
    with allowed(PATIENT_S):
        yield


def allowed(time_s: float) -> AbstractContextManager[Any]:
    """Let one call compute for so many seconds of the real time."""
    limits = ("max_feed_duration_secs", "max_turn_duration_secs")
    return mock.patch.dict(sandbox._LIMITS, dict.fromkeys(limits, time_s))
