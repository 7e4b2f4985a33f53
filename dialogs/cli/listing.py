"""`dialogs conversations` and `dialogs forget`: what a store has of a dialog."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import datetime

from rich.console import Console
from rich.table import Column, Table

from dialogs.channels.console.plain import harmless
from dialogs.cli.orchestrators import orchestrator_for
from dialogs.cli.targets import Target
from dialogs.conversation import Conversation
from dialogs.errors import LogError
from dialogs.orchestrator import Orchestrator
from dialogs.standing import Status

Row = tuple[str, str, str, str]
"""A conversation as it is listed: chat id, status, time of its last turn, what is to be known."""

HEAD: Row = ("chat id", "status", "last turn", "waits")


def show(target: Target, url: str | None, status: Status | None) -> bool:
    """List conversations, those that changed last at the end; whether all could be read.

    People get a table; a pipe gets lines with tabs, and no head.
    """
    rows = asyncio.run(_rows(orchestrator_for(target, url)[0], status))
    if sys.stdout.isatty():
        # Folded, not cut: a chat id is there to be copied.
        columns = [Column(name, overflow="fold", no_wrap=name == "status") for name in HEAD]
        table = Table(*columns)
        for row in rows:
            table.add_row(*[harmless(cell) for cell in row], style=None)
        Console(highlight=False, markup=False).print(table)
    else:
        for row in rows:
            sys.stdout.write("\t".join(harmless(cell).replace("\t", " ") for cell in row) + "\n")
    return all(row[1] != _UNREADABLE for row in rows)


_UNREADABLE = "UNREADABLE"


async def _rows(orchestrator: Orchestrator, status: Status | None) -> list[Row]:
    async with orchestrator:
        wanted = None if status is None else status.value
        stored = [each async for each in orchestrator.store.scan(wanted, now=time.time())]
    dated: list[tuple[float, Row]] = []
    for each in stored:
        try:
            conversation = Conversation.decode(each.body)
        except LogError as error:
            dated.append((0.0, (each.chat_id, _UNREADABLE, "", error.what)))
            continue
        at = conversation.updated_at
        row = (each.chat_id, conversation.status.value, _date(at), _about(conversation))
        dated.append((at, row))
    return [row for _, row in sorted(dated)]


def _about(conversation: Conversation) -> str:
    """Where it waits, until when, and why it failed; its result where it is over."""
    words = conversation.waiting
    if conversation.deadline is not None:
        words += f", until {_date(conversation.deadline)}"
    if conversation.error:
        words += f" after {conversation.error.strip().rpartition(chr(10))[2]}"
    if conversation.status.is_over and conversation.result is not None:
        words = f"result: {conversation.result!r}"
    return words.strip()


def _date(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def forget(target: Target, url: str | None, chat_ids: list[str]) -> bool:
    """Delete conversations; whether there were all of them."""
    found = asyncio.run(_forget(orchestrator_for(target, url)[0], chat_ids))
    for chat_id, was_there in zip(chat_ids, found, strict=True):
        if was_there:
            sys.stdout.write(f"Forgot {harmless(chat_id)}.\n")
        else:
            sys.stderr.write(f"There is no conversation {harmless(chat_id)}.\n")
    return all(found)


async def _forget(orchestrator: Orchestrator, chat_ids: list[str]) -> list[bool]:
    async with orchestrator:
        return [await orchestrator.forget(chat_id) for chat_id in chat_ids]
