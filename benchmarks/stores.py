"""A turn of the orchestrator over each store, against bare round trips of the same bytes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from benchmarks.bare import Bare, BarePostgres, BareRedis, BareSQLite
from benchmarks.conversations import answer_of, questions_dialog
from benchmarks.measure import Effort, Row, Rows, Target, ratios, rounds_of
from dialogs import Orchestrator
from dialogs.stores import MemoryStore, PostgresStore, RedisStore, SQLiteStore, Store
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

AT_ONCE = 1000
TARGETS = {10: Target(1.3), 100: Target(2.0)}


@dataclass(frozen=True)
class Timed:
    """A candidate that is timed by the clock: what it waits for is somewhere else.

    Args:
        run: does what is timed, for the keys that it is given.
        fresh: puts the conversations of these keys back, untimed.
        loop: runs both.
        batch: how many keys a sample has at the least.
    """

    run: Callable[[list[str]], Awaitable[Any]]
    fresh: Callable[[list[str]], Awaitable[Any]]
    loop: asyncio.Runner
    batch: int = 1

    def sample(self, repeats: int) -> float:
        """The time of one turn, in nanoseconds."""
        return self.loop.run(self._sample([f"key-{at}" for at in range(max(repeats, self.batch))]))

    async def _sample(self, keys: list[str]) -> float:
        await self.fresh(keys)
        start = perf_counter_ns()
        await self.run(keys)
        return (perf_counter_ns() - start) / len(keys)


async def body_after(turns: int) -> bytes:
    """The bytes of a conversation after so many turns."""
    orchestrator = Orchestrator(questions_dialog, store=MemoryStore())
    await orchestrator.start("key")
    for turn in range(turns):
        await orchestrator.handle_message("key", answer_of(turn), message_id=f"id-{turn}")
    stored = await orchestrator.store.load("key", now=time.time())
    assert stored is not None
    return stored.body


async def put(store: Store, keys: list[str], body: bytes) -> None:
    """Put conversations back to where they were."""

    async def put_one(key: str) -> None:
        claim = await store.claim(key, now=time.time(), lease_s=30)
        await store.commit(claim, body, now=time.time(), status="WAITING_FOR_RESPONSE")

    await asyncio.gather(*map(put_one, keys))


def candidates(
    store: Store, bare: Bare, turns: int, loop: asyncio.Runner, *, at_once: bool = False
) -> dict[str, Timed]:
    """The orchestrator and the bare round trips, with conversations of so many turns."""
    body = loop.run(body_after(turns))
    orchestrator = Orchestrator(questions_dialog, store=store)

    async def answer(key: str) -> None:
        turn = await orchestrator.handle_message(key, answer_of(turns), message_id="next")
        assert turn.messages == [f"Question {turns + 1}?"]

    async def put_bare(keys: list[str]) -> None:
        for key in keys:
            await bare.put(key, body)

    async def one_by_one(one: Callable[[str], Awaitable[Any]], keys: list[str]) -> None:
        for key in keys:
            await one(key)

    if at_once:
        return {
            "bare": Timed(bare.turns, put_bare, loop, AT_ONCE),  # type: ignore[attr-defined]
            "dialogs": Timed(
                lambda keys: asyncio.gather(*map(answer, keys)),
                lambda keys: put(store, keys, body),
                loop,
                AT_ONCE,
            ),
        }
    return {
        "dialogs": Timed(
            lambda keys: one_by_one(answer, keys), lambda keys: put(store, keys, body), loop
        ),
        "bare": Timed(lambda keys: one_by_one(bare.turn, keys), put_bare, loop),
    }


@contextmanager
def opened(
    name: str, store: Store, bare: Bare
) -> Iterator[tuple[str, Store, Bare, asyncio.Runner]]:
    """A store and its bare rival, on an event loop of their own."""
    with asyncio.Runner() as loop:
        loop.run(store.setup())
        loop.run(bare.open())
        try:
            yield name, store, bare, loop
        finally:
            loop.run(store.close())
            loop.run(bare.close())


def rows(effort: Effort) -> Rows:
    lengths = [length for length in effort.lengths if length <= 100]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_url = stack.enter_context(RedisServer(folder, appendfsync="everysec")).url
        dsn = stack.enter_context(PostgresServer()).dsn
        for name, store, bare in [
            ("SQLite", SQLiteStore(folder / "store.db"), BareSQLite(folder / "bare.db")),
            ("Redis", RedisStore(redis_url), BareRedis(redis_url)),
            ("PostgreSQL", PostgresStore(dsn), BarePostgres(dsn)),
        ]:
            with opened(name, store, bare) as (_, store, bare, loop):  # noqa: PLW2901
                for length in lengths:
                    times = rounds_of(candidates(store, bare, length, loop), effort)
                    yield Row(
                        f"a turn over {name} / bare read and compare-and-set",
                        length,
                        target=TARGETS.get(length),
                        **ratios(times, "dialogs", "bare"),
                    )
                if name == "Redis":
                    times = rounds_of(candidates(store, bare, 10, loop, at_once=True), effort)
                    yield Row(
                        f"{AT_ONCE:,} on Redis at once: bare pipelines / dialogs",
                        10,
                        target=Target(0.8, at_least=True),
                        **ratios(times, "bare", "dialogs"),
                    )
