"""What holds for every document: it is refused by name, or it loads, is drawn, runs and replays."""

import asyncio
from unittest.mock import patch

import pytest
import stamina
from hypothesis import given, strategies as st

from dialogs import Orchestrator
from dialogs.stores import MemoryStore
from dialogs.workflows import interpreter
from dialogs.workflows.catalog import Workflows
from dialogs.workflows.graph import mermaid
from dialogs.workflows.loading import load_workflow
from dialogs.workflows.looking import look
from dialogs.workflows.problems import InvalidWorkflow, WorkflowFailed
from tests.workflows.documents import broken

IDS = ["a", "b", "c", "d", "e"]
texts = st.sampled_from(["plain", "{x}", "[{text}]", "{x.y}", "{{x}}"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(IDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ASKING = {
    "wait_input": {"prompt": texts, "slot": st.sampled_from(["x", "y"])},
    "slot_fill": {
        "slot": st.sampled_from(["x", "y"]),
        "prompt": texts,
        "retry_limit": st.integers(1, 2),
        "validation": st.sampled_from([{}, {"type": "integer"}, {"choices": ["yes", 2]}]),
    },
    "webhook": {"signal": st.just("s")},
}
CONDITIONS = st.sampled_from(["x == 'yes'", "text != ''", "x > 1", "variables['y']"])


def kinds(after):
    """What steps may have, by their types; they lead to the steps after them."""
    return ASKING | {
        "response": {"response_text": texts},
        "condition": {"condition": CONDITIONS, "if_true": st.sampled_from(after)},
        "loop": {
            "loop_steps": st.lists(
                st.sampled_from(after[:-1] or ["none"]), min_size=1, max_size=2, unique=True
            ),
            "loop_condition": CONDITIONS,
            "max_iterations": st.integers(1, 3),
        },
        "goto": {"next_step": st.sampled_from(after)},
        "custom_action": {"action_name": st.sampled_from(["fail", "work"])},
        "auth": {"auth_provider": st.sampled_from(["allow", "deny"])},
    }


HOST = {
    "actions": {"fail": broken, "work": lambda: {"y": 1}},
    "auth": {"allow": lambda: True, "deny": lambda: False},
}


@st.composite
def documents(draw):
    """Documents that are well-formed; about every other one is right."""
    ids = IDS[: draw(st.integers(1, 5))]
    steps = []
    for at, name in enumerate(ids):
        after = [*ids[at + 1 :], "end"]
        known = kinds(after)
        kind = draw(st.sampled_from(sorted(known)))
        ways = st.sampled_from([*ids, "end"] if kind in ASKING else after)
        options = {
            "next_step": ways,
            "on_error": ways,
            "critical": st.booleans(),
            "retry_on_failure": st.just(True),
        }
        if kind == "loop" or draw(st.booleans()):
            del options["next_step"]
        step = draw(st.fixed_dictionaries({}, optional=options))
        steps.append({"id": name, "type": kind, **step, **draw(st.fixed_dictionaries(known[kind]))})
    return {"workflow_id": "w", "variables": {"x": None, "y": 0}, "steps": steps}


@pytest.fixture(autouse=True, scope="module")
def _no_waits():
    """What is tried again is tried again at once."""
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


def loaded(content):
    try:
        return load_workflow(content)
    except InvalidWorkflow:
        return None


@given(JUNK)
def test_whatever_is_given_is_loaded_or_refused(junk):
    if isinstance(junk, dict):
        loaded(junk)


@given(documents(), st.data())
def test_a_document_with_junk_in_it_is_loaded_or_refused(content, data):
    place = content
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(JUNK)
            break
        place = place[key]

    loaded(content)


@given(documents(), st.lists(st.sampled_from(["yes", "2", "no"]), max_size=4))
def test_what_is_loaded_is_drawn_and_runs_alike_in_one_process_and_in_many(content, answers):
    document = loaded(content)
    if document is None:
        return
    assert f"start --> s{IDS.index(document.plan.first)}" in mermaid(document)
    one, many = Workflows(document, **HOST), lambda: Workflows(content, **HOST)

    told = asyncio.run(talk(lambda: one, answers))
    again = asyncio.run(talk(many, answers))
    with patch.object(interpreter, "RENEWED", 2):
        renewed = asyncio.run(talk(many, answers))
    assert told == again == renewed


async def talk(workflows_of, answers):
    """What is said, and where the workflow stands, after each message."""
    store, told = MemoryStore(), []
    for at, answer in enumerate([None, *answers]):
        workflows = workflows_of()
        orchestrator = Orchestrator(workflows.dialog("w"), store=store)
        before = await orchestrator.conversation("c")
        try:
            if at == 0:
                turn = await orchestrator.start("c")
            elif before is not None and before.pending is not None and before.asking is None:
                turn = await orchestrator.signal("c", "s", answer)
            else:
                turn = await orchestrator.handle_message("c", answer)
        except WorkflowFailed as failure:
            told.append((failure.step, failure.type_name))
            continue
        view = look(workflows, await orchestrator.conversation("c"), workflows.dialog("w"))
        assert view is not None
        if not turn.status.is_over:
            step = workflows.documents["w"].plan.steps[view.step]
            assert step.type in ("wait_input", "slot_fill", "webhook")
        told.append((turn.messages, turn.status, view.step, view.variables, view.history))
    return told
