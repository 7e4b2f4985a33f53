"""auth and custom_action: what the host gives to its workflows, and what it lacks."""

import asyncio
import json

import pytest

from dialogs import (
    AsyncInSyncRun,
    InMemoryPersistence,
    UsageError,
    conversation_id,
    dialog,
    get_client_response,
    run_gen_dialog,
    send_message,
    step_key,
)
from dialogs.testing import DialogTester
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.problems import InvalidWorkflow
from tests.workflows.documents import act, conversing, say, slot, workflow

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
