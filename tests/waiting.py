"""Waiting for what sets no event: another task, another process, a server."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds, for a minute at most."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what it waits for knows no events
            await asyncio.sleep(0.001)
