"""api_call and webhook, against a real HTTP server."""

from urllib.parse import parse_qs

import pytest
import trio

from dialogs import (
    DialogsError,
    InMemoryPersistence,
    Orchestrator,
    Status,
    run_async_gen_dialog,
    run_gen_dialog,
)
from dialogs.stores import MemoryStore
from dialogs.testing import DialogTester, FakeClock
from dialogs.workflows import integrations
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.integrations import Integration
from tests.workflows.bank import open_bank
from tests.workflows.documents import listen, say, workflow


@pytest.fixture
def bank(monkeypatch):
    monkeypatch.setattr(integrations, "WAIT_S", 0.01)
    with open_bank() as bank:
        yield bank


def ask(**more):
    step = {"id": "ask", "type": "api_call", "integration": "bank", "endpoint": "/balance"}
    return step | more


def workflows_of(bank, *steps, **more):
    own = {"headers": {"X-App": "tests"}, "timeout": 60.0}
    return Workflows(workflow(*steps, **more), integrations={"bank": Integration(bank.url, **own)})


def talk_to(bank, *steps, **more):
    return DialogTester(workflows_of(bank, *steps, **more).dialog("w")())


def test_a_request_is_filled_in_and_its_answer_mapped(bank):
    bank.answers = [(200, {"data": {"balance": 10.5, "items": [{"id": "x"}]}})]
    step = ask(
        endpoint="/accounts/{account}/balance",
        method="POST",
        query={"at": "{day}", "n": "{count}"},
        request_body={"amount": "{count}", "note": "{count} EUR", "deep": [{"who": "{account}"}]},
        headers={"X-Trace": "t-{count}"},
        response_mapping={"balance": "data.balance", "first": "data.items.0.id"},
    )
    variables = {"account": "a/b ../c?", "day": "2024-01-01", "count": 3}

    result = talk_to(bank, step, variables=variables).start().expect_done().result

    assert result["variables"] == {**variables, "balance": 10.5, "first": "x"}
    ((method, path, headers, body),) = bank.asked
    assert (method, path) == (
        "POST",
        "/api/accounts/a%2Fb%20..%2Fc%3F/balance?at=2024-01-01&n=3",
    )
    assert body == {"amount": 3, "note": "3 EUR", "deep": [{"who": "a/b ../c?"}]}
    assert (headers["x-app"], headers["x-trace"]) == ("tests", "t-3")


def test_the_step_key_is_the_idempotency_key_also_after_a_turn_that_was_lost(bank):
    conversation = talk_to(bank, listen("a"), ask(), say("b")).start()

    conversation.say("go", crash_at=1).expect("This is b.")

    keys = [headers["idempotency-key"] for _, _, headers, _ in bank.asked]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert keys[0].startswith("test/")
    assert keys[0].endswith("call:ask")


def test_an_answer_is_recorded_once_and_asked_for_once(bank):
    bank.answers = [(200, {"n": 1})]
    conversation = talk_to(bank, ask(), listen("a"), say("b", "{ask.n}")).start()

    conversation.say("x").expect("1")

    assert len(bank.asked) == 1


async def test_in_an_async_run_the_same_is_done_without_blocking(bank):
    bank.answers = [(200, {"n": 1})]
    conversation = talk_to(bank, ask(), say("b", "{ask.n}"))

    (await conversation.astart()).expect("1").expect_done()

    assert len(bank.asked) == 1


@pytest.mark.parametrize(
    ("answer", "found"),
    [((200, "just text"), "just text"), ((204, ""), ""), ((200, [1, 2]), "[1, 2]")],
)
def test_an_answer_may_be_text_nothing_or_a_list(bank, answer, found):
    bank.answers = [answer]

    assert talk_to(bank, ask(), say("b", "{ask}")).start().said == [found]


def test_an_answer_of_400_and_above_fails_with_status_and_body(bank):
    bank.answers = [(402, {"reason": "poor"})]
    steps = [
        ask(on_error="sorry", retry_on_failure=True),
        say("never", next_step="end"),
        say("sorry", "{error.type} {error.status} {error.body.reason}"),
    ]

    talk_to(bank, *steps).start().expect("HTTPError 402 poor")

    assert len(bank.asked) == 1


@pytest.mark.parametrize("run", ["sync", "async"])
def test_a_service_that_is_not_well_is_asked_again_with_the_same_key(bank, run):
    bank.answers = [(503, {}), (429, {}), (200, {"n": 1})]
    workflows = workflows_of(bank, ask(retry_on_failure=True), say("b", "{ask.n}"))

    DialogTester(workflows.dialog("w")(), run=run).start().expect("1")

    assert len(bank.asked) == 3
    assert len({headers["idempotency-key"] for _, _, headers, _ in bank.asked}) == 1


def test_after_the_last_attempt_it_has_failed(bank):
    bank.answers = [(500, {})]
    steps = [ask(retry_on_failure=1, critical=False), say("b", "{error.status}")]

    talk_to(bank, *steps).start().expect("500")

    assert len(bank.asked) == 2


@pytest.mark.parametrize("run", ["sync", "async"])
def test_a_service_that_does_not_answer_in_time_fails_the_step(bank, run):
    bank.gate.clear()
    workflows = workflows_of(bank, ask(timeout=0.05, critical=False), say("b", "{error.type}"))

    said = DialogTester(workflows.dialog("w")(), run=run).start().said

    assert said == ["TooSlow"]


def test_a_service_that_is_not_there_fails_the_step():
    content = workflow(ask(critical=False), say("b", "{error.type}"))
    workflows = Workflows(content, integrations={"bank": "http://127.0.0.1:9"})

    DialogTester(workflows.dialog("w")()).start().expect("ConnectionFailed")


@pytest.mark.parametrize(
    ("endpoint", "x"), [("/a/{x}/b", ".."), ("/a/.{x}/b", "."), ("/{x}", "."), ("/a/{x}", "")]
)
def test_a_part_of_a_path_is_never_a_step_up(bank, endpoint, x):
    steps = [ask(endpoint=endpoint, critical=False), say("b", "{error.type}")]

    talk_to(bank, *steps, variables={"x": x}).start().expect("BadPath")

    assert not bank.asked


def test_a_query_has_objects_as_json_and_lists_as_several_values(bank):
    bank.answers = [(200, {})]
    step = ask(query={"one": "{x}", "many": ["{x}", 2], "none": None, "yes": True})

    talk_to(bank, step, variables={"x": {"a": None}}).start().expect_done()

    ((_, path, _, _),) = bank.asked
    query = parse_qs(path.partition("?")[2], keep_blank_values=True)
    found = {"one": ['{"a": null}'], "many": ['{"a": null}', "2"], "none": [""], "yes": ["true"]}
    assert query == found


async def test_any_chat_id_fits_into_the_headers(bank):
    steps = [hook(integration="bank", endpoint="/note")]
    orchestrator = Orchestrator(workflows_of(bank, *steps).dialog("w"), store=MemoryStore())

    await orchestrator.start("Zoë/1 2")

    ((_, _, headers, _),) = bank.asked
    assert headers["conversation-id"] == "Zo%C3%AB/1%202"
    assert headers["idempotency-key"].startswith("Zo%C3%AB/1%202/1/")


class Nameless:
    """A persistence that does not say whose conversation it keeps."""

    def load(self):
        return None

    def save(self, log):
        pass


def test_a_conversation_without_an_id_sends_no_key(bank):
    found = workflows_of(bank, ask(), say("b", "{ask}")).dialog("w")

    run_gen_dialog(found(), Nameless(), "")

    ((_, _, headers, _),) = bank.asked
    assert "idempotency-key" not in headers


def test_the_same_is_done_on_trio(bank):
    bank.answers = [(503, {}), (200, {"n": 1})]
    step = ask(retry_on_failure=True, timeout=60)
    condition = {"id": "c", "type": "condition", "condition": "ask['n'] == 1", "if_false": "end"}
    found = workflows_of(bank, step, condition, say("b", "{ask.n}")).dialog("w")

    done = trio.run(run_async_gen_dialog, found(), InMemoryPersistence(), "")

    assert done.messages == ["1"]


def test_tests_may_answer_for_a_service_by_the_steps_id(bank):
    conversation = talk_to(bank, ask(), say("b", "{ask.n}"))
    conversation.stub("ask", {"n": 7})

    conversation.start().expect("7")

    assert not bank.asked


# --- webhooks ---------------------------------------------------------------------------------


def hook(**more):
    return {"id": "hook", "type": "webhook", **more}


async def test_a_webhook_is_sent_and_its_answer_waited_for(bank):
    steps = [
        hook(
            integration="bank",
            endpoint="/pay",
            request_body={"amount": 5},
            signal="paid",
            response_mapping={"receipt": "receipt.id"},
        ),
        say("b", "Receipt {receipt}."),
    ]
    orchestrator = Orchestrator(workflows_of(bank, *steps).dialog("w"), store=MemoryStore())

    turn = await orchestrator.handle_message("web:1", "pay")
    assert turn.status is Status.PROCESSING
    ((method, _, headers, body),) = bank.asked
    assert (method, body) == ("POST", {"amount": 5})
    assert headers["conversation-id"] == "web:1"

    turn = await orchestrator.signal("web:1", "paid", {"receipt": {"id": "r7"}}, message_id="m1")

    assert turn.messages == ["Receipt r7."]
    assert turn.status is Status.COMPLETED


def test_a_webhook_that_is_only_sent_goes_on_at_once(bank):
    bank.answers = [(202, {"taken": True})]
    steps = [hook(integration="bank", endpoint="/note"), say("b", "{hook.taken}")]

    talk_to(bank, *steps).start().expect("yes").expect_done()


async def test_a_webhook_may_wait_only_so_long(bank):
    clock = FakeClock()
    steps = [
        hook(signal="paid", timeout="1h", on_error="late"),
        say("never", next_step="end"),
        say("late", "{error.type}"),
    ]
    orchestrator = Orchestrator(
        workflows_of(bank, *steps).dialog("w"), store=MemoryStore(), clock=clock
    )
    await orchestrator.start("c")

    clock.advance(3601)
    (turn,) = await orchestrator.fire_due()

    assert turn.messages == ["Timeout"]


async def test_a_failure_nobody_handles_is_tried_again_with_the_next_message(bank):
    bank.answers = [(500, {}), (200, {"n": 1})]
    steps = [listen("a"), ask(), say("b", "{ask.n}")]
    orchestrator = Orchestrator(workflows_of(bank, *steps).dialog("w"), store=MemoryStore())
    await orchestrator.start("c")

    with pytest.raises(DialogsError, match="Step 'ask' of the workflow 'w' failed: HTTPError: 500"):
        await orchestrator.handle_message("c", "go")
    turn = await orchestrator.handle_message("c", "go")

    assert turn.messages == ["1"]
