"""From text to a checked document: types, lines, references, endless paths."""

import json
import textwrap
from typing import Any

import pytest

from dialogs import UsageError
from dialogs.workflows.loading import load_workflow, load_workflows
from dialogs.workflows.problems import InvalidWorkflow, Problem, WorkflowWarning

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


@pytest.mark.parametrize(
    ("steps", "step", "field", "line", "text"),
    [
        ("- {id: a, type: response}", "a", "", 4, "give either `response_text`"),
        (
            "- {id: a, type: respons}",
            "a",
            "type",
            4,
            "there is no such type of step; there are api_call, auth",
        ),
        ("- {id: a}", "a", "type", 4, "a step has a type, one of api_call"),
        ("- id: a\n  type: goto\n  next_step: b", "a", "next_step", 6, "there is no step 'b'"),
        (
            "- id: a\n  type: response\n  response_text: x\n  colour: red",
            "a",
            "colour",
            7,
            "there is no such field",
        ),
        (
            "- id: a\n  type: response\n  responce_text: x\n  response_text: x",
            "a",
            "responce_text",
            6,
            "there is no such field; is 'response_text' meant?",
        ),
        (
            "- id: a\n  type: response\n  response_text: 5",
            "a",
            "response_text",
            6,
            "a text is needed; in YAML, put one that looks like something else in quotes, not 5",
        ),
        (
            "- {id: a, type: response, response_text: x, critical: no}",
            "a",
            "critical",
            4,
            "true or false is needed, not 'no'",
        ),
        ("- {id: text, type: auth, auth_provider: p}", "text", "", 4, "means something else"),
        ("- a", "number 1", "", 4, "an object is needed, not 'a'"),
        (
            "- id: a\n  type: slot_fill\n  slot: s\n  prompt: p\n  retry_limit: 0",
            "a",
            "retry_limit",
            8,
            "greater than or equal to 1, not 0",
        ),
        (
            "- id: a\n  type: slot_fill\n  slot: s\n  prompt: p\n  validation:\n    pattern: '('",
            "a",
            "validation",
            8,
            "the pattern cannot be used: unclosed group",
        ),
        *(
            (
                f"- {{id: a, type: slot_fill, slot: s, prompt: p, validation: {{{limits}}}}}",
                "a",
                "validation",
                4,
                text,
            )
            for limits, text in {
                "pattern: '(?=x)y'": "look-around, including look-ahead and look-behind",
                "pattern: a)|(b": "the pattern cannot be used: unopened group",
                r"pattern: '(\d{1000}){1000}'": "cannot be used: Compiled regex exceeds",
                "type: integer, min: 2, max: 1": "`min` is greater than `max`",
                "min_length: 2, max_length: 1": "`min_length` is greater than `max_length`",
                "choices: [a], max_length: 1": "`choices` are all that is taken",
                "type: integer, choices: [1, a]": "`choices` has texts, and the type is integer",
            }.items()
        ),
        *(
            (
                f"- {{id: a, type: api_call, integration: i, endpoint: {endpoint}}}",
                "a",
                "endpoint",
                4,
                "lead out of the integration",
            )
            for endpoint in ("/../b", "/a/..", "/a/%2E%2e/b", "/./b")
        ),
        (
            "- id: a\n  type: condition\n  condition: a >\n",
            "a",
            "condition",
            6,
            "the expression 'a >' is refused",
        ),
        (
            "- id: a\n  type: condition\n  condition: __import__('os')\n",
            "a",
            "condition",
            6,
            "is refused",
        ),
        ("- id: a\n  type: condition\n  condition: b > 1", "a", "condition", 6, "'b'"),
        (
            "- id: a\n  type: condition\n  condition: variables['b'] > 1",
            "a",
            "condition",
            6,
            "'b', which nothing sets",
        ),
        (
            "- id: a\n  type: response\n  response_text: '{b}'",
            "a",
            "response_text",
            6,
            "nothing sets the variable 'b'",
        ),
        (
            "- id: a\n  type: response\n  response_text: '{a.__class__!r}'",
            "a",
            "response_text",
            6,
            "is no name",
        ),
        (
            "- id: a\n  type: api_call\n  integration: i\n  endpoint: https://evil.example/",
            "a",
            "endpoint",
            7,
            "string should match pattern",
        ),
        (
            "- id: a\n  type: api_call\n  integration: i\n  endpoint: //evil.example/",
            "a",
            "endpoint",
            7,
            "string should match pattern",
        ),
        (
            "- id: a\n  type: custom_action\n  action_name: x\n  parameters:\n    deep: ['{b}']",
            "a",
            "parameters.deep.0",
            8,
            "nothing sets",
        ),
        (
            "- {id: a, type: response, response_text: x}\n" * 2,
            "a",
            "id",
            5,
            "another step has this id",
        ),
        ("- {id: end, type: response, response_text: x}", "end", "id", 4, "ends a workflow"),
        ("- {id: a, type: webhook}", "a", "", 4, "give `integration` and `endpoint` to send"),
        (
            "- {id: a, type: wait_input, timeout: soon}",
            "a",
            "timeout",
            4,
            "give seconds, or a text such as",
        ),
        ("- {id: a, type: wait_input, slot: text}", "a", "", 4, "means something else"),
        (
            "- {id: a, type: wait_input, timeout: true}",
            "a",
            "timeout",
            4,
            "give a time above zero",
        ),
        (
            "- {id: a, type: slot_fill, slot: s, prompt: p, validation: {min: 1}}",
            "a",
            "validation",
            4,
            "are for the types integer and number",
        ),
        (
            "- {id: a, type: slot_fill, slot: s, prompt: p, validation: {type: date, pattern: x}}",
            "a",
            "validation",
            4,
            "are for the type text",
        ),
        (
            "- {id: a, type: webhook, integration: i}",
            "a",
            "",
            4,
            "give both `integration` and `endpoint`",
        ),
        ("- {id: a, type: loop, loop_steps: [b]}", "a", "loop_steps.0", 4, "there is no step 'b'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_step_and_field(  # noqa: PLR0917 - the table's columns
    steps, step, field, line, text, tmp_path
):
    found = the_problem(STEPS + steps, tmp_path)

    assert found[:3] == (step, field, line)
    assert text in found[3]


def test_all_problems_of_a_document_are_told_at_once(tmp_path):
    text = (
        STEPS
        + """\
  - {id: a, type: goto, next_step: nowhere}
  - {id: b, type: response, response_text: "{nothing}"}
"""
    )

    problems = problems_of(text, tmp_path)

    assert [(problem.step, problem.field) for problem in problems] == [
        ("b", "response_text"),
        ("a", "next_step"),
        ("b", "id"),
    ]
    assert "no way leads to this step" in problems[2].text


def test_a_close_name_is_proposed(tmp_path):
    text = STEPS + "- {id: start, type: goto, next_step: finsih}\n- {id: finish, type: wait_input}"

    assert "is 'finish' meant?" in problems_of(text, tmp_path)[0].text


# --- endless paths ----------------------------------------------------------------------------


def steps_of(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"workflow_id": "w", "variables": {"a": 1}, "steps": list(steps)}


def say(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "response", "response_text": "x", **more}


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


# --- text that is no document -----------------------------------------------------------------

HUNDRED = "[" * 100 + "]" * 100
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + chr(ord(name) - 1)] * 10)}]\n" for name in "bcdefg"
)

MERGES = "a: &a {k: x}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join(['*' + chr(ord(name) - 1)] * 10)}]}}\n" for name in "bcdefg"
)


@pytest.mark.parametrize(
    ("name", "text", "line", "reason"),
    [
        ("w.yaml", "workflow_id: a\nworkflow_id: b\n", 2, "the key 'workflow_id' is given twice"),
        ("w.json", '{"a": 1,\n "a": 2}', 2, "the key 'a' is given twice"),
        ("w.json", '{"a": 1,\n "b"}', 2, "expected `:`"),
        ("w.json", '{"a": 1} x', 1, "goes on after the document"),
        ("w.json", '{"a": NaN}', None, "NaN is no JSON"),
        ("w.json", '{"a":\n 1e999}', 2, "too large a number"),
        ("w.json", '{"a":\n ' + HUNDRED + "}", 2, "nested deeper than 50"),
        ("w.json", "", 1, "Expecting value"),
        ("w.json", "{1: 2}", 1, "expected a key in double quotes"),
        ("w.json", '{"a": [1 2]}', 1, "expected `,` or `]`"),
        ("w.json", '{"a": ' + "1" * 5000 + "}", None, "the text is no JSON"),
        ("w.yaml", "a: " + "1" * 5000, 1, "too large a number"),
        ("w.yaml", "\x00", None, "the text is no YAML"),
        ("w.yaml", "a: [1,\nb: }", None, "the text is no YAML"),
        ("w.yaml", "a: " + HUNDRED, 1, "nested deeper than 50"),
        ("w.yaml", LAUGHS, None, "more than 100,000 values"),
        ("w.yaml", "a: &a\n  b: *a\n", None, "an anchor holds itself"),
        ("w.yaml", "a: !!python/name:os.system x\n", 1, "tag"),
        ("w.yaml", "a: !thing x\n", 1, "the tag '!thing' is not allowed"),
        ("w.yaml", "? [a]\n: b\n", 1, "a key is no text"),
        ("w.yaml", "a: 1e999\n", 1, "too large a number"),
        ("w.yaml", "a: " + "[" * 5000, None, "nested deeper than 50"),
        ("w.yaml", "a: {}\nb:\n  <<: [a]\n", 3, "`<<` merges mappings, and nothing else"),
        ("w.yaml", "a: &a\n  <<: *a\n", None, "an anchor holds itself"),
        ("w.yaml", MERGES, None, "more than 100,000 values"),
        ("w.yaml", "a: 1\n---\nb: 2\n", None, "the text is no YAML"),
        ("w.yaml", "x" * 1_000_001, None, "more than 1,000,000 characters"),
    ],
)
def test_text_that_is_no_document_is_refused_with_its_line(name, text, line, reason, tmp_path):
    found = the_problem(text, tmp_path, name)

    assert reason in found[3]
    if line is not None:
        assert found[2] == line


def test_a_document_that_is_no_object_is_refused(tmp_path):
    assert problems_of("- a\n", tmp_path)
    assert problems_of("", tmp_path)


def test_anchors_repeat_values(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text(
        STEPS
        + """\
  - {id: a, type: slot_fill, slot: s, prompt: p, validation: &v {type: number, max: 5}}
  - {id: b, type: slot_fill, slot: t, prompt: p, validation: *v}
"""
    )

    first, second = load_workflow(file).workflow.steps

    assert first.validation == second.validation
    assert second.validation.max == 5


def test_what_is_merged_comes_after_what_is_there(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text(
        """workflow_id: w
variables:
  a: &a {x: 1, y: 1}
  b: &b {y: 2, z: 2}
  one: {<<: *a, y: 0}
  both: {w: 0, <<: [*b, *a]}
  own: {"<<": a}
steps: [{id: s, type: wait_input}]
"""
    )

    variables = load_workflow(file).workflow.variables

    assert variables["one"] == {"x": 1, "y": 0}
    assert variables["both"] == {"w": 0, "x": 1, "y": 2, "z": 2}
    assert variables["own"] == {"<<": "a"}


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


def test_a_reserved_name_is_told_where_it_is_given(tmp_path):
    text = "workflow_id: w\nvariables:\n  a: 1\n  intent: x\nsteps: [{id: s, type: wait_input}]\n"

    assert the_problem(text, tmp_path)[1:3] == ("variables.intent", 4)


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
