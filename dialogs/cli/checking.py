"""`dialogs check`: which open conversations the code here would leave behind."""

from __future__ import annotations

import asyncio
import sys

from dialogs.channels.console.plain import harmless
from dialogs.cli.orchestrators import orchestrator_for
from dialogs.cli.targets import Target
from dialogs.errors import LogError
from dialogs.orchestrator import Orchestrator


def check(target: Target, url: str | None) -> bool:
    """Replay the open conversations, perform nothing, and tell; whether all fit the code."""
    return asyncio.run(_check(orchestrator_for(target, url)[0]))


async def _check(orchestrator: Orchestrator) -> bool:
    refused = anew = 0
    async with orchestrator:
        try:
            async for chat_id, error in orchestrator.check():
                refused, anew = refused + (error is not None), anew + (error is None)
                text = "starts anew" if error is None else str(error) or repr(error)
                sys.stdout.write(f"{harmless(chat_id)}\t{harmless(text)}\n")
        except LogError as error:
            refused += 1
            sys.stdout.write(f"{harmless(str(error))}\n")
    sys.stderr.write(f"{refused} refused, {anew} that start anew.\n")
    return refused == 0
