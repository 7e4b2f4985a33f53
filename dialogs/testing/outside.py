"""The world outside a dialog, as a test wants it: a clock that stands, seeded dice, and stubs."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from dialogs.drivers import World
from dialogs.effects import Refused
from dialogs.errors import UsageError
from dialogs.steps import Step, discard
from dialogs.testing.stubs import Stub, refusal

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


class Outside:
    """What answers the steps of a dialog under test.

    Args:
        clock: answers `now`.
        seed: of the dice, which answer `randint`, `choice` and `uuid4`.
        real_calls: whether functions and coroutines are performed that have no stub.

    Attributes:
        performed: the steps that were performed, as text; stubbed ones too.
    """

    def __init__(self, clock: FakeClock, seed: int, *, real_calls: bool = True) -> None:
        self.clock = clock
        self.dice = random.Random(seed)  # noqa: S311 - dice of a test
        self.world = World(clock, self.dice, self._uuid4)
        self.performed: list[str] = []
        self._real_calls = real_calls
        self._stubs: list[Stub] = []

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
        self._stubs.insert(0, Stub(step, fake, answers))

    def stand_in(self, step: Step[Any]) -> Step[Any] | None:
        """The step that is performed in place of this one; None where it is performed itself.

        Raises:
            Refused: it is not performed: see `refusal`.
        """
        stub = next((stub for stub in self._stubs if stub.is_for(step)), None)
        if stub is not None:
            return stub.in_place_of(step)
        error = refusal(step, self._stubs, real_calls=self._real_calls)
        if error is not None:
            discard(step)
            raise Refused(error)
        return None

    def remember(self) -> Callable[[], None]:
        """Remember the dice and the stubs; returns what puts them back."""
        state = self.dice.getstate()
        used = [(stub, stub.used) for stub in self._stubs]

        def put_back() -> None:
            self.dice.setstate(state)
            for stub, count in used:
                stub.used = count

        return put_back


class Stubs:
    """What happens in place of steps, as a test says it."""

    _outside: Outside

    def stub(self, step: Any, *answers: Any) -> Self:
        """Give answers in place of performing a step.

        Args:
            step: a function that the dialog hands to `call`, or a step's name: "charge" or
                "call charge", "now", "randint", "choice", "uuid4", or the coroutine's name.
            *answers: given one after another, the last one for ever; an exception is raised.

        Nothing else is stubbed. A turn that is about to perform a function or coroutine which this
        seems to be meant for raises UsageError, and performs nothing of it.
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
