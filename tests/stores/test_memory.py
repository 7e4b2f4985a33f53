"""MemoryStore does what every store must."""

import pytest

from dialogs.stores.memory import MemoryStore
from dialogs.testing import StoreSuite


class TestMemoryStore(StoreSuite):
    @pytest.fixture
    def store(self):
        return MemoryStore()
