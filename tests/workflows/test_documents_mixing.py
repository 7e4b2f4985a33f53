"""Understood messages, the root that picks a workflow, Python around documents, looking in."""

import pytest

from dialogs import (
    Orchestrator,
    Status,
    UsageError,
    call,
    dialog,
    get_client_response,
    run_gen_dialog,
    send_message,
)
from dialogs.persistence import InMemoryPersistence
from dialogs.running import DialogStepNotDone
from dialogs.stores import MemoryStore
from dialogs.testing import DialogTester
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.looking import look
from dialogs.workflows.understanding import Understood
from tests.workflows.documents import act, listen, say, workflow

GREET = workflow(say("a", "Hello ({text}, {confidence})."), trigger_intent="greet") | {
    "workflow_id": "greeting"
}
ORDER = workflow(
    {"id": "ask", "type": "slot_fill", "slot": "dish", "prompt": "Which dish?"},
    say("done", "{dish}!"),
    trigger_intent=["order", "buy"],
) | {"workflow_id": "ordering"}


def understand(text):
    words = text.lower().split()
    if "hello" in words:
        return {"intent": "greet", "confidence": 0.9}
    if "order" in words:
        return Understood(text, intent="order", entities={"dish": words[-1]} if words[1:] else {})
    return None


async def understand_later(text):
    return understand(text)


def root_of(**more):
    return Workflows([GREET, ORDER], understand=understand, **more).root()


def test_the_opening_message_picks_the_workflow_by_its_intent():
    DialogTester(root_of()("Hello you")).start().expect("Hello (Hello you, 0.9).").expect_done()
    DialogTester(root_of()("order soup")).start().expect("soup!").expect_done()


def test_a_message_that_is_understood_already_is_not_understood_again():
    message = Understood("Guten Tag", intent="greet", confidence=1.0, language="de")

    DialogTester(root_of()(message)).start().expect("Hello (Guten Tag, 1).")
    DialogTester(root_of()({"text": "x", "intent": "buy"})).start().expect("Which dish?")


def test_what_no_workflow_is_for_is_answered_until_there_is_one():
    conversation = DialogTester(root_of()("what?")).start()

    conversation.expect("Sorry, I did not understand that.")
    conversation.say("hm").expect("Sorry, I did not understand that.")
    conversation.say("order").expect("Which dish?")


def test_without_a_message_the_root_waits_for_one():
    conversation = DialogTester(root_of()()).start().expect_nothing()

    conversation.say("hello").expect("Hello (hello, 0.9).")


def test_a_default_workflow_takes_what_no_other_is_for():
    DialogTester(root_of(default="ordering")("hm")).start().expect("Which dish?")
    with pytest.raises(UsageError, match="no workflow 'paying'"):
        root_of(default="paying")


async def test_a_default_workflow_that_no_message_began_has_heard_nothing():
    own = workflow(say("a", "[{text}]"))
    orchestrator = Orchestrator(Workflows(own, default="w").root(), store=MemoryStore())

    assert (await orchestrator.start("c")).messages == ["[]"]


async def test_the_hook_may_be_async_and_is_asked_once_for_each_message():
    asked = []

    async def hook(text):
        asked.append(text)
        return await understand_later(text)

    workflows = Workflows([GREET, ORDER], understand=hook)
    orchestrator = Orchestrator(workflows.root(), store=MemoryStore())

    await orchestrator.handle_message("c", "order")
    turn = await orchestrator.handle_message("c", "fish")

    assert turn.messages == ["fish!"]
    assert asked == ["order", "fish"]


def test_a_hook_that_returns_nonsense_is_a_usage_error():
    workflows = Workflows(GREET, understand=lambda _text: 5)

    with pytest.raises(UsageError, match="hook returned 5"):
        DialogTester(workflows.dialog("greeting")("hm")).start()


def test_what_a_client_sends_that_is_no_text_is_heard_as_text():
    steps = [listen("a"), say("b", "{text}, {intent}.")]
    conversation = DialogTester(Workflows(workflow(*steps)).dialog("w")()).start()

    conversation.say({"text": "x", "intent": 5, "entities": "none"}).expect("x, .")
    conversation = DialogTester(Workflows(workflow(*steps)).dialog("w")()).start()
    conversation.say(True).expect("yes, .")


# --- Python and documents ---------------------------------------------------------------------

workflows = Workflows([GREET, ORDER], understand=understand)


@dialog
def shop():
    yield send_message("Welcome.")
    result = yield workflows.dialog("ordering")()
    yield send_message(f"So you want {result['variables']['dish']}?")
    return (yield get_client_response())


def test_python_runs_a_workflow_and_gets_its_result():
    conversation = DialogTester(shop()).start().expect("Welcome.").expect("Which dish?")

    conversation.say("Pie").expect("Pie!").expect("So you want Pie?")

    assert conversation.say("yes").result == "yes"


async def test_a_coroutine_runs_a_workflow_too():
    @dialog
    async def kitchen():
        result = await workflows.dialog("ordering")({"text": "x", "entities": {"dish": "Egg"}})
        return result["variables"]

    assert (await DialogTester(kitchen()).astart()).result == {"dish": "Egg"}


def test_the_bare_runners_run_a_workflow():
    persistence = InMemoryPersistence()
    dialog_ = workflows.dialog("ordering")

    step = run_gen_dialog(dialog_(), persistence, "")
    assert isinstance(step, DialogStepNotDone)
    step = run_gen_dialog(dialog_(), persistence, "Tea")

    assert step.return_value["variables"] == {"dish": "Tea"}


# --- looking in -------------------------------------------------------------------------------


async def test_looking_shows_variables_history_and_the_step_that_waits():
    orchestrator = Orchestrator(workflows.root(), store=MemoryStore())
    await orchestrator.handle_message("c", "order")

    view = look(workflows, await orchestrator.conversation("c"))
    assert (view.workflow_id, view.step, view.variables, view.history) == (
        "ordering",
        "ask",
        {},
        [],
    )

    await orchestrator.handle_message("c", "Tea")
    view = look(workflows, await orchestrator.conversation("c"))
    assert (view.step, view.variables) == (None, {"dish": "Tea"})
    assert [entry["step"] for entry in view.history] == ["ask", "done"]


async def test_looking_finds_a_workflow_inside_python():
    orchestrator = Orchestrator(shop, store=MemoryStore())
    await orchestrator.start("c")

    view = look(workflows, await orchestrator.conversation("c"), shop())

    assert (view.workflow_id, view.step) == ("ordering", "ask")
    assert "shop" in str((await orchestrator.conversation("c")).waiting)


async def test_looking_performs_nothing_also_where_the_document_has_changed():
    performed = []
    content = workflow(act("x", "x"), listen("a"), say("b"))

    def made(**more):
        return Workflows(content | more, actions={"x": lambda: performed.append(1)})

    orchestrator = Orchestrator(made().dialog("w"), store=MemoryStore())
    await orchestrator.start("c")
    conversation = await orchestrator.conversation("c")

    assert look(made(), conversation, made().dialog("w")).step == "a"
    assert look(made(version="2"), conversation, made(version="2").dialog("w")) is None
    assert performed == [1]


async def test_looking_at_what_is_no_workflow_shows_nothing():
    @dialog
    def plain():
        yield call(dict)
        yield get_client_response()

    orchestrator = Orchestrator(plain, store=MemoryStore())
    await orchestrator.start("c")

    assert look(workflows, await orchestrator.conversation("c"), plain) is None


async def test_looking_at_a_workflow_that_is_gone_or_another_dialog_shows_nothing():
    orchestrator = Orchestrator(shop, store=MemoryStore())
    workflows.attach(orchestrator)
    await orchestrator.start("c", root="workflow:ordering")
    conversation = await orchestrator.conversation("c")

    assert look(workflows, conversation).workflow_id == "ordering"
    assert look(Workflows(GREET, understand=understand), conversation) is None

    await orchestrator.start("d")
    assert look(workflows, await orchestrator.conversation("d"), workflows.root()) is None


def test_an_orchestrator_takes_the_same_workflows_twice_and_others_of_the_same_id_never():
    orchestrator = Orchestrator(root_of(), store=MemoryStore())
    workflows = Workflows([GREET, ORDER])

    workflows.attach(orchestrator)
    workflows.attach(orchestrator)

    with pytest.raises(UsageError, match="'workflow:greeting' cannot name another root"):
        Workflows(GREET).attach(orchestrator)


async def test_each_workflow_can_be_a_root_of_an_orchestrator():
    orchestrator = Orchestrator(shop, store=MemoryStore())
    workflows.attach(orchestrator)

    turn = await orchestrator.start("c", root="workflow:greeting")

    assert (turn.messages, turn.status) == (["Hello (, 0)."], Status.COMPLETED)
    assert look(workflows, await orchestrator.conversation("c")).step is None


def test_two_workflows_for_one_intent_or_of_one_id_are_refused():
    with pytest.raises(UsageError, match="both for the intent 'greet'"):
        Workflows([GREET, GREET | {"workflow_id": "again"}])
    with pytest.raises(UsageError, match="Two documents have the workflow_id"):
        Workflows([GREET, GREET])
