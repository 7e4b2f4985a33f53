"""Where a runner keeps one conversation's log: the protocol, and two ways to keep it.

Bytes in, bytes out; nothing here knows what is in them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class PersistenceProvider(Protocol):
    """Keeps the log of one conversation.

    A provider may also have a `conversation_id`, a `str` that no other conversation has; it is
    what `step_key()` and errors name. For async runs both methods may be coroutines.
    """

    def load(self) -> bytes | None:
        """The log as it was saved last; None where the conversation has not started."""
        ...

    def save(self, log: bytes) -> None:
        """Keep the log in place of the one before, wholly or not at all."""
        ...


class InMemoryPersistence:
    """Keeps the log in this object, for tests and for trying things.

    Args:
        log: the log to start with.
    """

    def __init__(self, log: bytes | None = None) -> None:
        self.log = log
        self.conversation_id = uuid.uuid4().hex

    def load(self) -> bytes | None:
        """The log as it was saved last."""
        return self.log

    def save(self, log: bytes) -> None:
        """Keep the log."""
        self.log = log


class FilePersistence:
    """Keeps the log in a file of its own.

    The file is replaced in one step, after the new bytes have reached the disk: a crash leaves
    the old log or the new one, never half of one.

    Args:
        path: the file; made when the conversation starts, its folder too.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.conversation_id = str(self.path)

    def load(self) -> bytes | None:
        """The file's bytes; None where there is no file."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def save(self, log: bytes) -> None:
        """Replace the file's bytes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(log)
                file.flush()
                os.fsync(file.fileno())
            if self.path.exists():
                shutil.copymode(self.path, name)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
