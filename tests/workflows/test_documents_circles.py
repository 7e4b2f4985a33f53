"""Endless paths: circles without a wait, and loops that share a step."""

from typing import Any

import pytest

from dialogs.workflows.loading import load_workflow
from dialogs.workflows.problems import InvalidWorkflow
from tests.workflows.loaded import say


def steps_of(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"workflow_id": "w", "variables": {"a": 1}, "steps": list(steps)}


@pytest.mark.parametrize(
    "steps",
    [
        [say("a", next_step="a")],
        [say("a"), say("b", next_step="a")],
        [
            {"id": "ask", "type": "api_call", "integration": "i", "endpoint": "/", "on_error": "a"},
            say("b", next_step="end"),
            say("a", next_step="ask"),
        ],
        [
            {"id": "l", "type": "loop", "loop_steps": ["b"]},
            say("b"),
            {"id": "g", "type": "goto", "next_step": "l"},
        ],
        [
            {"id": "l", "type": "loop", "loop_steps": ["b", "c"]},
            say("b"),
            say("c", next_step="b"),
        ],
    ],
)
def test_a_circle_without_a_wait_is_refused(steps):
    with pytest.raises(InvalidWorkflow, match=r"an endless path without a wait: .* → "):
        load_workflow(steps_of(*steps))


@pytest.mark.parametrize(
    "steps",
    [
        [{"id": "a", "type": "wait_input"}, say("b", next_step="a")],
        [{"id": "l", "type": "loop", "loop_steps": ["b"]}, say("b")],
        [
            {"id": "l", "type": "loop", "loop_steps": ["m"]},
            {"id": "m", "type": "loop", "loop_steps": ["b", "c"]},
            {"id": "b", "type": "condition", "condition": "a > 1", "if_true": "l"},
            say("c"),
        ],
        [{"id": "a", "type": "webhook", "signal": "s"}, say("b", next_step="a")],
    ],
)
def test_a_circle_with_a_wait_or_a_bound_is_fine(steps):
    assert load_workflow(steps_of(*steps)).plan.endless() is None


def test_a_step_belongs_to_one_loop_and_no_loop_to_itself():
    with pytest.raises(InvalidWorkflow, match="belongs to the loop 'l' already"):
        load_workflow(
            steps_of(
                {"id": "l", "type": "loop", "loop_steps": ["b"]},
                {"id": "m", "type": "loop", "loop_steps": ["b"]},
                say("b"),
            )
        )
    with pytest.raises(InvalidWorkflow, match="a step of its own rounds"):
        load_workflow(
            steps_of(
                {"id": "l", "type": "loop", "loop_steps": ["m"]},
                {"id": "m", "type": "loop", "loop_steps": ["l"]},
            )
        )
