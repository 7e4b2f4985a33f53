"""The `dialogs` command: talk to a dialog in the terminal, serve it, look at its conversations.

What the command needs is an extra: it is imported when the command runs.
"""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec

from dialogs.errors import DialogsError, UsageError, missing_extra

_NEEDS = {
    "typer": "typer",
    "rich": "rich",
    "prompt_toolkit": "prompt-toolkit",
    "platformdirs": "platformdirs",
}


def main() -> None:
    """Run the command line; exits with 0, with 1 after an error, with 2 where it was told wrong."""
    # The pool of connections warns at each attempt; the store's error says it once.
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())
    try:
        absent = [name for module, name in _NEEDS.items() if find_spec(module) is None]
        if absent:
            raise missing_extra("The command", " and ".join(absent), "cli")
        from dialogs.cli.commands import app  # noqa: PLC0415 - an extra

        app()
    except DialogsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2 if isinstance(error, UsageError) else 1)
