"""What can happen to a dialog under test: what a client says, signals, and time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from dialogs.errors import UsageError
from dialogs.recorder import Event, Response, Signal, TimedOut
from dialogs.resume import Outcome
from dialogs.testing.expectations import Expectations
from dialogs.testing.outside import FakeClock
from dialogs.testing.transcript import TIMED_OUT, WOKE_UP, YOU, line, shown, signal_line
from dialogs.waits import GetClientResponse, Sleep, Wait, wait_for_signal

Prepare = Callable[[], tuple[str, Event | None]]
"""Says what happens: the wait that it is for, as logs know it, and the event."""


class Events(Expectations):
    """What can happen to a dialog under test, each as a `Prepare`.

    Attributes:
        bytes: the log; None before the start.
        clock: the clock.
    """

    bytes: bytes | None
    clock: FakeClock

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[str, Event | None]] = []

    @abstractmethod
    def _look(self) -> Outcome:
        """A turn in which nothing happens: where a log that was given stands."""

    @abstractmethod
    def _goes_on(self) -> bool:
        """Whether the code goes on where the log waits; it performs nothing."""

    def _catch_up(self) -> None:
        if self._started and not self._met and not self.is_done:
            self._met, self._goes = True, self._goes_on()

    def _start(self) -> tuple[str, None]:
        if self.bytes is not None:
            raise UsageError(
                "start() was called in an open conversation.",
                "A conversation starts once.",
                "Go on with say(...).",
            )
        return "", None

    def _hear(self, response: Any) -> tuple[str, Event]:
        self._lines.append(line(YOU, shown(response)))
        return GetClientResponse.key, Response(response)

    def _pressed(self, label: str) -> tuple[str, Event]:
        __tracebackhide__ = True
        answer = self._button(label).answer
        self._lines.append(line(YOU, f"[{label}]"))
        return GetClientResponse.key, Response(answer)

    def _signalled(self, name: str, payload: Any) -> tuple[str, Event]:
        __tracebackhide__ = True
        wait = wait_for_signal(name).key
        if self.is_done:
            self._fail(f"expected  a wait for the signal {name!r}\nbut       {self._state()}")
        self._lines.append(signal_line(name, payload))
        return wait, Signal(payload)

    def _silence(self) -> tuple[str, Event]:
        __tracebackhide__ = True
        waiting = self._pending()
        if isinstance(waiting, Sleep) or waiting is None or waiting.timeout_s is None:
            self._fail(f"expected  a wait with a timeout\nbut       {self._state()}")
        return self._passed(waiting.timeout_s, TIMED_OUT)

    def _slept(self) -> tuple[str, Event]:
        __tracebackhide__ = True
        waiting = self._pending()
        if not isinstance(waiting, Sleep) or waiting.timeout_s is None:
            self._fail(f"expected  that the dialog sleeps\nbut       {self._state()}")
        return self._passed(waiting.timeout_s, WOKE_UP)

    def _passed(self, seconds: float, text: str) -> tuple[str, Event]:
        self.clock.advance(seconds)
        self._lines.append(text)
        return self._waits_in, TimedOut()

    def _pending(self) -> Wait | None:
        """The step that the dialog waits in."""
        self._catch_up()
        if self._waiting is None and self._goes and not self.is_done:
            self._waiting = self._look().waiting
        return self._waiting

    def _remember(self) -> Callable[[], None]:
        """Remember where the conversation stands; returns what puts it back there."""
        kept, said, lines = [*self._kept], [*self.said], [*self._lines]
        state = self.bytes, self._waiting, self._waits_in, self.is_done, self._result

        def put_back() -> None:
            self._kept, self.said, self._lines = [*kept], [*said], [*lines]
            self.bytes, self._waiting, self._waits_in, self.is_done, self._result = state
            self.messages, self._expected = [], 0

        return put_back
