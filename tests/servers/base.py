"""What real servers in tests need: a free port, a process that dies with the tests, patience.

    server = Process(["some-server", "--port", str(port)], log=folder / "server.log")
    wait_until(lambda: answers("127.0.0.1", port), server, "some-server")
    server.kill()

A server is started once for a test run, from a session-scoped fixture, and stopped after it. No
server outlives the tests: each has a watcher, a shell that kills the server's whole process group
when the tests are gone, however they went.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

# `read` fails at the end of its input, which comes when the process that holds the pipe is gone.
_WATCH = 'read line || kill -s KILL -- "-$1"'

# Below the ports that systems give to outgoing connections: a client that tries to reach a killed
# server must not be given that server's port.
# Each process of a test run has ports of its own: one may not look free while its server is down.
_PORTS = range(11_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 10, 21_000, 10)

_random = random.SystemRandom()


def missing(what: str) -> NoReturn:
    """Skip the test where a server cannot be had; fail it in CI, where it must be."""
    text = f"{what} is not here; install the tests' dependencies"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def free_port(*, beside: Sequence[int] = ()) -> int:
    """A port of 127.0.0.1 that nothing listens on.

    Args:
        beside: distances of further ports that must be free too, such as 10,000.
    """
    for _ in range(1_000):
        port = _random.choice(_PORTS)
        if all(_is_free(port + distance) for distance in (0, *beside)):
            return port
    raise RuntimeError("no free port was found")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        # As servers do: a port that closed connections still linger on counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


class Process:
    """A server in a process group of its own.

    Args:
        command: the program and its arguments.
        log: the file that what it prints is appended to.
        env: further environment variables.
        cwd: the folder that it starts in.
        user: the name or number of the user that it runs as, for servers that refuse to run as
            root; None: as the tests do.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | int | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._server = subprocess.Popen(
                [os.fspath(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                user=user,
                start_new_session=True,
            )
        self.pid = self._server.pid
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "watcher", str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._server.poll() is None

    def send(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens where it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def pause(self) -> None:
        """Stop it where it is: it keeps its connections, and answers nothing."""
        self.send(signal.SIGSTOP)
        # It stops soon after, which macOS does not tell.
        if hasattr(os, "waitid"):
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a paused server go on."""
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would. Killing twice is no error."""
        if self._watcher.returncode is None:
            # The whole group: others of it may still be there when the first one has ended.
            self.send(signal.SIGKILL)
            self._server.wait()
            self._dismiss_watcher()

    def stop(self, *, timeout_s: float = 30, number: int = signal.SIGTERM) -> None:
        """Ask it to end; kill it where it does not.

        Args:
            timeout_s: how long it is waited for, in seconds.
            number: the signal that asks, to the first process only.
        """
        if self.running:
            self._server.send_signal(number)
            self.resume()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(timeout_s)
        self.kill()

    def said(self) -> str:
        """The end of what it printed, for errors."""
        return self.log.read_text(errors="replace")[-2_000:]

    def _dismiss_watcher(self) -> None:
        # communicate() overlooks a watcher that is gone already.
        self._watcher.communicate(b"done\n")


def wait_until(
    answered: Callable[[], bool], server: Process, name: str, *, timeout_s: float = 90
) -> None:
    """Wait until a server answers.

    Args:
        answered: whether it does.
        server: its process; one that has ended is not waited for.
        name: what the error calls it.
        timeout_s: how long a slow, busy machine may take, in seconds.

    Raises:
        RuntimeError: it ended, or did not answer in time. It is killed then.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = 0.01
    while not answered():
        if not server.running or time.monotonic() > deadline:
            what = "did not answer in time" if server.running else "ended"
            server.kill()
            raise RuntimeError(f"{name} {what}; it said:\n{server.said()}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.25)
