"""Where things are kept when nobody says where: the user's state folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from zlib import crc32

from platformdirs import user_state_path

from dialogs.cli.targets import Target
from dialogs.errors import UsageError
from dialogs.stores.base import Store
from dialogs.stores.sqlite import SQLiteStore
from dialogs.stores.urls import store_from_url

SECRET_VARIABLE = "DIALOGS_SECRET"  # noqa: S105 - the variable's name


def state_folder() -> Path:
    r"""The folder of the user's that keeps what programs have learned.

    `$XDG_STATE_HOME/dialogs`, or `~/.local/state/dialogs`; on macOS and Windows, where their rules
    say: `~/Library/Application Support/dialogs`, `%LOCALAPPDATA%\dialogs`.
    """
    return user_state_path("dialogs", appauthor=False)


def store_for(target: Target, url: str | None) -> tuple[Store, str]:
    """The store of a dialog's conversations, and where it is, for people.

    Each dialog has a file of its own: what wakes one dialog's conversations must not wake
    another's. Dialogs of the same name in two clones are two dialogs.
    """
    if url is not None:
        return store_from_url(url), url.partition(":")[0] + " store"
    place = f"{crc32(str(target.file.resolve()).encode(errors='surrogateescape')):08x}"
    file = state_folder() / f"{target.path.replace(':', '-')}-{place}.db"
    return SQLiteStore(file), str(file)


def secret() -> tuple[str, str]:
    """The secret that a web page's tokens are signed with, and where it is from, for people."""
    given = os.environ.get(SECRET_VARIABLE)
    if given:
        return given, f"${SECRET_VARIABLE}"
    file = state_folder() / "secret"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # Made with its permissions, so that nobody else can read it for a moment.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(32))
    found = file.read_text().strip()
    if not found:
        raise UsageError(
            f"{file} is empty.",
            "It has the secret that the web page's tokens are signed with.",
            f"Delete it, and a new one is made; or set {SECRET_VARIABLE}.",
        )
    return found, str(file)
