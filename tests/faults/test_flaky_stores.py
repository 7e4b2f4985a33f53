"""A store that fails at any call: each turn happened or did not, and a retry has its answer."""

import itertools

import pytest

from dialogs.stores import MemoryStore
from tests.faults.broken import Forgetful, Unchecked
from tests.faults.flaky_store import Failure
from tests.faults.retelling import LEASE_S, tell
from tests.faults.scripts import SCRIPTS

# What a failure is like: lost or made, in one call or several, at once or slowly, and late.
KINDS_OF_FAILURE = [
    *({"made": made, "calls": calls} for made in (False, True) for calls in (1, 2, 3, 6)),
    *({"made": made, "takes_s": s} for made in (False, True) for s in (5.0, 2 * LEASE_S)),
    *({"late": calls} for calls in (1, 2, 3, 4)),
]


async def tell_with_failures(script, store, failures_of):
    """A script over a store that fails, for each of some failures of its first run."""
    names = (f"{script} {n}" for n in itertools.count())
    good = await tell(script, store, next(names), None)
    assert good.wrong == []
    failures = failures_of(good.calls)
    for failure in failures:
        told = await tell(script, store, next(names), failure)
        assert told.failed > 0
        assert told.wrong == [], f"{failure}"
        assert told.outcome() == good.outcome(), f"{failure}"
    return len(failures)


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
async def test_over_memory_each_call_may_fail_in_every_way(script):
    def failures(calls):
        return [Failure(first, **how) for first in range(1, calls + 1) for how in KINDS_OF_FAILURE]

    assert await tell_with_failures(script, MemoryStore(), failures) > 200


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("script", SCRIPTS, ids=str)
async def test_over_sqlite_each_call_may_be_lost_or_made(script, place):
    def failures(calls):
        return [
            Failure(first, made=made) for first in range(1, calls + 1) for made in (False, True)
        ]

    store = place.open()
    assert await tell_with_failures(script, store, failures) > 25
    await store.close()


@pytest.mark.parametrize("kind", ["redis", "postgres"])
async def test_over_servers_some_calls_may_be_lost_or_made(place):
    def failures(calls):
        every = itertools.cycle((False, True))
        return [Failure(first, made=next(every)) for first in range(1, calls + 1, 3)]

    store = place.open()
    await store.setup()
    for script in SCRIPTS:
        await tell_with_failures(script, store, failures)
    await store.close()


# --- the checks bite --------------------------------------------------------------------------


async def test_a_store_that_forgets_message_ids_is_found_out():
    told = await tell(SCRIPTS[0], Forgetful(MemoryStore()), "chat", Failure(2, made=True))
    assert "id-0: the retry ran" in told.wrong


async def test_a_store_that_takes_commits_which_come_too_late_is_found_out():
    found = []
    for first in range(1, 20):
        told = await tell(SCRIPTS[0], Unchecked(), "chat", Failure(first, late=4))
        found += told.wrong
    assert any("and then" in what for what in found)
    assert any("kept" in what for what in found)
