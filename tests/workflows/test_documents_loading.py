"""Loading documents: the same from YAML, JSON and a dict; from folders; not strict."""

import json
from typing import Any

import pytest

from dialogs import UsageError
from dialogs.workflows.loading import load_workflow, load_workflows
from dialogs.workflows.problems import InvalidWorkflow, WorkflowWarning
from tests.workflows.loaded import STEPS, problems_of, say

GOOD = """\
workflow_id: greeting
name: A greeting
trigger_intent: [hello, hi]
variables:
  place: here
timeout: 15m
steps:
  - id: ask
    type: slot_fill
    slot: who
    prompt: Who is {place}?
    validation:
      choices: [yes, "no", 3]
  - id: greet
    type: response
    response_text: Hello, {who}!
"""


def test_a_yaml_file_is_loaded_with_the_types_of_json(tmp_path):
    file = tmp_path / "greeting.yaml"
    file.write_text(GOOD)

    workflow = load_workflow(file).workflow

    assert (workflow.workflow_id, workflow.intents, workflow.timeout) == (
        "greeting",
        ["hello", "hi"],
        900.0,
    )
    assert workflow.steps[0].validation.choices == ["yes", "no", 3]


def test_json_yaml_and_a_dict_of_the_same_content_are_the_same_version(tmp_path):
    yaml = tmp_path / "greeting.yml"
    yaml.write_text(GOOD)
    document = load_workflow(yaml)
    file = tmp_path / "greeting.json"
    file.write_text(json.dumps(document.source.data, indent="\t"))

    versions = {load_workflow(file).version, load_workflow(document.source.data).version}

    assert versions == {document.version}
    assert load_workflow({**document.source.data, "description": "x"}).version not in versions
    assert load_workflow({**document.source.data, "version": "7"}).version == "7"


# --- not strict -------------------------------------------------------------------------------


def test_without_strict_a_missing_step_warns_with_its_place(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text(STEPS + "- {id: a, type: goto, next_step: b}")

    with pytest.warns(WorkflowWarning, match=r"w.yaml:4: step 'a', field 'next_step': there is no"):
        document = load_workflow(file, strict=False)

    assert document.workflow_id == "w"


def test_without_strict_everything_else_is_still_refused(tmp_path):
    text = STEPS + "- {id: a, type: response, response_text: '{b'}"

    assert problems_of(text, tmp_path, strict=False)[0].field == "response_text"


# --- dicts and files --------------------------------------------------------------------------


def test_a_dict_is_copied_and_may_have_tuples(tmp_path):
    given = {"workflow_id": "w", "variables": {"a": [1]}, "steps": (say("a"),)}

    document = load_workflow(given)
    given["variables"]["a"].append(2)

    assert document.workflow.variables == {"a": [1]}


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1: "a", "b": 2}, "variables.a has the key 1, which is no text"),
        ([{2}], "variables.a.0 is of type set, which JSON does not have"),
        (object(), "variables.a is of type object, which JSON does not have"),
        (float("nan"), "variables.a is nan, which JSON does not have"),
        (ENDLESS, "variables.a.0 is nested deeper than 50"),
    ],
)
def test_a_dict_has_what_json_has(value, text):
    with pytest.raises(InvalidWorkflow) as caught:
        load_workflow({"workflow_id": "w", "variables": {"a": value}, "steps": [say("a")]})

    assert caught.value.problems[0].text == text


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_bytes(b"workflow_id: \xff")

    with pytest.raises(InvalidWorkflow, match="UTF-8"):
        load_workflow(file)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_workflow(tmp_path / "nothing.yaml")


# --- folders ----------------------------------------------------------------------------------


def test_a_folder_is_loaded_in_the_order_of_its_names(tmp_path):
    for name in ("b.yaml", "a.json", "c.txt"):
        content = {"workflow_id": name[0], "steps": [say("s")]}
        (tmp_path / name).write_text(json.dumps(content))

    assert [document.workflow_id for document in load_workflows(tmp_path)] == ["a", "b"]


def test_the_problems_of_all_files_of_a_folder_are_told(tmp_path):
    (tmp_path / "a.yaml").write_text("workflow_id: a\n")
    (tmp_path / "b.json").write_text("{")

    with pytest.raises(InvalidWorkflow) as caught:
        load_workflows(tmp_path)

    assert [problem.file.rpartition("/")[2] for problem in caught.value.problems] == [
        "a.yaml",
        "b.json",
    ]


def test_a_folder_without_documents_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="has no workflow"):
        load_workflows(tmp_path)


def test_an_expression_may_have_several_lines(tmp_path):
    text = """\
- id: a
  type: condition
  condition: |
    a > 1
    and text == 'yes'  # or more of it
    or variables['a'] in (
      5, 6)
"""
    file = tmp_path / "w.yaml"
    file.write_text(STEPS + text)
    assert load_workflow(file)

    file.write_text(STEPS + text.replace("'a'", "'b'"))
    with pytest.raises(InvalidWorkflow, match="names the variable 'b', which nothing sets"):
        load_workflow(file)
