"""A caller cancelled at any moment: its turn happened or did not, and a retry has its answer."""

import pytest

from dialogs.stores import MemoryStore
from tests.faults.broken import Forgetful
from tests.faults.cancelling import tell_cancelled
from tests.faults.scripts import SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
async def test_a_caller_cancelled_at_any_moment_loses_and_repeats_nothing(script):
    good, moments = await tell_cancelled(script, MemoryStore(), "chat", 0)
    assert good.wrong == []
    assert moments > 30
    for at in range(1, moments + 1):
        told, _ = await tell_cancelled(script, MemoryStore(), "chat", at)
        assert told.failed == 1, at
        assert told.wrong == [], at
        assert told.outcome() == good.outcome(), at


# --- the checks bite --------------------------------------------------------------------------


class Clinging(MemoryStore):
    """Gives no lease back but by a commit."""

    async def release(self, claim):
        pass


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (Clinging(), "the lease was not given back"),
        (Forgetful(MemoryStore()), "id-0: the retry ran"),
    ],
)
async def test_a_store_that_breaks_a_promise_is_found_out(store, said):
    found = []
    for at in range(1, 8):
        told, _ = await tell_cancelled(SCRIPTS[0], store, f"chat-{at}", at)
        found += told.wrong
    assert said in found
