"""A process that forks workers: it has imported everything, so that a worker is there at once.

    nursery = Nursery(log)
    pid, socket = nursery.fork(job)
    nursery.send(pid, signal.SIGKILL)
    nursery.close()

No process is left behind: the nursery ends with whoever made it, by the end of its socket, and the
system kills the workers when the nursery is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

_ROOT = Path(__file__).parents[2]
_LONGEST = 65_536
_PR_SET_PDEATHSIG = 1

# Stores import them when they are used first, which would take each worker its time.
_CLIENTS = (
    "dialogs.stores.mongo",
    "dialogs.stores.postgres.connections",
    "dialogs.stores.redis.clients",
    "dialogs.stores.redis.pipelines",
    "dialogs.stores.sqlite",
    "psycopg_pool",
    "redis.asyncio",
)


class Nursery:
    """The process, as the tests see it.

    Args:
        log: the file that it and its workers print to.
    """

    def __init__(self, log: Path) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=_ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def fork(self, job: dict[str, Any]) -> tuple[int, socket.socket]:
        """Start a worker.

        Returns:
            Its process id, and the socket that it reads requests from.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            order = json.dumps({"job": job}).encode()
            socket.send_fds(self._socket, [order], [theirs.fileno()])
        return self._answer(), ours

    def send(self, pid: int, number: int) -> None:
        """Send a signal to a worker; one that is killed has ended when this returns.

        One that is to go on is waited for first, until it has stopped: a signal to go on that came
        before would be lost, and the worker stopped for ever.
        """
        self._socket.sendall(json.dumps({"pid": pid, "number": number}).encode())
        self._answer()

    def close(self) -> None:
        """Kill all workers, and end."""
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answer(self) -> int:
        answer = self._socket.recv(_LONGEST)
        if not answer:
            raise RuntimeError("the nursery has ended; its log says why")
        return int(answer)


def _serve(boss: socket.socket) -> None:
    from tests.faults.worker import work

    for client in _CLIENTS:
        with contextlib.suppress(ImportError):
            importlib.import_module(client)

    children: set[int] = set()
    while True:
        order, descriptors, _, _ = socket.recv_fds(boss, _LONGEST, 1)
        if not order:
            return
        given = json.loads(order)
        if "job" in given:
            pid = _fork(boss, descriptors[0], work, given["job"])
            children.add(pid)
            boss.sendall(b"%d" % pid)
        else:
            # Until it is waited for, nobody else is given its number.
            if given["pid"] in children and not _send(given["pid"], given["number"]):
                children.remove(given["pid"])
            boss.sendall(b"0")


def _send(pid: int, number: int) -> bool:
    """Send a signal to a child; whether it is there still."""
    if number == signal.SIGCONT and not os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]):
        return False
    os.kill(pid, number)
    if number != signal.SIGKILL:
        return True
    os.waitpid(pid, 0)
    return False


def _fork(boss: socket.socket, descriptor: int, work: Any, job: dict[str, Any]) -> int:
    nursery = os.getpid()
    pid = os.fork()
    if pid == 0:
        boss.close()
        _die_with(nursery)
        _live(work, job, descriptor)
    os.close(descriptor)
    return pid


def _die_with(nursery: int) -> None:
    """Have the system kill this process when the nursery ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != nursery:
        os._exit(1)


def _live(work: Any, job: dict[str, Any], descriptor: int) -> NoReturn:
    try:
        work(job, socket.socket(fileno=descriptor))
    except BaseException:  # noqa: BLE001 - it is shown, and the process ends
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
