"""The pages on channels name every option there is, and none that is not."""

import inspect
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "channels"


def text_of(page):
    return (DOCS / page).read_text(encoding="utf-8")


def options_of(function):
    """The options that have a default, by their names."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def test_the_commands_and_their_options_are_those_of_the_terminals_page():
    typer = pytest.importorskip("typer")
    from dialogs.cli.commands import app

    commands = typer.main.get_command(app).commands
    options = [name for each in commands.values() for one in each.params for name in one.opts]
    page = text_of("terminal.md")
    assert set(re.findall(r"`dialogs (\w+) ", page)) == set(commands)
    assert set(re.findall(r"`(--\w+)", page)) == {name for name in options if name.startswith("--")}


def test_the_options_of_the_slack_channel_are_those_of_its_page():
    pytest.importorskip("slack_bolt")
    from dialogs.channels.slack import SlackChannel

    options = options_of(SlackChannel)
    page = text_of("slack.md")
    table = page.partition("## The arguments")[2]
    begins = re.findall(r"^\| `(on_\w+)` \| `(\w+)` \|", page, re.MULTILINE)
    assert dict(begins) == {name: f"{options[name]!r}" for name in options if "on_" in name[:3]}
    rest = dict(re.findall(r"^\| `(\w+)` \| ([^|\s][^|]*?) \|", table, re.MULTILINE))
    assert rest.keys() == {name for name in options if "on_" not in name[:3]}
    for name, told in rest.items():
        default = getattr(options[name], "__name__", options[name])
        assert told.strip("`").strip('"') == str(default), name


def test_the_options_of_the_web_channel_are_those_of_its_page():
    pytest.importorskip("fastapi")
    from dialogs.channels.web import create_app

    options = options_of(create_app)
    page = text_of("web.md")
    assert {name for name in options if name not in page} == set()
    limits = page.partition("## Limits")[2].partition("\n\n")[2].partition("\n\n")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (\S+)", limits, re.MULTILINE))
    assert told
    for name, default in told.items():
        shown = options[name] or "none"
        assert default.replace(",", "") == (
            f"{shown:g}" if isinstance(shown, float) else f"{shown}"
        )
