"""What is kept of a dialog, and what it has seen while it was left."""

import pytest

from dialogs import InMemoryPersistence


@pytest.fixture
def kept():
    return InMemoryPersistence()


@pytest.fixture
def seen():
    return []
