"""Which step follows which: the document as a graph, for checks, drawings and the interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dialogs.workflows.fields import END
from dialogs.workflows.schema import (
    AnyStep,
    ConditionStep,
    LoopStep,
    SlotFillStep,
    WaitInputStep,
    WebhookStep,
    Workflow,
)

Kind = Literal["next", "yes", "no", "round", "error", "timeout"]


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one step to another.

    Args:
        start: the id of a step; "" for the workflow itself.
        end: the id of the step that follows, which may not exist; None: the workflow ends.
        kind: when it is taken.
        field: the field that names `end`; "" where it follows from the order.
    """

    start: str
    end: str | None
    kind: Kind
    field: str = ""


class Plan:
    """A workflow's steps and the ways between them.

    Args:
        workflow: the document.

    Attributes:
        steps: the steps by their ids.
        first: the id of the first one.
        inside: for each loop, the steps of its rounds, those of loops inside it included.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.steps: dict[str, AnyStep] = {step.id: step for step in workflow.steps}
        bodies = {step.id: step.loop_steps for step in workflow.steps if isinstance(step, LoopStep)}
        self.inside = {loop: frozenset(_inside(loop, bodies)) for loop in bodies}
        own = {member for body in bodies.values() for member in body}
        outside = [step.id for step in workflow.steps if step.id not in own]
        # What begins the workflow may be in a loop only by mistake, which a check finds.
        self.first = outside[0] if outside else workflow.steps[0].id
        self._following: dict[str, str | None] = {}
        for here, after in zip(outside, [*outside[1:], None], strict=False):
            self._following[here] = after
        for loop, body in bodies.items():
            for member, after in zip(body, [*body[1:], loop], strict=True):
                self._following[member] = after

    def next_of(self, step: AnyStep) -> str | None:
        """The step that follows where nothing else is said; None: the workflow ends."""
        if step.next_step is not None:
            return self.target(step.next_step)
        return self._following.get(step.id)

    @staticmethod
    def target(named: str) -> str | None:
        """The step that a reference means; None: the workflow ends."""
        return None if named == END else named

    def branch(self, step: AnyStep, taken: bool) -> str | None:
        """The step that follows a condition, or a loop, that came out so."""
        named = None
        if isinstance(step, ConditionStep):
            named = step.if_true if taken else step.if_false
        elif isinstance(step, LoopStep) and taken:
            named = step.loop_steps[0]
        if named is None:
            return self.next_of(step)
        return self.target(named)

    def edges(self) -> Iterator[Edge]:
        """All ways between steps, and from the workflow's error handling."""
        for step in self.workflow.steps:
            yield from self._edges_of(step)
            if step.on_error is not None:
                yield self._edge(step.id, step.on_error, "error", "on_error")
        handling = self.workflow.error_handling
        if handling.on_error is not None:
            yield self._edge("", handling.on_error, "error", "error_handling.on_error")
        if handling.on_timeout is not None:
            yield self._edge("", handling.on_timeout, "timeout", "error_handling.on_timeout")

    def _edges_of(self, step: AnyStep) -> Iterator[Edge]:
        if isinstance(step, LoopStep):
            for at, member in enumerate(step.loop_steps):
                if at == 0 or member not in self.steps:
                    yield Edge(step.id, member, "round", f"loop_steps.{at}")
        elif isinstance(step, ConditionStep):
            yield self._branch_edge(step, step.if_true, "yes", "if_true")
            yield self._branch_edge(step, step.if_false, "no", "if_false")
            return
        yield self._following_edge(step, "next")

    def _branch_edge(self, step: AnyStep, named: str | None, kind: Kind, field: str) -> Edge:
        if named is None:
            return self._following_edge(step, kind)
        return self._edge(step.id, named, kind, field)

    def _following_edge(self, step: AnyStep, kind: Kind) -> Edge:
        field = "" if step.next_step is None else "next_step"
        return Edge(step.id, self.next_of(step), kind, field)

    @staticmethod
    def _edge(start: str, end: str, kind: Kind, field: str) -> Edge:
        return Edge(start, Plan.target(end), kind, field)

    def reachable(self) -> set[str]:
        """The steps that can be reached."""
        ways: dict[str, list[str]] = {}
        for edge in self.edges():
            if edge.end in self.steps:
                ways.setdefault(edge.start, []).append(edge.end)
        found: set[str] = set()
        waiting = [self.first, *ways.get("", [])]
        while waiting:
            here = waiting.pop()
            if here not in found:
                found.add(here)
                waiting += ways.get(here, [])
        return found

    def endless(self) -> list[str] | None:
        """Steps in a circle without a wait and without a bound; None: there is none."""
        ways: dict[str, list[str]] = {name: [] for name in self.steps}
        for edge in self.edges():
            if edge.start and edge.end in self.steps and not waits(self.steps[edge.end]):
                if edge.start in self.inside.get(edge.end, ()):
                    continue  # the next round of a loop, which counts them
                ways[edge.start].append(edge.end)
        return _circle({name: ends for name, ends in ways.items() if not waits(self.steps[name])})


def waits(step: AnyStep) -> bool:
    """Whether a step cannot be passed again and again without the client, or a signal."""
    if isinstance(step, WebhookStep):
        return step.signal is not None
    return isinstance(step, WaitInputStep | SlotFillStep)


def _inside(loop: str, bodies: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(bodies[loop])
    while waiting:
        member = waiting.pop()
        if member not in found:
            found.add(member)
            waiting += bodies.get(member, [])
    return found


def _circle(ways: dict[str, list[str]]) -> list[str] | None:
    """A circle in a graph, its first step again at its end; None: there is none."""
    done: set[str] = set()
    for start in ways:
        path: list[str] = []
        on_path: set[str] = set()
        waiting = [(start, False)]
        while waiting:
            here, leaving = waiting.pop()
            if leaving:
                path.pop()
                on_path.discard(here)
                done.add(here)
            elif here in on_path:
                return [*path[path.index(here) :], here]
            elif here not in done:
                path.append(here)
                on_path.add(here)
                waiting.append((here, True))
                waiting += [(end, False) for end in ways[here]]
    return None
