"""What is wrong with a document is told with its line, step and field."""

import pytest

from tests.workflows.loaded import STEPS, problems_of, the_problem


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


def test_a_reserved_name_is_told_where_it_is_given(tmp_path):
    text = "workflow_id: w\nvariables:\n  a: 1\n  intent: x\nsteps: [{id: s, type: wait_input}]\n"

    assert the_problem(text, tmp_path)[1:3] == ("variables.intent", 4)
