"""PostgresStore does what every store must."""

import pytest

from dialogs.testing import StoreSuite


class TestPostgresStore(StoreSuite):
    @pytest.fixture
    def reopen(self, store, make):
        return make
