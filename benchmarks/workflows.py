"""A workflow document against the same conversation as a Python dialog: row 'a workflow ...'."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.conversations import candidate
from benchmarks.measure import (
    Candidate,
    Effort,
    Row,
    Rows,
    Target,
    check_same_work,
    ratios,
    rounds_of,
)
from dialogs import call, dialog, get_client_response, send_message

ROUNDS = 20
TARGETS = {ROUNDS: Target(3)}


def document(rounds: int) -> dict[str, Any]:
    """Ask, wait, draw a number, say it back; each round has three steps."""
    steps: list[dict[str, Any]] = []
    for number in range(rounds):
        steps += [
            {"id": f"ask_{number}", "type": "wait_input", "prompt": f"Question {number}?"},
            {"id": f"draw_{number}", "type": "custom_action", "action_name": "draw"},
            {"id": f"say_{number}", "type": "response", "response_text": "You said {text}."},
        ]
    steps.append({"id": "last", "type": "wait_input", "prompt": "Is that all?"})
    return {"workflow_id": f"questions_{rounds}", "steps": steps}


@dialog
def in_python(rounds: int) -> Any:
    """The same conversation, as one writes it."""
    drawn = {}
    for number in range(rounds):
        yield send_message(f"Question {number}?")
        text = yield get_client_response()
        drawn[number] = yield call(random.random)
        yield send_message(f"You said {text}.")
    yield send_message("Is that all?")
    yield get_client_response()
    return drawn


def candidates(rounds: int) -> dict[str, Candidate]:
    from dialogs.workflows import Workflows  # noqa: PLC0415 - an extra

    workflows = Workflows(document(rounds), actions={"draw": random.random})
    run = workflows.dialog(f"questions_{rounds}")
    # What they keep in their logs differs; what they say does not.
    nothing = slice(0, 0)
    return {
        "workflow": candidate(run, rounds - 1, nothing),
        "python": candidate(lambda: in_python(rounds), rounds - 1, nothing),
    }


def rows(effort: Effort) -> Rows:
    rounds = ROUNDS if max(effort.lengths) >= ROUNDS else 2
    rivals = candidates(rounds)
    check_same_work(rivals)
    times = rounds_of(rivals, effort)
    yield Row(
        f"a workflow of {3 * rounds} steps / the same in Python",
        rounds,
        target=TARGETS.get(rounds),
        **ratios(times, "workflow", "python"),
    )
