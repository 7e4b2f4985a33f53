"""How documents begin, and what is told of one that is wrong."""

import textwrap
from typing import Any

import pytest

from dialogs.workflows.loading import load_workflow
from dialogs.workflows.problems import InvalidWorkflow, Problem


def problems_of(text: str, tmp_path, name: str = "w.yaml", **options: Any) -> list[Problem]:
    file = tmp_path / name
    file.write_text(textwrap.dedent(text))
    with pytest.raises(InvalidWorkflow) as caught:
        load_workflow(file, **options)
    assert str(file) in str(caught.value)
    return list(caught.value.problems)


def the_problem(text: str, tmp_path, name: str = "w.yaml") -> tuple[str, str, int | None, str]:
    (problem,) = problems_of(text, tmp_path, name)
    return problem.step, problem.field, problem.line, problem.text


STEPS = "workflow_id: w\nvariables: {a: 1}\nsteps:\n"


def say(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "response", "response_text": "x", **more}
