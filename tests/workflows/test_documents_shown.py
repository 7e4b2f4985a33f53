"""A workflow as a picture and as a reference; the commands graph and validate; templates."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dialogs.cli.workflows import add_to
from dialogs.workflows.graph import mermaid
from dialogs.workflows.loading import load_workflow
from dialogs.workflows.reference import reference
from dialogs.workflows.templates import BadTemplate, as_text, fill, parse
from tests.workflows.documents import listen, say, workflow

DOCS = Path(__file__).parents[2] / "docs" / "workflows"

CONTENT = workflow(
    listen("a", prompt='Say "#1" <now> & `&lt;`'),
    {
        "id": "c",
        "type": "condition",
        "condition": "text == 'x'",
        "if_true": "end",
        "on_error": "b",
    },
    say("b", name="The end"),
    name="Picture",
    error_handling={"on_error": "b", "on_timeout": "end"},
)

PICTURE = """\
flowchart TD
    start(["Picture"])
    s0(["a<br>Say #quot;#35;1#quot; #lt;now#gt; #amp; #96;#amp;lt;#96;"])
    s1{"c<br>text == 'x'"}
    s2["The end<br>This is b."]
    start --> s0
    s0 --> s1
    s1 -- yes --> stop
    s1 -- no --> s2
    s1 -. error .-> s2
    s2 --> stop
    start -. any error .-> s2
    start -. time is up .-> stop
    stop(((end)))
"""


def test_a_workflow_is_drawn_as_a_flowchart():
    assert mermaid(load_workflow(CONTENT)) == PICTURE


def test_loops_goals_and_missing_steps_are_drawn():
    content = workflow(
        {"id": "l", "type": "loop", "loop_condition": "text != ''", "loop_steps": ["h"]},
        {"id": "h", "type": "webhook", "signal": "paid"},
        {"id": "g", "type": "goto", "next_step": "gone"},
    )
    with pytest.warns(UserWarning, match="gone"):
        drawn = mermaid(load_workflow(content, strict=False))

    assert "s0 -- each round --> s1" in drawn
    assert "s1 --> s0" in drawn
    assert 'm0["? gone"]' in drawn


def test_every_type_of_step_tells_what_it_does():
    content = workflow(
        {"id": "l", "type": "auth", "auth_provider": "mfa"},
        {"id": "s", "type": "slot_fill", "slot": "amount", "prompt": "How much?"},
        {"id": "c", "type": "api_call", "integration": "i", "endpoint": "/a/{amount}"},
        {
            "id": "h",
            "type": "webhook",
            "integration": "i",
            "endpoint": "/pay",
            "signal": "paid",
        },
        {"id": "x", "type": "custom_action", "action_name": "notify"},
        say("b", "word " * 50),
    )

    drawn = mermaid(load_workflow(content))

    for told in ("mfa", "amount?", "GET /a/{amount}", "POST /pay / wait for paid", "notify"):
        assert f"<br>{told}" in drawn
    assert f"{'word ' * 11}word…" in drawn


# --- the commands -----------------------------------------------------------------------------


def run(*arguments):
    app = typer.Typer()
    add_to(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def good(tmp_path):
    file = tmp_path / "good.json"
    file.write_text(json.dumps(CONTENT))
    return file


def test_graph_prints_the_flowchart(good):
    ran = run("graph", good)

    assert (ran.exit_code, ran.stdout) == (0, PICTURE)


def test_validate_says_what_is_valid(good):
    ran = run("validate", good.parent)

    assert ran.exit_code == 0
    assert ran.stdout == f"{good}: 'w' is valid, 3 steps\n"


def test_validate_prints_every_problem_and_fails(good, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("workflow_id: b\nsteps:\n- {id: a, type: goto, next_step: c}\n")

    ran = run("validate", good, bad)

    assert ran.exit_code == 1
    assert f"{bad}:3: step 'a', field 'next_step': there is no step 'c'" in ran.stdout
    assert "is valid" in ran.stdout
    assert ran.stderr == "1 problem\n"


def test_graph_of_what_is_no_document_fails(tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text("{")

    ran = run("graph", bad)

    assert (ran.exit_code, ran.stdout) == (1, "")
    assert f"{bad}:1: the text is no JSON" in ran.stderr


def test_a_folder_without_documents_is_refused(tmp_path):
    assert run("validate", tmp_path).exit_code == 1


# --- the reference ----------------------------------------------------------------------------


def test_the_reference_in_the_docs_is_made_from_the_schema():
    text = (DOCS / "documents.md").read_text()
    begin, end = "<!-- made by dialogs.workflows.reference -->\n", "<!-- until here -->"
    shown = text[text.index(begin) + len(begin) : text.index(end)]

    assert shown.strip() == reference().strip(), "run: python -m tests.workflows.write_reference"


# --- templates --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{}", "{a", "{a!r}", "{a:>10}", "{a.b[0]}", "{a()}", "{0}", "{ a }", "{a.}", "{{a}"],
)
def test_what_is_no_plain_name_is_no_template(text):
    with pytest.raises(BadTemplate):
        parse(text)


def test_a_single_name_keeps_its_type_and_the_rest_is_text():
    scope = {"n": 5, "list": [1], "none": None}

    filled = fill({"a": "{n}", "b": ["{list}", " {n}"], "c": "{none}", "d": 1.5}, scope)

    assert filled == {"a": 5, "b": [[1], " 5"], "c": None, "d": 1.5}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (2.0, "2"),
        (2.5, "2.5"),
        (1e300, "1e+300"),
        ({"a": ["é"]}, '{"a": ["é"]}'),
    ],
)
def test_values_are_written_as_people_read_them(value, text):
    assert as_text(value) == text
