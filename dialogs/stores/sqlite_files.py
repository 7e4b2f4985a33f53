"""The files of SQLiteStore: which one it is, and what this process has open.

SQLite locks files for its process, with locks that POSIX gives and takes by rules of its own: to
close any descriptor of a file drops all that the process has on it, and a fork inherits none.
Source: https://www.sqlite.org/howtocorrupt.html, section 2.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from dialogs.errors import UsageError

Identity = tuple[int, int] | None
"""Which file it is: its device and inode; None: there is none."""

_open_here: dict[int, Identity] = {}
"""The files that this process has connections to, each by the id of who has one."""

_inherited: set[Identity] = set()
"""The files that were open when this process was forked."""


def identity(path: Path) -> Identity:
    """Which file a path leads to."""
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def make(path: Path) -> None:
    """Make a file where there is none, and its folder, too.

    One that is there is not even opened, for the sake of SQLite's locks on it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # SQLite would make it readable by all; its -wal and -shm files get the same permissions.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def opened(owner: object, path: Path) -> Identity:
    """Remember that somebody has a connection, the only one of theirs; returns to which file."""
    file = _open_here[id(owner)] = identity(path)
    return file


def closed(owner: object) -> None:
    """Remember that somebody has none any more."""
    _open_here.pop(id(owner), None)


def check_not_inherited(path: Path, name: str) -> None:
    """Refuse a file that SQLite takes for open here, with locks that are another process's.

    Raises:
        UsageError: it is one.
    """
    if identity(path) in _inherited:
        raise UsageError(
            f"{name} was opened before this process was forked.",
            "SQLite's locks belong to the process that opened the file: this one would write "
            "without them.",
            "Close the store before the fork, or open it in the forked processes only.",
        )


def _remember_what_was_open() -> None:
    _inherited.update(_open_here.values())
    _open_here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_remember_what_was_open)
