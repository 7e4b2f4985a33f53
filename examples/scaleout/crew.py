"""The worker processes: started, killed, replaced."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable


class Crew:
    """Keeps workers at work: whoever is gone, for whatever reason, is replaced.

    Args:
        url: where the store is.
        say: tells what happens.
    """

    def __init__(self, url: str, say: Callable[[str], None]) -> None:
        self.url = url
        self.say = say
        self.network_port = 0
        self._hired = 0
        self._workers: dict[Process, int] = {}
        self._dismissed = False
        self._watchers: set[asyncio.Task[None]] = set()

    def ports(self) -> list[int]:
        """Where the workers listen that are there now."""
        return [port for port in self._workers.values() if port]

    async def hire(self) -> None:
        """Start a worker, and wait until it listens."""
        self._hired += 1
        name = f"worker {self._hired}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.scaleout.worker"),
            *(name, self.url, str(self.network_port)),
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C is for the program that started it
        )
        self._workers[process] = 0
        watcher = asyncio.create_task(self._replace(name, process))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        assert process.stdout is not None
        if port := await process.stdout.readline():
            self._workers[process] = int(port)
            self.say(f"{name} is at work; to kill it yourself: kill -9 {process.pid}")

    def kill(self) -> None:
        """Kill one of the workers, as a crash would."""
        if at_work := [process for process, port in self._workers.items() if port]:
            random.choice(at_work).kill()

    async def dismiss(self) -> None:
        """Let all of them end."""
        self._dismissed = True
        while self._watchers:
            for process in self._workers:
                assert process.stdin is not None
                process.stdin.close()
            await asyncio.wait(self._watchers, return_when=asyncio.FIRST_COMPLETED)

    async def _replace(self, name: str, process: Process) -> None:
        code = await process.wait()
        del self._workers[process]
        if not self._dismissed:
            killed = code == -signal.SIGKILL
            self.say(f"{name} WAS KILLED" if killed else f"{name} ended with code {code}")
            await self.hire()
