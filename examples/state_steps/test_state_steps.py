import json
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic_monty")

from dialogs import Orchestrator
from dialogs.stores import MemoryStore
from dialogs.workflows import RefusedCode, StateSteps
from examples.state_steps import restaurant
from examples.state_steps.tables import steps, table

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(autouse=True)
def _empty_book():
    restaurant.booked.clear()


def transcript() -> list[list[str]]:
    """The README's conversation, run by run, as its lines."""
    text = (HERE / "README.md").read_text()
    talk = re.search(r"\$ python -m examples\.state_steps\n(.*?)```", text, re.DOTALL)
    assert talk is not None
    runs = talk.group(1).split("$ python -m examples.state_steps\n")
    return [run.strip().split("\n") for run in runs]


async def test_the_conversation_of_the_readme():
    bot = Orchestrator(table, store=MemoryStore())
    turn = await bot.start("me")
    expected = list(turn.messages)
    for run in transcript():
        for line in run:
            if line == "> ^C":
                expected = list(turn.messages)  # said again by the next run
            elif line.startswith("> "):
                assert expected == []
                turn = await bot.handle_message("me", line.removeprefix("> "))
                expected = list(turn.messages)
            else:
                assert line == expected.pop(0)
    assert turn.result == {"guests": 4, "day": "friday", "hour": "20:00"}
    assert list(restaurant.booked.values()) == [turn.result]


def test_the_program_goes_on_where_it_was_left(tmp_path):
    said = [run_program(tmp_path, run) for run in transcript()]
    assert said == [[line for line in run if not line.startswith("> ")] for run in transcript()]


def test_ctrl_c_ends_the_program(tmp_path):
    command = [sys.executable, "-m", "examples.state_steps", str(tmp_path / "tables.db")]
    program: Any
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as program:
        try:
            said = b""
            while not said.endswith(b"> "):
                said += program.stdout.read(1)
            for _ in range(5):  # one that comes just before the program waits is not noticed
                program.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    assert program.wait(5) == 0
                    return
            pytest.fail("it goes on")
        finally:
            program.kill()


def run_program(folder, run):
    answers = [line[2:] + "\n" for line in run if line.startswith("> ") and line != "> ^C"]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "examples.state_steps", str(folder / "tables.db")],
        input="".join(answers),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("> ", "").strip().split("\n")


def test_every_state_of_the_file_is_registered():
    assert steps.states == list(json.loads((HERE / "steps.json").read_text()))


async def test_an_hour_that_is_taken_is_not_offered_again():
    restaurant.book({"guests": 2, "day": "friday", "hour": "20:00"}, key="somebody else's")
    bot = Orchestrator(table, store=MemoryStore())
    turn = await bot.start("me")
    for answer in ("4", "someday", "Friday"):
        turn = await bot.handle_message("me", answer)
    assert turn.messages == ["We have 18:00, 22:00. At which hour?"]
    assert (await bot.handle_message("me", "20:00")).messages == ["One of 18:00, 22:00, please."]


async def test_another_table_begins_again():
    bot = Orchestrator(table, store=MemoryStore())
    turn = await bot.start("me")
    for answer in ("4", "friday", "18:00", "Yes"):
        turn = await bot.handle_message("me", answer)
    assert turn.messages == ["A table for how many?"]


def test_an_import_in_the_file_is_refused(tmp_path):
    states = json.loads((HERE / "steps.json").read_text())
    states["start"].insert(1, "    import os")
    (tmp_path / "steps.json").write_text(json.dumps(states))
    with pytest.raises(RefusedCode, match="state 'start' is refused, line 2: it imports"):
        StateSteps(initial="start").register_from_json(tmp_path / "steps.json")
