"""The guessing game over plain TCP. Play it with: nc localhost 8023"""

import asyncio
import contextlib

from dialogs import Orchestrator
from dialogs.stores import SQLiteStore
from examples.guessbot.game import game
from examples.own_channel.lines import Lines


async def main():
    async with Orchestrator(game, store=SQLiteStore("own_channel.db")) as orchestrator:
        channel = Lines(orchestrator)
        async with await asyncio.start_server(channel.converse, "127.0.0.1", 8023):
            print(__doc__)
            await orchestrator.run_timers()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
