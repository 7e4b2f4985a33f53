import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

CLONE = Path(__file__).parents[2]
PROMPT = re.compile(r"(> |Another game\? \[Y/n\] )\Z")


class Terminal:
    """A program at work, seen as a person at a terminal sees it: up to its next prompt."""

    def __init__(self, *arguments: object, folder: Path) -> None:
        self.process: Any = subprocess.Popen(  # noqa: S603 - our own programs
            [sys.executable, *map(str, arguments)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(CLONE)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # A program that neither prompts nor ends would hang the test.
        self.limit = Timer(60, self.process.kill)
        self.limit.start()
        self.screen = self.read()

    def read(self) -> list[str]:
        """The lines up to the next prompt, or to the end of the output."""
        text = ""
        while not PROMPT.search(text) and (letter := self.process.stdout.read(1)):
            text += letter
        return PROMPT.sub("", text).splitlines()

    def say(self, answer: str) -> list[str]:
        self.process.stdin.write(f"{answer}\n")
        self.process.stdin.flush()
        return self.read()

    def end(self, ending: int | None = None) -> tuple[int, str]:
        """End the program, with a signal or with the end of its input: code, and last words."""
        if ending is not None:
            self.process.send_signal(ending)
        # A signal that comes just before Python waits for a line is noticed after that line.
        last_words, _ = self.process.communicate("\n" if ending == signal.SIGINT else None)
        return self.process.returncode, last_words.strip()

    def close(self) -> None:
        self.limit.cancel()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def terminal(tmp_path):
    """Starts a Python program in a folder of its own."""
    started = []

    def start(*arguments: object) -> Terminal:
        started.append(Terminal(*arguments, folder=tmp_path))
        return started[-1]

    yield start
    for program in started:
        program.close()


@pytest.fixture
def secret_is_7(monkeypatch):
    """The dice say 7; whoever throws them twice is given a different number."""
    throws = iter([7, 3, 3, 3])
    monkeypatch.setattr("random.randint", lambda _low, _high: next(throws))
