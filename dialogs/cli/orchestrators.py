"""The orchestrator of a command: the one that was named, or one around the dialog."""

from __future__ import annotations

from typing import Any

from dialogs.cli.places import store_for
from dialogs.cli.targets import Target
from dialogs.errors import UsageError
from dialogs.orchestrator import Orchestrator

HISTORY = 200
"""How many messages a conversation keeps of what was said."""


def orchestrator_for(target: Target, url: str | None, **options: Any) -> tuple[Orchestrator, str]:
    """The orchestrator, and where it keeps conversations, for people.

    Args:
        target: the dialog, or an orchestrator with options of its own.
        url: the store, where one was named.
        **options: of the orchestrator around a dialog.

    Raises:
        UsageError: an orchestrator and a store were named, the store cannot be had, or the dialog
            needs more than the opening message.
    """
    if isinstance(target.found, Orchestrator):
        if url is not None:
            raise UsageError(
                f"{target.path!r} is an Orchestrator, and --store was given, too.",
                "An Orchestrator has its store.",
                "Leave --store out, or name the dialog in place of the Orchestrator.",
            )
        return target.found, repr(target.found.store)
    store, place = store_for(target, url)
    return Orchestrator(target.found, store=store, history=HISTORY, **options), place
