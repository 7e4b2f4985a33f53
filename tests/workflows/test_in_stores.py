"""Conversations as data in every store: two processes take turns; neither remembers anything."""

import pytest

from dialogs import Orchestrator, Status
from dialogs.testing import FakeClock
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.looking import look
from tests.stores.test_agreement import IN_PROCESS, SERVERS
from tests.workflows.documents import listen, say, workflow
from tests.workflows.test_state_steps import greeting

PAY = workflow(
    {"id": "ask", "type": "slot_fill", "slot": "amount", "prompt": "How much?"},
    {"id": "hook", "type": "webhook", "signal": "paid", "timeout": 60, "on_error": "late"},
    say("thanks", "{amount}: {hook.receipt}", next_step="end"),
    say("late", "Too late for {amount}."),
    listen("after"),
)


@pytest.fixture(params=[*IN_PROCESS, *SERVERS], ids=lambda make: make.__name__)
async def stores(request):
    """The stores of two processes, on the same data."""
    made = request.param(request)
    for store in made:
        await store.setup()
    yield made[0], made[-1]
    for store in made:
        await store.close()


async def test_states_are_kept_in_every_store(stores):
    here, there = [Orchestrator(greeting().dialog(), store=store) for store in stores]

    await here.handle_message("c", "hi")
    await there.handle_message("c", "Ada")
    await here.handle_message("c", "old")
    turn = await there.handle_message("c", "36")

    assert turn.result == {"opening": "hi", "chat_id": "c", "name": "Ada", "age": 36}


async def test_workflows_are_kept_in_every_store_with_their_signals_and_timers(stores):
    clock = FakeClock()
    here, there = [
        Orchestrator(Workflows(PAY).dialog("w"), store=store, clock=clock) for store in stores
    ]
    for chat_id in ("a", "b"):
        await here.start(chat_id)
        await there.handle_message(chat_id, "5")

    paid = await here.signal("a", "paid", {"receipt": "r7"})
    clock.advance(61)
    (late,) = await there.fire_due()

    assert (paid.messages, paid.status) == (["5: r7"], Status.COMPLETED)
    assert (late.chat_id, late.messages) == ("b", ["Too late for 5."])
    own = Workflows(PAY)
    seen = look(own, await here.conversation("b"), own.dialog("w"))
    assert seen.step == "after"
    assert seen.variables["error"]["type"] == "Timeout"
