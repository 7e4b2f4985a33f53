"""Where a workflow stands: plain data, made anew on every replay and kept nowhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from dialogs.workflows.checking import ERROR
from dialogs.workflows.understanding import NOTHING, Heard

HISTORY = 200
"""How many steps the history keeps."""

_FAILED = "!"
"""What stands in the history before the id of a step that failed."""


class Scope(Mapping[str, Any]):
    """What names stand for in expressions and templates.

    Args:
        names: the workflow's variables; those not set are None.
        variables: those that are set.
        heard: the client's last message.
    """

    def __init__(self, names: Sequence[str], variables: dict[str, Any], heard: Heard) -> None:
        self._names = names
        self._variables = variables
        self._heard = heard

    def __getitem__(self, name: str) -> Any:
        if name in NOTHING:
            return self._heard.get(name, NOTHING[name])
        if name == "variables":
            return dict.fromkeys(self._names) | self._variables
        if name in self._variables:
            return self._variables[name]
        if name in self._names:
            return None
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._names, *NOTHING, "variables"])

    def __len__(self) -> int:
        return len(self._names) + len(NOTHING) + 1


@dataclass(slots=True)
class State:
    """Where a workflow stands.

    Args:
        step: the id of the step that is next, or under way; None: the workflow is over.
        variables: what was set so far; the values themselves are never changed.
        heard: the client's last message.
        rounds: for each loop, its rounds so far.
        history: the ids of the last steps that are over.
        deadline: when the workflow's time has passed, in UTC seconds; None: never.
        before: the id of the step before this one; "" at first.
        passed: how many steps were passed since something was waited for.
        handled: how many failures the workflow's own error handling was given since then.
    """

    step: str | None
    variables: dict[str, Any]
    heard: Heard = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    history: deque[str] = field(default_factory=lambda: deque(maxlen=HISTORY))
    deadline: float | None = None
    before: str = ""
    passed: int = 0
    handled: int = 0

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> State:
        """The state of what `as_data` gave."""
        state = cls(**data)
        state.history = deque(data["history"], maxlen=HISTORY)
        return state

    def as_data(self) -> dict[str, Any]:
        """All of it, as the log keeps it."""
        data = {each.name: getattr(self, each.name) for each in fields(self)}
        return data | {"history": [*self.history]}

    def go(self, step: str | None) -> None:
        """Leave this step for another one."""
        self.before = here = self.step or ""
        self.history.append(here)
        self.step = step
        self.passed += 1

    def fail(self, step: str | None) -> None:
        """Leave this step, which has failed, for another one."""
        self.go(step)
        self.history[-1] = _FAILED + self.before

    def hear(self, heard: Heard) -> None:
        """Take a message of the client, or that something else was waited for."""
        self.heard = heard
        self.passed = self.handled = 0

    def result(self, workflow_id: str) -> dict[str, Any]:
        """What the workflow's dialog returns."""
        has_failed = bool(self.history) and self.history[-1].startswith(_FAILED)
        return {
            "workflow_id": workflow_id,
            "variables": self.variables,
            "history": self.steps_taken(),
            "error": self.variables.get(ERROR) if has_failed else None,
        }

    def steps_taken(self) -> list[dict[str, str]]:
        """The history: each step's id, and whether it is "done" or has "failed"."""
        return [
            {
                "step": step.removeprefix(_FAILED),
                "outcome": "failed" if step.startswith(_FAILED) else "done",
            }
            for step in self.history
        ]
