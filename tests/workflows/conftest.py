"""What a busy machine takes is no endless loop."""

from collections.abc import Iterator

import pytest

from dialogs.workflows import workers
from tests.workflows.patience import PATIENT_S, allowed


@pytest.fixture(scope="session", autouse=True)
def _patient_workers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_KILL_S", PATIENT_S)
        patch.setattr(workers, "_CHECKOUT_S", PATIENT_S)
        yield


@pytest.fixture(autouse=True)
def _patient_sandbox() -> Iterator[None]:
    """A test of the limit says `with allowed(TIME_S)`."""
    with allowed(PATIENT_S):
        yield
