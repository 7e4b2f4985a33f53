"""Which kind of event begins which dialog."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from dialogs.channels.slack.places import Heard, Kind
from dialogs.orchestrator import Orchestrator

Begins: TypeAlias = Any
"""What an event begins: True the orchestrator's own dialog, False none, or a dialog."""

Actions: TypeAlias = Mapping[str | re.Pattern[str], Begins]
"""What components begin, by their action ids: a text is one, a pattern is found in some."""


class Roots:
    """What each kind of event begins.

    Args:
        orchestrator: gets the dialogs as further roots, named after the kinds.
        begins: what the kinds begin, the one that counts most first; None: what the next kind of
            the event begins. Of components, also `Actions`.
    """

    def __init__(
        self, orchestrator: Orchestrator, begins: Mapping[Kind, Begins | Actions | None]
    ) -> None:
        self._orchestrator = orchestrator
        self._names: dict[Kind, str | None] = {}
        self._actions: list[tuple[str | re.Pattern[str], str | None]] = []
        for kind, choice in begins.items():
            if isinstance(choice, Mapping):
                self._names[kind] = None
                for action, each in choice.items():
                    shown = action if isinstance(action, str) else action.pattern
                    self._actions.append((action, self._add(f"slack {kind.value} {shown}", each)))
            elif choice is not None:
                self._names[kind] = self._add(f"slack {kind.value}", choice)

    def _add(self, name: str, choice: Begins) -> str | None:
        """The name of the root that a choice is; None where it is none."""
        if choice is True or choice is False:
            return "" if choice else None
        self._orchestrator.add_root(name, choice)
        return name

    def begun_by(self, heard: Heard) -> str | None:
        """The name of the root that an event may begin; None: it begins nothing."""
        if Kind.INTERACTIVE in heard.kinds:
            used = str(heard.event["actions"][0].get("action_id"))
            for action, name in self._actions:
                if used == action if isinstance(action, str) else action.search(used):
                    return name
        kinds = (kind for kind in self._names if kind in heard.kinds)
        return next((self._names[kind] for kind in kinds), None)
