"""What is kept of the dialogs whose steps are tested."""

import pytest

from dialogs import InMemoryPersistence


@pytest.fixture
def kept():
    return InMemoryPersistence()
