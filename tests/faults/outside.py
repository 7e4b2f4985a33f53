"""The world outside the conversations: what was done there and said there, in an append-only file.

Each entry is one write of one line with O_APPEND, so those of several processes never mix, and a
process that is killed has written a line or has not.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from pathlib import Path
from typing import Any

from dialogs import step_key
from tests.faults.aim import Aim


class Journal:
    """One run's file, which every process of the run appends to. It is the sender, too.

    Args:
        path: the file.
        aim: counts what is done outside.
    """

    def __init__(self, path: Path, aim: Aim | None = None) -> None:
        self.path = path
        self.aim = aim or Aim()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def close(self) -> None:
        os.close(self._file)

    def write(self, *entry: Any) -> None:
        """Append an entry."""
        os.write(self._file, json.dumps(entry).encode() + b"\n")

    def read(self, kind: str) -> list[list[Any]]:
        """The entries of a kind, oldest first, without their kind."""
        entries = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [entry[1:] for entry in entries if entry[0] == kind]

    # --- effects ------------------------------------------------------------------------------

    def perform(self) -> list[str]:
        """An effect: the step's key, and a number that no other performance of it has."""
        with self.aim.step():
            receipt = [step_key(), uuid.uuid4().hex]
            self.write("effect", *receipt)
            return receipt

    async def perform_alone(self, what: Any) -> Any:
        """An effect that notices when another one runs at the same time."""
        room = self.path.with_suffix(".room")
        self.write("effect", step_key(), what)
        try:
            room.touch(exist_ok=False)
        except FileExistsError:
            self.write("crowded", what)
            return what
        try:
            await asyncio.sleep(0.001)  # gives others the time to come in
        finally:
            room.unlink()
        return what

    # --- words --------------------------------------------------------------------------------

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        """Say something."""
        with self.aim.step():
            self.write("said", chat_id, delivery_id, message)
