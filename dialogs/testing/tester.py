"""`DialogTester`: a conversation with a dialog, in a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar

from dialogs.dialog import DialogFunction
from dialogs.log import DONE, Log
from dialogs.recorder import Event
from dialogs.resume import Outcome
from dialogs.steps import Step
from dialogs.testing.events import Events, Prepare
from dialogs.testing.outside import FakeClock, Outside, Stubs
from dialogs.testing.tape import Crash, Tape
from dialogs.testing.transcript import (
    BOT,
    ENDING,
    SIGNAL,
    TIMED_OUT,
    WOKE_UP,
    read_signal,
    script_of,
)
from dialogs.testing.turn import Mode, Turn, atake, goes_on, take

R = TypeVar("R")

Crashes = int | Iterable[int] | None


class DialogTester(Events, Stubs, Generic[R]):
    """Converses with a dialog: says what a client would, and expects what the dialog says.

    The conversation is kept as bytes only, and read anew for every message. Every turn is taken by
    a synchronous run and by an asynchronous one, from the same bytes; what they say, what they
    return and the logs they write must be equal. Effects are performed once. A turn that must be
    awaited is taken asynchronously only, inside a running event loop too.

    What comes while the dialog waits for something else is kept, and answers the next wait that it
    fits, as with an `Orchestrator`.

    Args:
        dialog: the dialog, such as `game()`; any step will do.
        log: the bytes of a conversation to go on with; `expect_waiting` first replays it.
        fallback: its fallback dialog.
        seed: of the dice: `randint`, `choice` and `uuid4` are answered by `random.Random(seed)`.
        clock: answers `now`; it stands until it is advanced.
        real_calls: whether functions and coroutines that have no stub are performed; if not, they
            raise UsageError.
        run: "both", or only "sync" or "async".
        conversation_id: what `step_key` and errors name.

    Attributes:
        bytes: the log; None before the start.
        clock: the clock.

    >>> from dialogs import dialog, get_client_response, send_message
    >>> @dialog
    ... def greet():
    ...     yield send_message("Who is there?")
    ...     name = yield get_client_response()
    ...     yield send_message(f"Hello, {name}!")
    >>> tester = DialogTester(greet())
    >>> tester.start().expect("Who is there?")
    <DialogTester of the dialog 'greet', 1 message said>
    >>> tester.say("Ada").expect("Hello, Ada!").expect_done()
    <DialogTester of the dialog 'greet', done>
    """

    def __init__(
        self,
        dialog: Step[R] | DialogFunction[[], R],
        *,
        log: bytes | None = None,
        fallback: Step[Any] | DialogFunction[[], Any] | None = None,
        seed: int = 0,
        clock: FakeClock | None = None,
        real_calls: bool = True,
        run: Mode = "both",
        conversation_id: str = "test",
    ) -> None:
        super().__init__()
        self.dialog: Any = _made(dialog)
        self.fallback = fallback
        self.clock = clock or FakeClock()
        self.bytes = log
        self._outside = Outside(self.clock, seed, real_calls=real_calls)
        self._mode: Mode = run
        self._conversation = conversation_id
        if log is not None:
            kept = Log.decode(log)
            self._started, self.is_done, self._result = True, kept.phase == DONE, kept.result
            self._waits_in = kept.frames[-1].pending if kept.frames else ""
            self._met = False

    def __repr__(self) -> str:
        count = len(self.said)
        state = "done" if self.is_done else f"{count} message{'' if count == 1 else 's'} said"
        return f"<DialogTester of {self.dialog!r}, {state}>"

    # --- turns --------------------------------------------------------------------------------

    def start(self, *, crash_at: Crashes = None) -> Self:
        """Begin the conversation. The other turns do so too, where it has not begun."""
        return self._take(self._start, crash_at)

    def say(self, response: Any, *, crash_at: Crashes = None) -> Self:
        """Give the client's next response.

        Args:
            response: text, or any other value that a client sends.
            crash_at: throw the turn away after so many effects were performed, as if the process
                had died, and take it again. 0 is before the first one; more than there are is
                at the end, before anything is saved. Several numbers are several crashes, one
                after another.

        Raises:
            Exception: the dialog raised it. Nothing is saved then, and the response can be given
                again.
        """
        return self._take(lambda: self._hear(response), crash_at)

    def press(self, label: str, *, crash_at: Crashes = None) -> Self:
        """Press a button of the last message that has buttons."""
        return self._take(lambda: self._pressed(label), crash_at)

    def signal(self, name: str, payload: Any = None, *, crash_at: Crashes = None) -> Self:
        """Give a signal: the answer to `wait_for_signal(name)`."""
        return self._take(lambda: self._signalled(name, payload), crash_at)

    def time_out(self, *, crash_at: Crashes = None) -> Self:
        """Let the timeout of the pending wait pass."""
        return self._take(self._silence, crash_at)

    def wake(self, *, crash_at: Crashes = None) -> Self:
        """Let the time of the pending `sleep` pass."""
        return self._take(self._slept, crash_at)

    async def astart(self, *, crash_at: Crashes = None) -> Self:
        """`start`, on the event loop of the test."""
        return await self._atake(self._start, crash_at)

    async def asay(self, response: Any, *, crash_at: Crashes = None) -> Self:
        """`say`, on the event loop of the test."""
        return await self._atake(lambda: self._hear(response), crash_at)

    async def apress(self, label: str, *, crash_at: Crashes = None) -> Self:
        """`press`, on the event loop of the test."""
        return await self._atake(lambda: self._pressed(label), crash_at)

    async def asignal(self, name: str, payload: Any = None, *, crash_at: Crashes = None) -> Self:
        """`signal`, on the event loop of the test."""
        return await self._atake(lambda: self._signalled(name, payload), crash_at)

    async def atime_out(self, *, crash_at: Crashes = None) -> Self:
        """`time_out`, on the event loop of the test."""
        return await self._atake(self._silence, crash_at)

    async def awake(self, *, crash_at: Crashes = None) -> Self:
        """`wake`, on the event loop of the test."""
        return await self._atake(self._slept, crash_at)

    def play(self, script: str) -> Self:
        """Say and expect what a transcript has, from where the conversation stands.

        Args:
            script: lines "you: ..." and "bot: ..."; other lines go on with the one before.
                "..." in a line of the bot stands for any words, "you: [Yes]" presses a button,
                "(timed out)" and "(woke up)" let time pass, and "(signal paid: 5)" gives a
                signal. Everything that is said must be there.
        """
        __tracebackhide__ = True
        for speaker, words in script_of(script):
            if self.bytes is None:
                self.start()
            if speaker == BOT:
                self._expect_line(words)
                continue
            self.expect_nothing()
            if speaker == ENDING:
                self._expect_ending(words)
            elif speaker == TIMED_OUT:
                self.time_out()
            elif speaker == WOKE_UP:
                self.wake()
            elif speaker == SIGNAL:
                self.signal(*read_signal(words))
            elif words.startswith("[") and words.endswith("]"):
                self.press(words[1:-1])
            else:
                self.say(words)
        return self.expect_nothing()

    def upgrade(
        self,
        dialog: Step[R] | DialogFunction[[], R],
        *,
        fallback: Step[Any] | DialogFunction[[], Any] | None = None,
    ) -> Self:
        """Go on with another version of the code, as after a deployment.

        Args:
            dialog: the new dialog.
            fallback: its fallback dialog; the one before is not kept.
        """
        self.dialog = _made(dialog)
        self.fallback = fallback
        self._met = False
        self._lines.append("(the code was changed)")
        return self

    # --- what there is to see -----------------------------------------------------------------

    @property
    def result(self) -> R:
        """What the dialog returned."""
        __tracebackhide__ = True
        self.expect_done()
        result: R = self._result
        return result

    @property
    def log_size(self) -> int:
        """The size of the log, in bytes."""
        return len(self.bytes or b"")

    # --- taking a turn ------------------------------------------------------------------------

    def _take(self, prepare: Prepare, crash_at: Crashes) -> Self:
        for turn, tape in self._runs(prepare, crash_at):
            with self._undone():
                self._end(tape, take(turn, tape, self._mode))
        return self

    async def _atake(self, prepare: Prepare, crash_at: Crashes) -> Self:
        for turn, tape in self._runs(prepare, crash_at):
            with self._undone():
                self._end(tape, await atake(turn, tape, self._mode))
        return self

    def _runs(self, prepare: Prepare, crash_at: Crashes) -> Iterator[tuple[Turn, Tape]]:
        """The turns to take: the start where it is due, the ones that crash, and this one."""
        self._put_back = self._remember()
        if self.bytes is None and prepare != self._start:
            yield self._turn(None), Tape(self._outside)
        wait, event = prepare()
        self.messages, self._expected = [], 0
        self._put_back = self._remember()
        if self._waits_in != wait and not self.is_done:
            self._kept.append((wait, event))
            return
        turn, put_back = self._turn(event), self._outside.remember()
        for effects in [crash_at] if isinstance(crash_at, int) else crash_at or ():
            yield turn, Tape(self._outside, effects)
            put_back()
            self._lines.append("(crashed)")
        yield turn, Tape(self._outside)
        yield from self._runs_of_kept()

    def _runs_of_kept(self) -> Iterator[tuple[Turn, Tape]]:
        """The turns of what came too early and is waited for by now."""
        while fitting := [at for at, (wait, _) in enumerate(self._kept) if wait == self._waits_in]:
            _, event = self._kept.pop(fitting[0])
            yield self._turn(event), Tape(self._outside)

    def _look(self) -> Outcome:
        return take(self._turn(None), Tape(self._outside), self._mode)

    def _goes_on(self) -> bool:
        return goes_on(self._turn(None), self._outside.world)

    def _turn(self, event: Event | None) -> Turn:
        return Turn(self.bytes, self.dialog, self.fallback, event, self._conversation)

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """A turn that may crash or fail."""
        try:
            yield
        except Crash:
            return
        except Exception as error:
            self._put_back()
            self._lines.append(f"(failed with {type(error).__name__})")
            raise

    def _end(self, tape: Tape, outcome: Outcome) -> None:
        if tape.crashes:
            return  # at its end
        self.bytes = outcome.log
        self._heard(outcome)


def _made(dialog: Any) -> Any:
    return dialog() if hasattr(dialog, "definition") and not isinstance(dialog, Step) else dialog
