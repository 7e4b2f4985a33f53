"""The world outside a dialog, as a test wants it: a clock that stands, seeded dice, and stubs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from dialogs.drivers import World
from dialogs.errors import UsageError
from dialogs.steps import Call, Choice, RandInt, Step

START = datetime(2024, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is advanced.

    Args:
        time: the time to start at, aware.

    >>> clock = FakeClock()
    >>> clock.advance(90)
    >>> clock().isoformat()
    '2024-01-01T12:01:30+00:00'
    """

    def __init__(self, time: datetime = START) -> None:
        self.time = time

    def __call__(self) -> datetime:
        """The time."""
        return self.time

    def advance(self, by: float | timedelta) -> None:
        """Let time pass.

        Args:
            by: seconds, or a timedelta.
        """
        self.time += by if isinstance(by, timedelta) else timedelta(seconds=by)


@dataclass(slots=True)
class _Stub:
    """What happens in place of a step: `fake` is called, or an answer is given.

    Attributes:
        used: how many answers were given.
    """

    step: Any
    fake: Callable[..., Any] | None
    answers: tuple[Any, ...]
    used: int = 0

    def perform(self, *args: Any, **kwargs: Any) -> Any:
        if self.fake is not None:
            return self.fake(*args, **kwargs)
        answer = self.answers[min(self.used, len(self.answers) - 1)]
        self.used += 1
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Outside:
    """What answers the steps of a dialog under test.

    Args:
        clock: answers `now`.
        seed: of the dice, which answer `randint`, `choice` and `uuid4`.

    Attributes:
        performed: the steps that were performed, as text; stubbed ones too.
    """

    def __init__(self, clock: FakeClock, seed: int) -> None:
        self.clock = clock
        self.dice = random.Random(seed)  # noqa: S311 - dice of a test
        self.world = World(clock, self.dice, self._uuid4)
        self.performed: list[str] = []
        self._stubs: list[_Stub] = []

    def _uuid4(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)

    def stub(self, step: Any, fake: Callable[..., Any] | None, answers: tuple[Any, ...]) -> None:
        """Have something happen in place of a step.

        Args:
            step: a function that is called by `call`, or the name of the step.
            fake: is called with what the step has for arguments.
            answers: are given one after another, without `fake`; the last one for ever.
        """
        if hasattr(step, "definition"):
            raise UsageError(
                f"The dialog {step.definition.name!r} cannot be stubbed.",
                "Dialogs are run, and only what they do outside is performed.",
                "Stub the steps that it performs, or give the answers that it waits for.",
            )
        self._stubs.insert(0, _Stub(step, fake, answers))

    def stand_in(self, step: Step[Any]) -> Step[Any] | None:
        """The step that is performed in place of this one, or None."""
        kind, _, name = step.key.partition(" ")
        known_by = [step.key, name or kind, kind]
        if isinstance(step, Call):
            known_by.append(step.fn)
        stub = next((stub for stub in self._stubs if stub.step in known_by), None)
        if stub is None:
            return None
        args, kwargs = _arguments(step)
        performed: Call[Any] = Call(stub.perform, *args, **kwargs)
        performed.key = step.key
        return performed

    def remember(self) -> Callable[[], None]:
        """Remember the dice and the stubs; returns what puts them back."""
        state = self.dice.getstate()
        used = [(stub, stub.used) for stub in self._stubs]

        def put_back() -> None:
            self.dice.setstate(state)
            for stub, count in used:
                stub.used = count

        return put_back


def _arguments(step: Step[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    match step:
        case Call():
            return step.args, step.kwargs
        case RandInt():
            return (step.a, step.b), {}
        case Choice():
            return (step.seq,), {}
        case _:
            return (), {}


class Stubs:
    """What happens in place of steps, as a test says it."""

    _outside: Outside

    def stub(self, step: Any, *answers: Any) -> Self:
        """Give answers in place of performing a step.

        Args:
            step: a function that the dialog hands to `call`, or a step's name: "charge" or
                "call charge", "now", "randint", "choice", "uuid4", or the coroutine's name.
            *answers: given one after another, the last one for ever; an exception is raised.
        """
        if not answers:
            raise UsageError(f"stub({step!r}) has no answer.", "", "Give one or more.")
        self._outside.stub(step, None, answers)
        return self

    def replace(self, step: Any, fake: Callable[..., Any]) -> Self:
        """Call another function, sync or async, in place of performing a step.

        Args:
            step: as in `stub`.
            fake: gets the arguments that the dialog handed to `call`, `randint` or `choice`.
        """
        self._outside.stub(step, fake, ())
        return self

    @property
    def performed(self) -> list[str]:
        """The steps that were performed so far, as text, stubbed ones too."""
        return self._outside.performed
