"""Steps that go one of two ways: condition, loop."""

from __future__ import annotations

from dialogs.workflows.performing.run import Run, Steps
from dialogs.workflows.schema import ConditionStep, LoopStep


def decide(run: Run) -> Steps:
    """Whether a condition holds."""
    step: ConditionStep = run.step
    return (yield from run.evaluate(step.condition))


def begin_round(run: Run) -> Steps:
    """Whether a loop has another round."""
    step: LoopStep = run.step
    if run.state.rounds.get(step.id, 0) >= step.max_iterations:
        return False
    if step.loop_condition is None:
        return True
    return (yield from run.evaluate(step.loop_condition))
