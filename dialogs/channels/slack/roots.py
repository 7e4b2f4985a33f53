"""Which kind of event begins which dialog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from dialogs.channels.slack.places import Heard, Kind
from dialogs.orchestrator import Orchestrator

Begins: TypeAlias = Any
"""What an event begins: True the orchestrator's own dialog, False none, or a dialog."""


class Roots:
    """What each kind of event begins.

    Args:
        orchestrator: gets the dialogs as further roots, named after the kinds.
        begins: what the kinds begin, the one that counts most first; None: what the next kind of
            the event begins.
    """

    def __init__(self, orchestrator: Orchestrator, begins: Mapping[Kind, Begins | None]) -> None:
        self._names: dict[Kind, str | None] = {}
        for kind, choice in begins.items():
            if choice is None:
                continue
            if choice is True or choice is False:
                self._names[kind] = "" if choice else None
            else:
                self._names[kind] = name = f"slack {kind.value}"
                orchestrator.add_root(name, choice)

    def begun_by(self, heard: Heard) -> str | None:
        """The name of the root that an event may begin; None: it begins nothing."""
        kinds = (kind for kind in self._names if kind in heard.kinds)
        return next((self._names[kind] for kind in kinds), None)
