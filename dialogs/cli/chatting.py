"""`dialogs chat`: a terminal, an orchestrator and its timers in one process."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import shlex
import sys
from dataclasses import dataclass
from typing import Any

from dialogs.channels.console import ConsoleChannel, PlainTerminal, Terminal, console_id
from dialogs.cli.orchestrators import orchestrator_for
from dialogs.cli.targets import Target
from dialogs.orchestrator import Orchestrator

POLL_S = 0.5
"""How often timers look; somebody sits there and waits."""

LEASE_S = 5.0
"""How long a conversation is held for a turn, where somebody waits who may have killed the last
program: after that, it is free again. A turn may take longer, as long as nobody else wants it."""

PATIENCE_S = 1.0
"""How long a line waits for another process before the person is told."""


@dataclass(frozen=True)
class Invitation:
    """Who talks to what.

    Args:
        target: the dialog, or the orchestrator.
        name: who they are.
        url: the store, where one was named.
        is_named: whether they said who they are.
    """

    target: Target
    name: str
    url: str | None
    is_named: bool

    @property
    def chat_id(self) -> str:
        """The conversation's chat id."""
        return console_id(self.name, self.target.name)

    @property
    def command(self) -> str:
        """What to type to come back."""
        words = ["dialogs", "chat", self.target.path]
        words += ["--as", self.name] if self.is_named else []
        words += ["--store", self.url] if self.url else []
        return shlex.join(words)


def chat(invitation: Invitation, *, new: bool) -> bool:
    """Talk until the person leaves; whether all went well.

    Raises:
        UsageError: the store cannot be had, or the name does not do.
        StoreError: it failed at the beginning.
        LogError: the conversation cannot be read.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    orchestrator, place = orchestrator_for(
        invitation.target, invitation.url, poll=POLL_S, lease=LEASE_S, patience=PATIENCE_S
    )
    with contextlib.ExitStack() as stack:
        terminal: Terminal = PlainTerminal()
        if sys.stdin.isatty() and sys.stdout.isatty():
            # Only where it is of use: it takes a while to import.
            from dialogs.channels.console.full import FullTerminal  # noqa: PLC0415

            terminal = FullTerminal()
            stack.enter_context(terminal.open())
        _tell_logs_to(terminal)
        went_well = True
        with contextlib.suppress(
            KeyboardInterrupt
        ):  # it may come at any time, not only to a prompt
            went_well = asyncio.run(_talk(orchestrator, invitation, terminal, new=new))
        if terminal.interactive:
            terminal.tell(_farewell(invitation, place))
    return went_well


async def _talk(
    orchestrator: Orchestrator, invitation: Invitation, terminal: Terminal, *, new: bool
) -> bool:
    async with orchestrator:
        channel = ConsoleChannel(orchestrator)
        if new:
            await orchestrator.forget(invitation.chat_id)
        timers = asyncio.ensure_future(orchestrator.run_timers())
        try:
            return await channel.converse(invitation.chat_id, terminal)
        finally:
            timers.cancel()
            await asyncio.gather(timers, return_exceptions=True)


def _farewell(invitation: Invitation, place: str) -> str:
    if invitation.url is not None and invitation.url.startswith("memory:"):
        return "Nothing is kept: the store was memory."
    return f"Kept in {place}.\nCome back with: {invitation.command}"


class _Log(logging.Handler):
    """Shows what the library logs as the channel's own words, so that no prompt is broken."""

    def __init__(self, terminal: Any) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        self._terminal.tell(self.format(record))


def _tell_logs_to(terminal: Terminal) -> None:
    logger = logging.getLogger("dialogs")
    if not logger.handlers and not logging.getLogger().handlers:
        logger.addHandler(_Log(terminal))
