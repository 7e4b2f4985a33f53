"""What each type of step does, apart from those that need a service or a clock."""

import asyncio
import functools
import json
import logging
from datetime import date

import pytest

from dialogs import (
    AsyncInSyncRun,
    Button,
    InMemoryPersistence,
    Message,
    Orchestrator,
    UsageError,
    call,
    conversation_id,
    dialog,
    get_client_response,
    run_gen_dialog,
    send_message,
    step_key,
)
from dialogs.stores import MemoryStore
from dialogs.testing import DialogTester
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.integrations import Integration
from dialogs.workflows.loading import load_workflow
from dialogs.workflows.problems import InvalidWorkflow, WorkflowFailed, WorkflowWarning
from dialogs.workflows.understanding import Understood
from tests.workflows.documents import act, broken, conversing, fail, listen, say, workflow

# --- response, wait_input, goto ---------------------------------------------------------------


def test_a_response_says_its_text_with_what_the_names_stand_for():
    step = say("a", "{name} has {count}, {{so}} {more.0.x}{nothing}.")
    variables = {"name": "Ada", "count": 3.0, "more": [{"x": True}], "nothing": None}

    conversing(step, variables=variables).start().expect("Ada has 3, {so} yes.").expect_done()


def test_a_response_takes_a_template_of_the_document_or_of_the_host():
    steps = [
        {"id": "a", "type": "response", "template": "own"},
        {"id": "b", "type": "response", "template": "hosts"},
    ]
    host = {"templates": {"hosts": "The host's {x}.", "own": "never"}}

    conversation = conversing(
        *steps, templates={"own": "My {x}."}, variables={"x": "one"}, host=host
    ).start()

    conversation.expect("My one.").expect("The host's one.").expect_done()


def test_a_response_has_buttons():
    step = say("a", "Well?", buttons=["Yes, {x}", "No"])

    said = conversing(step, variables={"x": "please"}).start().said

    assert said == [Message("Well?", buttons=(Button("Yes, please"), Button("No")))]


def test_wait_input_hears_the_text_and_keeps_it_in_a_slot():
    conversation = conversing(
        listen("a", prompt="Your turn.", slot="word"), say("b", "{word} = {text}.")
    )

    conversation.start().expect("Your turn.")
    conversation.say("Hello").expect("Hello = Hello.").expect_done()


def test_steps_follow_each_other_or_go_where_they_say():
    steps = [
        say("a", next_step="c"),
        say("b", next_step="end"),
        {"id": "c", "type": "goto", "next_step": "b"},
    ]

    result = conversing(*steps).start().expect("This is a.").expect("This is b.").result

    assert [entry["step"] for entry in result["history"]] == ["a", "c", "b"]


# --- slot_fill --------------------------------------------------------------------------------


DATE = "Please give a date such as 2024-12-31."


def slot(name: str, **validation) -> dict:
    return {
        "id": f"ask_{name}",
        "type": "slot_fill",
        "slot": name,
        "prompt": f"{name}?",
        "validation": validation,
    }


@pytest.mark.parametrize(
    ("validation", "wrong", "reason", "right", "value"),
    [
        ({"type": "integer"}, "1.5", "Please give a whole number.", " 12,500 ", 12500),
        ({"type": "integer"}, "9" * 200, "Please give a whole number.", "-3", -3),
        ({"type": "number"}, "nan", "Please give a number.", "1.5", 1.5),
        ({"type": "number"}, "1,2,3", "Please give a number.", "1,234.5", 1234.5),
        ({"type": "number", "min": 1}, "0", "Please give 1 or more.", "1", 1.0),
        ({"type": "integer", "max": 5}, "6", "Please give 5 or less.", "5", 5),
        ({"type": "boolean"}, "maybe", "Please answer yes or no.", "Yes", True),
        ({"type": "date"}, "now", DATE, "2024-02-09", "2024-02-09"),
        ({"min_length": 2}, "a", "Please give 2 characters or more.", "ab", "ab"),
        ({"max_length": 2}, "abc", "Please give 2 characters or fewer.", "ab", "ab"),
        ({"pattern": "[A-Z]{2}"}, "ABC", "That is not in the form that is needed.", "AB", "AB"),
        ({}, "  ", "Please answer.", " x ", "x"),
        ({"message": "Not so: {text}."}, "", "Not so: .", "x", "x"),
    ],
)  # fmt: skip
def test_a_slot_is_asked_for_until_it_is_valid(validation, wrong, reason, right, value):
    conversation = conversing(slot("x", **validation)).start().expect("x?")

    conversation.say(wrong).expect(reason).expect("x?")

    result = conversation.say(right).expect_done().result
    assert result["variables"] == {"x": value}
    assert type(result["variables"]["x"]) is type(value)


def test_choices_are_buttons_and_compared_apart_from_case():
    conversation = conversing(slot("x", choices=["Savings", 2])).start()
    assert conversation.said[-1] == Message("x?", buttons=(Button("Savings"), Button("2")))

    conversation.say("other").expect("Please choose one of: Savings, 2.")

    assert conversation.say("savings").result["variables"] == {"x": "Savings"}


def test_after_the_last_attempt_the_slot_has_failed():
    step = {**slot("x", type="integer"), "retry_limit": 2, "on_error": "sorry"}
    conversation = conversing(
        step, say("never", next_step="end"), say("sorry", "{error.type}")
    ).start()

    conversation.say("a").say("b").expect_done()
    assert conversation.said[-1] == "NotFilled"


def test_a_slot_is_taken_from_the_entities_of_the_last_message_once():
    conversation = conversing(
        slot("amount", type="number"),
        say("got", "{amount}"),
        slot("amount2", type="number") | {"entity": "amount"},
        message={"text": "send 5", "entities": {"amount": 5, "other": "x"}},
    ).start()

    conversation.expect("5").expect("amount2?")
    answer = {"text": "the same", "entities": {"amount": "7"}}
    assert conversation.say(answer).result["variables"] == {"amount": 5.0, "amount2": 7.0}


def test_an_entity_that_is_not_valid_is_asked_for_with_the_reason():
    conversation = conversing(
        slot("amount", type="number", max=10),
        message=Understood("send 50", intent="send", entities={"amount": 50}),
    ).start()

    conversation.expect("Please give 10 or less.").expect("amount?")
    assert conversation.say("9").result["variables"] == {"amount": 9.0}


def even(value):
    if value < 0:
        raise ValueError("Not below zero, please.")
    return value % 2 == 0


async def even_later(value):
    return even(value)


@pytest.mark.parametrize("validator", [even, even_later])
def test_a_named_validator_of_the_host_decides(validator):
    step = slot("x", type="integer", validator="even")
    conversation = conversing(step, host={"validators": {"even": validator}}).start()

    conversation.say("3").expect("That is not valid.").expect("x?")
    conversation.say("-2").expect("Not below zero, please.").expect("x?")

    assert conversation.say("4").result["variables"] == {"x": 4}


# --- condition, loop --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("variables['amount'] > 0 and variables['amount'] <= 50000", True),
        ("intent == 'confirm' or 'yes' in text.lower()", True),
        ("amount > 100", False),
        ("confidence < 0.5 and entities['to'] == 'Ada'", True),
        ("unset is None", True),
        ("sum == 5 and max([1, 2]) == 2", True),
    ],
)
def test_a_condition_goes_one_of_two_ways(expression, holds):
    conversation = conversing(
        {
            "id": "c",
            "type": "condition",
            "condition": expression,
            "if_true": "right",
            "if_false": "wrong",
        },
        say("right", next_step="end"),
        say("wrong"),
        variables={"amount": 100, "unset": None, "sum": 5},
        message={"text": "Oh YES", "entities": {"to": "Ada"}},
    )

    conversation.start().expect("This is right." if holds else "This is wrong.").expect_done()


def test_a_condition_that_raises_fails_like_any_step():
    conversation = conversing(
        {"id": "c", "type": "condition", "condition": "amount > 1", "on_error": "sorry"},
        say("never", next_step="end"),
        say("sorry", "{error.step}: {error.type}"),
        variables={"amount": None},
    )

    conversation.start().expect("c: TypeError")


def test_a_loop_runs_while_its_condition_holds():
    conversation = conversing(
        {
            "id": "l",
            "type": "loop",
            "loop_condition": "text != 'stop'",
            "loop_steps": ["hear", "echo"],
        },
        listen("hear"),
        say("echo", "{text}!"),
        say("done"),
    ).start()

    conversation.say("a").expect("a!")
    conversation.say("stop").expect("stop!").expect("This is done.").expect_done()


def test_a_loop_ends_after_its_last_round_and_begins_anew_when_it_is_reached_again():
    loop = {"id": "l", "type": "loop", "max_iterations": 2, "loop_steps": ["x"]}
    conversation = conversing(loop, say("x"), listen("again", next_step="l")).start()

    conversation.expect("This is x.").expect("This is x.").expect_nothing()
    conversation.say("more").expect("This is x.").expect("This is x.").expect_nothing()


def test_loops_nest_and_a_jump_outside_leaves_them():
    conversation = conversing(
        {"id": "outer", "type": "loop", "max_iterations": 2, "loop_steps": ["inner", "ask"]},
        {"id": "inner", "type": "loop", "max_iterations": 2, "loop_steps": ["x"]},
        say("x"),
        listen("ask"),
        say("after", next_step="end"),
    ).start()

    assert conversation.said == ["This is x."] * 2
    conversation.say("go on")
    assert conversation.said == ["This is x."] * 4
    conversation.say("enough").expect_done()
    assert conversation.said[-1] == "This is after."


# --- auth, custom_action ----------------------------------------------------------------------


@pytest.mark.parametrize("answer", [True, {"level": 2}, "token"])
def test_auth_that_is_granted_goes_on(answer):
    steps = [
        {
            "id": "login",
            "type": "auth",
            "auth_provider": "mfa",
            "parameters": {"user": "{user}"},
            "on_error": "no",
        },
        say("yes", next_step="end"),
        say("no"),
    ]
    asked = []

    def mfa(user):
        asked.append(user)
        return answer

    result = conversing(*steps, variables={"user": 7}, host={"auth": {"mfa": mfa}}).start().result

    assert result["history"][-1]["step"] == "yes"
    assert result["variables"]["login"] == answer
    assert asked == [7]


def no():
    return False


async def later_no():
    return None


def forbidden():
    raise PermissionError("blocked")


@dialog
def never():
    yield send_message("Your code?")
    return (yield get_client_response()) == "1234"


@pytest.mark.parametrize("provider", [no, later_no, forbidden])
def test_auth_that_is_denied_goes_to_on_error(provider):
    steps = [
        {"id": "login", "type": "auth", "auth_provider": "mfa", "on_error": "no"},
        say("yes", next_step="end"),
        say("no", "{error.type} in {error.step}"),
    ]

    conversing(*steps, host={"auth": {"mfa": provider}}).start().expect(
        "Denied in login"
    ).expect_done()


def test_an_auth_provider_may_converse():
    steps = [
        {"id": "login", "type": "auth", "auth_provider": "code", "on_error": "no"},
        say("yes", next_step="end"),
        say("no"),
    ]
    host = {"auth": {"code": never}}

    conversing(*steps, host=host).start().expect("Your code?").say("1").expect("This is no.")
    conversing(*steps, host=host).start().expect("Your code?").say("1234").expect("This is yes.")


def test_an_action_gets_its_parameters_with_their_types_and_its_result_is_mapped():
    def book(seats, note, deep):
        return {"id": 5, "got": [seats, note, deep], "key": step_key(), "who": conversation_id()}

    step = act(
        "book",
        "book",
        parameters={"seats": "{seats}", "note": "{seats} seats", "deep": {"a": ["{who.name}"]}},
        response_mapping={"number": "id", "got": "got", "first": "got.0", "all": "", "key": "key"},
    )
    variables = {"seats": 2, "who": {"name": "Ada"}}

    result = conversing(step, variables=variables, host={"actions": {"book": book}}).start().result

    found = result["variables"]
    assert found["number"] == 5
    assert found["got"] == [2, "2 seats", {"a": ["Ada"]}]
    assert found["first"] == 2
    assert found["all"]["id"] == 5
    assert found["key"].endswith("/call:book")


async def test_an_async_action_is_awaited():
    async def look():
        return "seen"

    conversation = conversing(
        act("look", "look"), say("b", "{look}"), host={"actions": {"look": look}}
    )

    (await conversation.astart()).expect("seen").expect_done()


def test_an_action_that_needs_an_event_loop_is_for_async_runs():
    def look():
        return asyncio.get_running_loop().is_running()

    steps = [act("look", "look"), say("b", "{look}")]

    conversing(*steps, host={"actions": {"look": look}}).start().expect("yes")
    found = Workflows(workflow(*steps), actions={"look": look}).dialog("w")
    with pytest.raises(AsyncInSyncRun):
        run_gen_dialog(found(), InMemoryPersistence(), "")


def test_an_action_may_be_a_dialog_and_its_result_is_the_steps():
    @dialog
    def colour(of):
        yield send_message(f"Which colour for the {of}?")
        return {"colour": (yield get_client_response())}

    steps = [
        act("paint", "colour", parameters={"of": "{thing}"}),
        say("b", "{paint.colour} it is."),
    ]
    conversation = conversing(
        *steps, variables={"thing": "door"}, host={"actions": {"colour": colour}}
    )

    conversation.start().expect("Which colour for the door?")
    conversation.say("red").expect("red it is.").expect_done()


def test_a_path_that_leads_nowhere_fails_the_step():
    step = act("a", "get", response_mapping={"x": "no.such"}, on_error="sorry")
    host = {"actions": {"get": lambda: {"no": {}}}}

    conversation = conversing(
        step, say("n", next_step="end"), say("sorry", "{error.type}: {error.message}"), host=host
    )

    conversation.start().expect("NotFound: there is no 'no.such'")


def test_an_action_that_changes_what_it_gets_changes_no_variable():
    def spoil(items):
        items.append("more")

    step = act("a", "spoil", parameters={"items": "{items}"})
    variables = {"items": ["one"]}

    result = (
        conversing(step, variables=variables, host={"actions": {"spoil": spoil}}).start().result
    )

    assert result["variables"]["items"] == ["one"]


# --- failures ---------------------------------------------------------------------------------


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


def test_no_pattern_and_no_answer_take_long_together():
    conversation = conversing(slot("x", pattern="(a+)+b")).start()

    conversation.say("a" * 9_999).expect("That is not in the form that is needed.").expect("x?")
    conversation.say("a" * 9_999 + "b").expect_done()


def test_a_pattern_fits_the_whole_answer():
    conversation = conversing(slot("x", pattern="a|bc") | {"retry_limit": 9}).start()

    for answer in ("ab", "xa", "a\nb", "abc"):
        conversation.say(answer).expect("That is not in the form that is needed.").expect("x?")
    conversation.say("bc").expect_done()


def test_an_answer_that_is_very_long_is_not_taken():
    conversing(slot("x")).start().say("a" * 10_001).expect("That is too long.").expect("x?")


def test_a_variable_that_nothing_has_set_yet_is_nothing():
    steps = [
        say("a", "[{x}]"),
        {"id": "c", "type": "condition", "condition": "x is None and variables['x'] is None"},
        slot("x"),
    ]

    conversing(*steps).start().expect("[]").expect("x?")


def test_values_that_the_sandbox_does_not_take_are_texts_there():
    deep = functools.reduce(lambda inside, _: [inside], range(60), "x")
    values = {"day": date(2024, 1, 2), "deep": deep, "far": float("inf"), "pair": (1, 2)}
    condition = "got['day'] == '2024-01-02' and got['far'] == 'inf' and got['pair'][1] == 2"
    steps = [
        act("got", "get"),
        {"id": "c", "type": "condition", "condition": condition, "if_false": "end"},
        say("b"),
    ]

    conversing(*steps, host={"actions": {"get": lambda: values}}).start().expect("This is b.")


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


# --- what the host lacks ----------------------------------------------------------------------


def test_what_the_host_does_not_have_is_told_when_the_workflows_are_made():
    content = workflow(
        act("a", "nothing"),
        {"id": "b", "type": "auth", "auth_provider": "nobody"},
        {"id": "c", "type": "api_call", "integration": "nowhere", "endpoint": "/"},
        {"id": "d", "type": "response", "template": "unsaid"},
        slot("x", validator="unknown"),
    )

    with pytest.raises(InvalidWorkflow) as caught:
        Workflows(content, templates={"unsaide": "x"})

    assert [(problem.step, problem.field) for problem in caught.value.problems] == [
        ("a", "action_name"),
        ("b", "auth_provider"),
        ("c", "integration"),
        ("d", "template"),
        ("ask_x", "validation.validator"),
    ]
    assert "is 'unsaide' meant?" in str(caught.value)


def test_templates_of_the_host_are_checked_too():
    with pytest.raises(InvalidWorkflow, match=r"the brace '\{' stands alone"):
        Workflows(workflow(say("a")), templates={"bad": "{"})


def test_workflows_are_loaded_from_a_folder(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(workflow(say("a"))))

    assert list(Workflows(tmp_path).documents) == ["w"]
    with pytest.raises(UsageError, match="no workflow 'v'"):
        Workflows([tmp_path]).dialog("v")


def test_variables_at_the_start_are_those_of_the_document():
    workflows = Workflows(workflow(say("a", "{x}"), variables={"x": 1}))
    DialogTester(workflows.dialog("w")(variables={"x": 2})).start().expect("2")
    with pytest.raises(UsageError, match="has no variable 'y'"):
        DialogTester(workflows.dialog("w")(variables={"y": 2})).start()
