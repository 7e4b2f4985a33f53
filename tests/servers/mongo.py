"""A server of MongoDB's wire protocol for tests: SecantusDB, from its wheel, or a given server.

    with MongoServer(folder) as server:
        store = MongoStore(server.url)
        server.kill()
        server.restart()

The environment variable DIALOGS_TEST_MONGO_URL names a server to use instead, such as a real
mongod; it is not started, killed or restarted by the tests, so the tests that need that are
skipped.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.servers.base import Process, free_port, missing, wait_until

_URL = "DIALOGS_TEST_MONGO_URL"


class MongoServer:
    """One SecantusDB on a port of its own; skips the test where its wheel is not installed.

    Args:
        folder: where it keeps its data, across kills and restarts.
    """

    def __init__(self, folder: Path) -> None:
        for package in ("secantus", "pymongo"):
            if importlib.util.find_spec(package) is None:
                missing(f"The package {package}")
        self.folder = folder
        self.port = 0
        self._process: Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._start_on_a_free_port()

    @property
    def url(self) -> str:
        """Where it listens, as the one member of a replica set, so that writes are repeated."""
        return f"mongodb://127.0.0.1:{self.port}/"

    @property
    def process(self) -> Process:
        """Its process; raises where it was never started."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it on its port, over what is in its folder, and wait until it answers."""
        # fmt: off
        command = [
            sys.executable, "-m", "secantus",
            "--host", "127.0.0.1",
            "--port", str(self.port),
            "--storage-path", str(self.folder / "data"),
            "--cache-size", "64M",
            "--log-level", "ERROR",
        ]
        # fmt: on
        self._process = Process(command, log=self.folder / "secantus.log", cwd=self.folder)
        wait_until(self.answers, self._process, "SecantusDB")

    def answers(self) -> bool:
        """Whether it answers commands."""
        import pymongo
        from pymongo.errors import PyMongoError

        url = f"{self.url}?directConnection=true"
        try:
            with pymongo.MongoClient[dict[str, Any]](url, timeoutMS=1_000) as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def pause(self) -> None:
        """Stop it where it is: it keeps its connections, and answers nothing."""
        self.process.pause()

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self.process.resume()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def restart(self) -> None:
        """Start it again, on the same port and data; it is killed first where it still runs."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """End it for good."""
        self.process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _start_on_a_free_port(self) -> None:
        """Another program may take the port first; then another port is tried."""
        for last in (False, False, True):
            self.port = free_port()
            try:
                self.start()
            except RuntimeError:
                if last:
                    raise
            else:
                return


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """The server of this test run, which tests may kill if they restart it."""
    if _URL in os.environ:
        pytest.skip(f"{_URL} names a server that is not ours to kill")
    with MongoServer(tmp_path_factory.mktemp("mongo")) as server:
        yield server


@pytest.fixture(scope="session")
def mongo_url(request: pytest.FixtureRequest) -> str:
    """Where the tests' server listens. Use a collection of your own: it is shared."""
    given = os.environ.get(_URL)
    if given:
        return given
    server: MongoServer = request.getfixturevalue("mongo_server")
    return server.url
