"""Steps that fail: who handles it, what is tried again, what is undone."""

import logging

import pytest

from dialogs import Orchestrator, call, dialog
from dialogs.stores import MemoryStore
from dialogs.testing import DialogTester
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.integrations import Integration
from dialogs.workflows.loading import load_workflow
from dialogs.workflows.problems import WorkflowFailed, WorkflowWarning
from tests.workflows.documents import act, broken, conversing, fail, listen, say, slot, workflow


def test_on_error_gets_the_error_in_a_variable():
    conversation = conversing(
        fail("a", on_error="sorry"),
        say("never", next_step="end"),
        say("sorry", "{error.step}, {error.type}, {error.message}"),
    )

    result = conversation.start().expect("a, ConnectionError, no line").result

    assert result["error"] is None
    assert result["history"] == [
        {"step": "a", "outcome": "failed"},
        {"step": "sorry", "outcome": "done"},
    ]


def test_a_step_that_is_not_critical_is_passed():
    conversing(fail("a", critical=False), say("b", "{error.type}")).start().expect(
        "ConnectionError"
    )


def test_the_workflows_own_error_handling_is_taken_last():
    conversation = conversing(
        fail("a", next_step="end"), say("sorry"), error_handling={"on_error": "sorry"}
    )

    conversation.start().expect("This is sorry.").expect_done()


def test_error_handling_that_fails_itself_does_not_go_on_for_ever():
    conversation = conversing(
        fail("a", next_step="end"), fail("sorry"), error_handling={"on_error": "sorry"}
    )

    with pytest.raises(WorkflowFailed, match="Step 'sorry'"):
        conversation.start()


def test_the_workflow_may_end_with_a_message():
    conversation = conversing(
        fail("a"), say("b"), error_handling={"message": "That failed: {error.message}."}
    )

    result = conversation.start().expect("That failed: no line.").expect_done().result

    assert result["error"] == {
        "step": "a",
        "type": "ConnectionError",
        "message": "no line",
        "status": None,
        "body": None,
    }


def test_a_last_message_that_fails_too_tells_of_both():
    conversation = conversing(fail("a"), error_handling={"message": "{error.body.detail}"})

    with pytest.raises(
        WorkflowFailed, match=r"'a'.*no line, and of .*message .*'error.body.detail'"
    ):
        conversation.start()


@pytest.mark.parametrize(
    "step",
    [
        {"type": "auth", "auth_provider": "nobody"},
        {"type": "api_call", "integration": "nowhere", "endpoint": "/x"},
        {"type": "webhook", "integration": "nowhere", "endpoint": "/x"},
        {"type": "condition", "condition": "unset > 1", "if_true": "end"},
        {"type": "loop", "loop_condition": "unset > 1", "loop_steps": ["inside"]},
        {"type": "response", "response_text": "{unset.name}"},
        {"type": "custom_action", "action_name": "fail"},
        {"type": "slot_fill", "slot": "x", "prompt": "{unset.name}"},
        {"type": "wait_input", "prompt": "{unset.name}"},
    ],
    ids=lambda step: step["type"],
)
def test_every_type_of_step_may_fail_and_be_passed_or_handled(step):
    host = {
        "actions": {"fail": broken},
        "auth": {"nobody": lambda: False},
        "integrations": {"nowhere": Integration("http://127.0.0.1:1")},
    }
    inside = [say("inside")] if step["type"] == "loop" else []
    steps = [step | {"id": "a"}, *inside, say("on", "on: {error.step}", next_step="end")]
    handled = [*steps, say("else", "else: {error.step}")]
    handled[0] = handled[0] | {"on_error": "else"}

    passed = [steps[0] | {"critical": False}, *steps[1:]]
    conversing(*passed, host=host, variables={"unset": None}).start().expect("on: a").expect_done()
    conversing(*handled, host=host, variables={"unset": None}).start().expect("else: a")


async def test_a_failure_is_logged_once_and_what_a_client_makes_warns_nobody(caplog):
    caplog.set_level(logging.INFO, "dialogs")
    content = workflow(
        fail("a", critical=False),
        slot("x", type="integer") | {"retry_limit": 1, "critical": False},
        listen("b"),
    )
    found = Workflows(content, actions={"fail": broken}).dialog("w")
    orchestrator = Orchestrator(found, store=MemoryStore())

    for message in ("hi", "no number", "b"):
        await orchestrator.handle_message("c", message)

    assert [(record.levelname, record.getMessage()[:52]) for record in caplog.records] == [
        ("WARNING", "Step 'a' of the workflow 'w' failed: ConnectionError"),
        ("INFO", "Step 'ask_x' of the workflow 'w' failed: NotFilled: "),
    ]


def test_a_failure_on_the_way_of_a_failure_goes_its_own_way():
    steps = [
        fail("a", on_error="b"),
        say("never", next_step="end"),
        fail("b", on_error="c"),
        fail("c", critical=False),
        say("d", "{error.step}"),
    ]

    conversing(*steps).start().expect("c").expect_done()


def test_what_nobody_handles_undoes_the_turn_which_can_be_tried_again():
    line = [ConnectionError("no line"), "there"]

    def dial():
        found = line.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    conversation = conversing(
        listen("a"), act("dial", "dial"), say("b", "{dial}"), host={"actions": {"dial": dial}}
    ).start()

    with pytest.raises(
        WorkflowFailed, match="Step 'dial' of the workflow 'w' failed: Conn"
    ) as error:
        conversation.say("go")
    assert (error.value.step, error.value.type_name) == ("dial", "ConnectionError")
    conversation.say("go").expect("there").expect_done()


def test_a_step_is_tried_again_before_it_has_failed():
    outcomes = [ValueError("1"), ValueError("2"), "well", ValueError("3")]

    def shaky():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    steps = [act("a", "shaky", retry_on_failure=True), say("b", "{a}")]

    conversing(*steps, host={"actions": {"shaky": shaky}}).start().expect("well").expect_done()
    assert len(outcomes) == 1


def test_a_dialog_is_tried_again_too():
    tries = []

    def count():
        tries.append(1)
        return len(tries)

    @dialog
    def shaky():
        if (yield call(count)) < 3:
            raise ValueError("too early")
        return "well"

    steps = [act("a", "shaky", retry_on_failure=2), say("b", "{a}")]

    conversing(*steps, host={"actions": {"shaky": shaky}}).start().expect("well").expect_done()


def test_a_dialog_that_always_fails_fails_the_step_and_one_that_forbids_is_not_tried_again():
    tries = []

    @dialog
    def shaky(error):
        tries.append(1)
        yield call(dict)
        raise PermissionError("no") if error == "no" else ValueError("ill")

    step = act("a", "shaky", parameters={"error": "{x}"}, retry_on_failure=2, critical=False)
    steps, host = [step, say("b", "{error.type}")], {"actions": {"shaky": shaky}}

    conversing(*steps, variables={"x": "ill"}, host=host).start().expect("ValueError")
    conversing(*steps, variables={"x": "no"}, host=host).start().expect("PermissionError")


def test_a_missing_step_fails_only_when_it_is_reached():
    content = workflow(
        listen("a"),
        {"id": "c", "type": "condition", "condition": "text == 'on'", "if_true": "gone"},
        say("b", next_step="a"),
    )
    with pytest.warns(WorkflowWarning):
        document = load_workflow(content, strict=False)
    conversation = DialogTester(Workflows(document).dialog("w")()).start()

    conversation.say("off").expect("This is b.")
    with pytest.raises(WorkflowFailed, match=r"'gone', which does not exist.*Add the step"):
        conversation.say("on")
    conversation.say("off").expect("This is b.")
