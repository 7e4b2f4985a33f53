"""Timeouts, edited documents, long conversations: workflows under an orchestrator."""

import pytest

from dialogs import Orchestrator, ReplayError, Status, dialog, send_message
from dialogs.stores import MemoryStore
from dialogs.testing import DialogTester, FakeClock
from dialogs.workflows import interpreter
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.interpreter import RENEWED
from dialogs.workflows.loading import Document
from dialogs.workflows.problems import WorkflowFailed
from dialogs.workflows.schema import Workflow
from dialogs.workflows.sources import Source
from tests.workflows.documents import listen, say, workflow


def orchestrated(*steps, clock=None, store=None, options=None, **more):
    clock = clock or FakeClock()
    found = Workflows(workflow(*steps, **more)).dialog("w")
    return (
        Orchestrator(found, store=store or MemoryStore(), clock=clock, **(options or {})),
        clock,
    )


async def test_a_step_that_waits_too_long_goes_to_on_error():
    orchestrator, clock = orchestrated(
        listen("a", timeout="30s", on_error="late"),
        say("never", next_step="end"),
        say("late", "{error.step}: {error.type}"),
    )
    await orchestrator.start("c")

    clock.advance(29)
    assert await orchestrator.fire_due() == []
    clock.advance(2)
    (turn,) = await orchestrator.fire_due()

    assert (turn.messages, turn.status) == (["a: Timeout"], Status.COMPLETED)


async def test_a_wait_that_nobody_handles_ends_the_conversation_as_timed_out():
    orchestrator, clock = orchestrated(listen("a", timeout=30))
    await orchestrator.start("c")

    clock.advance(31)
    (turn,) = await orchestrator.fire_due()

    assert turn.status is Status.TIMED_OUT


async def test_a_question_may_be_answered_for_so_long_each_time():
    slot = {"id": "s", "type": "slot_fill", "slot": "x", "prompt": "x?", "timeout": 30}
    orchestrator, clock = orchestrated(slot | {"validation": {"type": "integer"}})
    await orchestrator.start("c")

    clock.advance(20)
    await orchestrator.handle_message("c", "no number")
    clock.advance(20)
    turn = await orchestrator.handle_message("c", "5")

    assert turn.status is Status.COMPLETED


async def test_the_workflow_as_a_whole_may_take_only_so_long():
    orchestrator, clock = orchestrated(
        listen("a"),
        listen("b", timeout="2h"),
        say("never", next_step="end"),
        say("late", "{error.type} in {error.step}"),
        listen("after"),
        timeout="1h",
        error_handling={"on_timeout": "late"},
    )
    await orchestrator.start("c")
    clock.advance(1800)
    turn = await orchestrator.handle_message("c", "one")
    assert turn.wake_at == clock().timestamp() + 1800

    clock.advance(1801)
    (turn,) = await orchestrator.fire_due()
    assert turn.messages == ["WorkflowTimeout in b"]

    # What follows has all the time there is.
    assert turn.wake_at is None
    assert turn.status is Status.WAITING_FOR_RESPONSE


async def test_a_workflow_whose_time_has_passed_ends_as_timed_out():
    orchestrator, clock = orchestrated(
        listen("a", on_error="b"), say("b"), timeout=60, error_handling={"on_error": "b"}
    )
    await orchestrator.start("c")

    clock.advance(61)
    (turn,) = await orchestrator.fire_due()

    assert (turn.messages, turn.status) == ([], Status.TIMED_OUT)


# --- edited documents -------------------------------------------------------------------------

BEFORE = [listen("a", prompt="One?"), listen("b", prompt="Two?")]
AFTER = [listen("a", prompt="ONE?"), listen("b", prompt="TWO?")]


async def test_a_document_that_was_edited_under_an_open_conversation_starts_anew():
    store = MemoryStore()
    orchestrator, clock = orchestrated(*BEFORE, store=store)
    await orchestrator.start("c")
    await orchestrator.handle_message("c", "1")

    orchestrator, _ = orchestrated(*AFTER, store=store, clock=clock)
    turn = await orchestrator.handle_message("c", "2")

    assert turn.messages == ["ONE?"]


async def test_or_the_fallback_runs_first():
    @dialog
    def changed():
        yield send_message("We have changed.")

    store = MemoryStore()
    orchestrator, clock = orchestrated(*BEFORE, store=store)
    await orchestrator.start("c")

    orchestrator, _ = orchestrated(*AFTER, store=store, clock=clock, options={"fallback": changed})
    turn = await orchestrator.handle_message("c", "1")

    assert turn.messages == ["We have changed.", "ONE?"]


async def test_a_document_with_a_version_of_its_own_goes_on_where_only_other_steps_changed():
    store = MemoryStore()
    orchestrator, clock = orchestrated(*BEFORE, store=store, version="1")
    await orchestrator.start("c")

    edited = [BEFORE[0], listen("b", prompt="TWO?")]
    orchestrator, _ = orchestrated(*edited, store=store, clock=clock, version="1")
    turn = await orchestrator.handle_message("c", "1")

    assert turn.messages == ["TWO?"]


@pytest.mark.parametrize("asking", ["wait_input", "slot_fill"])
async def test_the_words_of_an_open_question_may_be_edited_under_a_version(asking):
    def steps(prompt):
        if asking == "wait_input":
            return [listen("a", slot="a", prompt=prompt), say("b", "{a}")]
        number = {"type": "integer", "message": f"{prompt} A number, please."}
        fill = {"id": "a", "type": "slot_fill", "slot": "a", "prompt": prompt, "validation": number}
        return [fill, say("b", "{a}")]

    store = MemoryStore()
    orchestrator, clock = orchestrated(*steps("How old?"), store=store, version="1")
    await orchestrator.start("c")
    if asking == "slot_fill":
        await orchestrator.handle_message("c", "old")

    orchestrator, _ = orchestrated(*steps("Your age?"), store=store, clock=clock, version="1")
    assert [chat_id async for chat_id, _ in orchestrator.check()] == []
    assert (await orchestrator.handle_message("c", "36")).messages == ["36"]


@pytest.mark.parametrize("now", [{"min": 100}, {"min": 10_000}, {"min": 100_000}])
@pytest.mark.parametrize("limit", [1, 3])
async def test_what_a_slot_takes_may_be_edited_under_a_version(now, limit):
    def steps(validation, limit):
        rules = {"type": "integer", "message": "No.", **validation}
        fill = {"id": "a", "type": "slot_fill", "slot": "a", "prompt": "ZIP?", "validation": rules}
        return [{**fill, "retry_limit": limit, "on_error": "c"}, say("b", "{a}"), say("c", "Bye.")]

    store = MemoryStore()
    orchestrator, clock = orchestrated(*steps({"min": 10_000}, 3), store=store, version="1")
    await orchestrator.start("c")
    assert (await orchestrator.handle_message("c", "1234")).messages == ["No.", "ZIP?"]

    orchestrator, _ = orchestrated(*steps(now, limit), store=store, clock=clock, version="1")
    turn = await orchestrator.handle_message("c", "12345")
    if now["min"] <= 12_345:
        assert turn.messages[0] == "12345"
    else:
        assert turn.messages == (["Bye."] if limit == 1 else ["No.", "ZIP?"])


async def test_a_step_that_is_gone_from_under_an_open_conversation_is_named():
    store = MemoryStore()
    orchestrator, clock = orchestrated(*BEFORE, store=store, version="1")
    await orchestrator.start("c")
    edited = [listen("other", prompt="One?"), BEFORE[1]]
    orchestrator, _ = orchestrated(*edited, store=store, clock=clock, version="1")
    with pytest.raises(ReplayError, match=r"w\.a"):
        await orchestrator.handle_message("c", "1")


# --- long conversations -----------------------------------------------------------------------


def test_a_circle_of_steps_costs_the_same_for_ever():
    steps = [
        listen("a", slot="word"),
        {"id": "count", "type": "goto", "next_step": "echo"},
        say("echo", "{word}", next_step="a"),
    ]
    conversation = DialogTester(Workflows(workflow(*steps)).dialog("w")(), run="sync").start()

    sizes = []
    for number in range(4 * RENEWED):
        conversation.say(f"word {number}").expect(f"word {number}")
        sizes.append(len(conversation.bytes))

    # By then the history is as long as it gets.
    assert max(sizes[3 * RENEWED :]) <= max(sizes[2 * RENEWED : 3 * RENEWED]) * 1.05
    assert max(sizes) < 4_000


def test_what_was_set_and_counted_is_kept_when_the_dialog_goes_on_as_new():
    steps = [
        {"id": "l", "type": "loop", "max_iterations": 300, "loop_steps": ["a"]},
        listen("a", slot="word"),
        say("b", "{first} {word}"),
    ]
    workflows = Workflows(workflow(*steps, variables={"first": "x"}))
    conversation = DialogTester(workflows.dialog("w")(), run="sync").start()

    for number in range(300):
        assert not conversation.is_done, number
        conversation.say(str(number))

    result = conversation.expect("x 299").expect_done().result
    assert len(result["history"]) == 200


@pytest.mark.parametrize("fast", [True, False])
def test_a_circle_that_no_check_saw_is_stopped(fast, monkeypatch):
    monkeypatch.setattr(interpreter, "MOST_PASSED", 500)
    step = {"id": "b", "type": "goto", "next_step": "a"} if fast else say("b", next_step="a")
    steps = [{"id": "a", "type": "custom_action", "action_name": "x", "next_step": "b"}, step]
    content = workflow(*steps)
    document = Document(Workflow.model_validate(content), Source(content))
    workflows = Workflows(document, actions={"x": lambda: None})

    with pytest.raises(WorkflowFailed, match=r"500 steps followed each other.*fewer rounds"):
        DialogTester(workflows.dialog("w")(), run="sync").start()
