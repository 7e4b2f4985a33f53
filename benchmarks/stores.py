"""A turn of the orchestrator over each store, against bare round trips of the same bytes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bare import Bare, BarePostgres, BareRedis, BareSQLite
from benchmarks.conversations import answer_of, body_after, put, questions_dialog
from benchmarks.measure import Effort, Row, Rows, Target, Timed, ratios, rounds_of
from dialogs import Orchestrator
from dialogs.stores import PostgresStore, RedisStore, SQLiteStore, Store
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

TARGETS = {10: Target(1.3), 100: Target(2.0)}


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

    async def all_at_once(keys: list[str]) -> None:
        await asyncio.gather(*map(answer, keys))

    async def put_back(keys: list[str]) -> None:
        await put(store, keys, body)

    if at_once:
        return {
            "bare": Timed(bare.turns, put_bare, loop),  # type: ignore[attr-defined]
            "dialogs": Timed(all_at_once, put_back, loop),
        }
    return {
        "dialogs": Timed(lambda keys: one_by_one(answer, keys), put_back, loop),
        "bare": Timed(lambda keys: one_by_one(bare.turn, keys), put_bare, loop),
    }


@contextmanager
def opened(store: Store, bare: Bare) -> Iterator[asyncio.Runner]:
    """An event loop on which a store and its bare rival are open."""
    with asyncio.Runner() as loop:
        loop.run(store.setup())
        loop.run(bare.open())
        try:
            yield loop
        finally:
            loop.run(store.close())
            loop.run(bare.close())


def rivals(folder: Path, servers: ExitStack) -> Iterator[tuple[str, Store, Bare]]:
    """Each store with its bare rival; those whose server is not here are left out with a note."""
    yield "SQLite", SQLiteStore(folder / "store.db"), BareSQLite(folder / "bare.db")
    # The tests' servers skip, or in CI fail, where they are missing.
    missing = (pytest.skip.Exception, pytest.fail.Exception)
    try:
        url = servers.enter_context(RedisServer(folder / "redis", appendfsync="everysec")).url
    except missing as why:
        print(f"{why}: the rows over Redis are not measured.")
    else:
        yield "Redis", RedisStore(url), BareRedis(url)
    try:
        dsn = servers.enter_context(PostgresServer()).dsn
    except missing as why:
        print(f"{why}: the rows over PostgreSQL are not measured.")
    else:
        yield "PostgreSQL", PostgresStore(dsn), BarePostgres(dsn)


def rows(effort: Effort) -> Rows:
    lengths = [length for length in effort.lengths if length <= 100]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, store, bare in rivals(folder, stack):
            with opened(store, bare) as loop:
                for length in lengths:
                    times = rounds_of(candidates(store, bare, length, loop), effort)
                    yield Row(
                        f"a turn over {name} / bare read and compare-and-set",
                        length,
                        target=TARGETS.get(length),
                        **ratios(times, "dialogs", "bare"),
                    )
                if name == "Redis":
                    yield crowd(store, bare, loop, effort)


def crowd(store: Store, bare: Bare, loop: asyncio.Runner, effort: Effort) -> Row:
    """Many turns at once, each in a conversation of its own."""
    length = effort.lengths[0]
    both = candidates(store, bare, length, loop, at_once=True)
    times = rounds_of(both, effort, at_least=effort.crowd)
    return Row(
        f"{effort.crowd:,} on Redis at once: bare pipelines / dialogs",
        length,
        target=Target(0.8, at_least=True),
        **ratios(times, "bare", "dialogs"),
    )
