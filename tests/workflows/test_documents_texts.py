"""Text that is no document, and what YAML has beyond JSON."""

import pytest

from dialogs.workflows.loading import load_workflow
from tests.workflows.loaded import STEPS, problems_of, the_problem

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
