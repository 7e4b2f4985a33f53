"""How often a PostgresStore asks its server, and what it prepares."""

import asyncio
import struct
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import make_conninfo

from dialogs.errors import Busy
from tests.stores.postgres.turns import NOW, turn


class Wire:
    """A wire to the server that counts the client's round trips, and keeps what it says.

    Each message that the server answers with "ready" is one: Query and Sync.
    """

    def __init__(self, dsn):
        self._server = urlsplit(dsn)
        self.said = []
        self._tasks = set()

    @property
    def round_trips(self):
        return sum(kind in b"QS" for kind, _ in self.said)

    async def __aenter__(self):
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        self.dsn = make_conninfo(
            self._server.geturl(), host="127.0.0.1", port=port, sslmode="disable"
        )
        return self

    async def __aexit__(self, *_):
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        upstream, server = await asyncio.open_connection(self._server.hostname, self._server.port)
        back = asyncio.create_task(self._copy(upstream, writer))
        self._tasks.add(back)
        try:
            size = await reader.readexactly(4)
            server.write(size + await reader.readexactly(struct.unpack("!I", size)[0] - 4))
            while head := await reader.read(1):
                size = await reader.readexactly(4)
                rest = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
                if head != b"X":
                    self.said.append((head, rest))
                server.write(head + size + rest)
        except asyncio.CancelledError:
            pass  # asyncio, which started this task, takes a cancelled one for an error
        finally:
            server.close()

    async def _copy(self, upstream, writer):
        try:
            while data := await upstream.read(65_536):
                writer.write(data)
        finally:
            writer.close()


@pytest.fixture
async def wire(store, postgres_url):
    async with Wire(postgres_url) as wire:
        yield wire


async def test_a_turn_is_two_round_trips_from_the_first_one_on(make, wire):
    store = make(wire.dsn)
    for count in range(1, 6):
        await turn(store, "a")
        assert wire.round_trips == 2 * count


async def test_preparing_a_statement_takes_one_round_trip_once(make, wire):
    store = make(wire.dsn, pool_size=1)
    for _ in range(20):
        await turn(store, "a")
    assert wire.round_trips == 2 * 20 + 2
    assert sum(kind == b"P" and not rest.startswith(b"\0") for kind, rest in wire.said) == 2


async def test_behind_a_pooler_nothing_is_prepared(make, wire):
    store = make(wire.dsn, prepare=False)
    for _ in range(20):
        await turn(store, "a")
    assert wire.round_trips == 2 * 20
    names = {rest.split(b"\0")[0] for kind, rest in wire.said if kind == b"P"}
    assert names == {b""}


async def test_busy_is_one_round_trip(make, wire):
    store = make(wire.dsn)
    await store.claim("a", now=NOW, lease_s=30)
    before = wire.round_trips
    with pytest.raises(Busy):
        await store.claim("a", now=NOW, lease_s=30)
    assert wire.round_trips == before + 1


@pytest.mark.parametrize(
    "operation",
    [
        lambda store: store.load("a", now=NOW),
        lambda store: store.due(now=NOW, limit=10),
        lambda store: store.delete("a"),
        lambda store: anext(store.scan(now=NOW)),
    ],
    ids=["load", "due", "delete", "scan"],
)
async def test_everything_else_is_one_round_trip(store, make, wire, operation):
    await turn(store, "a", wake_at=NOW)
    await operation(make(wire.dsn))
    assert wire.round_trips == 1


async def test_releasing_is_one_round_trip(store, make, wire):
    claim = await store.claim("a", now=NOW, lease_s=30)
    await make(wire.dsn).release(claim)
    assert wire.round_trips == 1


async def test_only_the_lease_does_not_wait_for_the_disk(make, wire):
    store = make(wire.dsn, pool_size=1)
    await turn(store, "a")
    setting = b"SELECT current_setting('synchronous_commit') WHERE %(x)s"
    # The claim's setting has ended with the claim.
    assert await store._connections.run("test", setting, {"x": True}) == [("on",)]
