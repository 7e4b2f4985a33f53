"""Redis servers that take each other's places: replicas, a sentinel, slots that move."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from dialogs import StoreUnavailable
from dialogs.stores import RedisStore
from dialogs.stores.redis.keys import PARTITIONS
from tests.faults.load import until
from tests.servers.base import Process, answers, free_port, wait_until
from tests.servers.redis import RedisCluster, RedisServer, redis_binary

NOW = 1_800_000_000.0
LEASE_S = 30.0
CALM_S = 120
"""How long a busy machine may let a server wait: no other one is to take its place for that."""


def asking(server: RedisServer) -> Any:
    """A plain client of a server, which waits for its answers."""
    return redis.Redis.from_url(server.url, decode_responses=True, socket_timeout=None)


async def happens(asked: Callable[[], bool]) -> None:
    """Wait until something blocking is true of a server."""

    async def holds() -> bool:
        with contextlib.suppress(redis.RedisError):
            return await asyncio.to_thread(asked)
        return False

    await until(holds)


# --- turns ------------------------------------------------------------------------------------


async def put(store: RedisStore, chat_id: str, now: float = NOW) -> int:
    """Claim and commit; the new revision."""
    claim = await store.claim(chat_id, now=now, lease_s=LEASE_S)
    return (await store.commit(claim, b"body", now=now, status="OPEN")).revision


async def put_until_it_works(store: RedisStore, chat_id: str) -> int:
    """Claim and commit, again and again until the store is there; the new revision."""
    revision, tries, last = 0, 0, None

    async def works() -> bool:
        nonlocal revision, tries, last
        tries += 1
        try:
            # What a try that failed left leased is free for the next one.
            revision = await put(store, chat_id, NOW + tries * LEASE_S)
        except StoreUnavailable as error:
            last = error
        return bool(revision)

    await until(works)
    assert revision, f"never: {last}"
    return revision


@dataclass
class Turns:
    """Conversations that take one turn after another.

    Attributes:
        taken: how many turns there were.
        lost: the conversations whose last commit was not there any more.
    """

    store: RedisStore
    names: Sequence[str]
    taken: int = 0
    lost: list[str] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def under_way(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Take turns meanwhile; gives a wait for as many more as there are conversations."""
        going_on = True

        async def take(name: str) -> None:
            known = 0
            while going_on:
                revision = await put_until_it_works(self.store, name)
                # A commit whose answer was lost counts as well.
                if revision <= known:
                    self.lost.append(name)
                known = revision
                self.taken += 1

        async def more() -> None:
            enough = self.taken + len(self.names)

            async def are_taken() -> bool:
                return self.taken >= enough

            await until(are_taken)

        async with asyncio.TaskGroup() as group:
            for name in self.names:
                group.create_task(take(name))
            await more()
            yield more
            going_on = False


# --- servers ----------------------------------------------------------------------------------


@contextlib.contextmanager
def sentinel_of(primary: RedisServer, folder: Path) -> Iterator[int]:
    """A sentinel that watches a primary under the name "bot"; its port."""
    port = free_port()
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind 127.0.0.1\n"
        f"sentinel monitor bot 127.0.0.1 {primary.port} 1\n"
        # A busy machine lets servers wait; only `give_up_soon` takes one for dead.
        f"sentinel down-after-milliseconds bot {CALM_S * 1_000}\n"
        # What did not succeed is tried again after twice as long.
        "sentinel failover-timeout bot 3000\n"
    )
    command = [redis_binary(), settings, "--sentinel"]
    process = Process(command, log=folder / "sentinel.log")
    try:
        wait_until(lambda: answers("127.0.0.1", port), process, "the sentinel")
        yield port
    finally:
        process.kill()


async def give_up_soon(sentinel: Any) -> None:
    """Let a sentinel replace the primary once it is silent, by the replica that it has to know."""

    def knows_the_replica() -> bool:
        found = sentinel.execute_command("SENTINEL", "REPLICAS", "bot")
        return [replica["master-link-status"] for replica in found] == ["ok"]

    await happens(knows_the_replica)
    sentinel.execute_command("SENTINEL", "SET", "bot", "down-after-milliseconds", "500")


async def make_replica(replica: RedisServer, primary: RedisServer) -> None:
    """Let a server follow another one, and wait until it has all of it."""
    client = asking(replica)
    client.replicaof("127.0.0.1", str(primary.port))
    await happens(lambda: client.info("replication")["master_link_status"] == "up")


@contextlib.asynccontextmanager
async def replica_in(cluster: RedisCluster, folder: Path, *, of: int) -> AsyncIterator[RedisServer]:
    """One more node of a cluster, a replica of one of the others.

    Args:
        cluster: the cluster.
        folder: where the node keeps its data.
        of: the number of the node that it takes the place of.
    """
    options = {
        "cluster-enabled": "yes",
        "cluster-node-timeout": f"{CALM_S * 1_000}",
        "cluster-replica-validity-factor": "0",
    }
    with RedisServer(folder, options=options) as replica:
        client, primary = asking(replica), cluster.nodes[of]
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", primary.port)
        known = asking(primary).execute_command("CLUSTER", "MYID")
        # It is refused until the two have met.
        await happens(lambda: bool(client.execute_command("CLUSTER", "REPLICATE", known)))
        await happens(lambda: client.info("replication").get("master_link_status") == "up")
        for node in cluster.nodes:
            # Those that have not heard of it yet do not vote for it.
            await happens(lambda node=node: len(_replicas_of(asking(node), known)) == 1)
        yield replica


def move_on_soon(servers: Iterable[RedisServer]) -> None:
    """Let the nodes of a cluster replace one of them once it is silent."""
    for server in servers:
        asking(server).config_set("cluster-node-timeout", 1_000)


def _replicas_of(client: Any, name: str) -> list[Any]:
    return client.execute_command("CLUSTER", "REPLICAS", name)


async def move_slots(cluster: RedisCluster, more: Callable[[], Awaitable[None]], count: int) -> int:
    """Move some of the store's slots from the first node to the second, key by key.

    Args:
        cluster: the cluster.
        more: waits for some turns, which is done at each stage.
        count: how many slots.

    Returns:
        How many keys were moved.
    """
    source, target = (asking(node) for node in cluster.nodes[:2])
    names = [client.execute_command("CLUSTER", "MYID") for client in (source, target)]
    first = 16_384 // len(cluster.nodes)
    slots = sorted({key_slot(b"%d" % number) for number in range(PARTITIONS)})
    moved = 0
    for slot in [slot for slot in slots if slot < first][:count]:
        target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0])
        source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1])
        await more()
        while keys := source.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1):
            place = ("127.0.0.1", cluster.nodes[1].port, "", 0, 60_000, "KEYS", *keys)
            source.execute_command("MIGRATE", *place)
            moved += 1
        await more()
        for client in (target, source):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[1])
        await more()
    return moved
