"""Programs at work, as tests use them: through pipes, and in a terminal of their own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

CLONE = Path(__file__).parents[1]
LIMIT_S = 120.0
COMMAND = [sys.executable, "-m", "dialogs.cli"]

_STEERING = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][A-Z0-9]|[=>78])")


def surroundings(folder):
    """The environment of a program: its state in a folder of the test's, and no proxy of CI's."""
    return {
        **{name: value for name, value in os.environ.items() if name != "DIALOGS_SECRET"},
        "PYTHONPATH": str(CLONE),
        "XDG_STATE_HOME": str(folder / "state"),
        "COLUMNS": "200",
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }


def run(*arguments, folder, text=""):
    """Run the command to its end with these lines as its input."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=surroundings(folder),
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )


class Pipe:
    """The command at work, with pipes for its input and output."""

    def __init__(self, *arguments, folder):
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=folder,
            env=surroundings(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # A program that neither speaks nor ends would hang the test.
        self._limit = Timer(LIMIT_S, self.process.kill)
        self._limit.start()

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def say(self, text):
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def end(self, ending=None):
        """End it, with a signal or with the end of its input; its exit code, and what it said."""
        if ending is not None:
            self.process.send_signal(ending)
        else:
            self.process.stdin.close()
        said = self.process.stdout.read()
        return self.process.wait(), said

    def close(self):
        self._limit.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):  # what was said to it came too late
                pipe.close()


class Window:
    """The command at work in a terminal of its own; its text without what steers the terminal."""

    def __init__(self, *arguments, folder):
        import pty

        self._ours, theirs = pty.openpty()
        self._written = b""
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=folder,
            env=surroundings(folder),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)

    @property
    def text(self):
        return _STEERING.sub("", self._written.decode(errors="replace")).replace("\r", "")

    def _read(self):
        # BlockingIOError: there is no more yet. Other errors: the program has ended.
        with contextlib.suppress(OSError):
            while chunk := os.read(self._ours, 65_536):
                self._written += chunk

    def wait_for(self, words, times=1):
        """Wait until these words were shown so many times; returns all that was shown."""
        give_up = time.monotonic() + LIMIT_S
        while self.text.count(words) < times:
            self._read()
            assert time.monotonic() < give_up, f"no {words!r} in:\n{self.text}"
            time.sleep(0.02)
        return self.text

    def wait_for_prompt(self):
        """Wait until lines are read: the prompt is the last that is shown."""
        give_up = time.monotonic() + LIMIT_S
        while not self.text.rstrip(" \b").endswith("\n>"):
            self._read()
            assert time.monotonic() < give_up, f"no prompt after:\n{self.text}"
            time.sleep(0.02)

    def type(self, keys):
        os.write(self._ours, keys.encode())

    def end(self, ending=None):
        """Wait until it has ended, of itself or by a signal; its exit code."""
        if ending is not None:
            self.process.send_signal(ending)
        code = self.process.wait(LIMIT_S)
        self._read()
        return code

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


KILLED = -signal.SIGKILL
