"""What a test expects of a conversation, and the text of its failure."""

from __future__ import annotations

import re
from abc import abstractmethod
from difflib import ndiff
from typing import Any, NoReturn, Self

from dialogs.messages import Button, Message
from dialogs.resume import Outcome
from dialogs.steps import describe_key
from dialogs.testing.transcript import BOT, ending, fits, line, shown, text_of
from dialogs.waits import GetClientResponse, Wait


class Expectations:
    """What was said in a conversation, and checks of it that can be chained.

    Attributes:
        messages: what the last turn said.
        said: all that was said.
        is_done: whether the dialog has returned.
    """

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.said: list[Any] = []
        self.is_done = False
        self._started = False
        self._result: Any = None
        self._waiting: Wait | None = None
        self._waits_in = ""
        self._met = self._goes = True
        self._expected = 0
        self._lines: list[str] = []

    @property
    def transcript(self) -> str:
        """What was said so far, by the client ("you") and by the dialog ("bot")."""
        return "\n".join(self._lines)

    def expect(self, *expected: Any) -> Self:
        """Expect the next messages of the last turn.

        Args:
            *expected: one for each message: its text, the whole `Message` or other value, a
                compiled pattern that is found in its text, a function that is true of it, or
                `...` for any message.
        """
        __tracebackhide__ = True
        for wanted in expected:
            message = self._next(_described(wanted))
            if not matches(wanted, message):
                self._fail(mismatch(wanted, message))
        return self

    def expect_containing(self, *parts: str) -> Self:
        """Expect the next message to have these parts in its text."""
        __tracebackhide__ = True
        message = self._next(f"something with {', '.join(map(repr, parts))}")
        for part in parts:
            if part not in text_of(message):
                self._fail(f"expected  something with {part!r}\nbut said  {_described(message)}")
        return self

    def expect_nothing(self) -> Self:
        """Expect that the last turn said no more than was expected of it."""
        __tracebackhide__ = True
        if more := self.messages[self._expected :]:
            self._fail(f"expected  nothing more\nbut said  {', '.join(map(_described, more))}")
        return self

    def expect_done(self, result: Any = ...) -> Self:
        """Expect that the dialog has returned.

        Args:
            result: what it returned, of the same type; anything where it is left out.
        """
        __tracebackhide__ = True
        if not self.is_done:
            self._fail(f"expected  that the dialog is done\nbut       {self._state()}")
        if result is not ... and not _same(result, self._result):
            self._fail(f"expected  the result {result!r}\nbut got   {self._result!r}")
        return self

    def expect_waiting(self, step: str = GetClientResponse.key) -> Self:
        """Expect that the dialog waits: for the client, or in another step.

        Args:
            step: what it waits in, as logs know it: "wait_for_signal paid", or "sleep".

        Raises:
            DialogsError: the code does not fit the log that it was given.
        """
        __tracebackhide__ = True
        self._catch_up()
        if self.is_done or not self._started or not self._goes or self._waits_in != step:
            what = "for the client" if step == GetClientResponse.key else f"in {describe_key(step)}"
            self._fail(f"expected  that the dialog waits {what}\nbut       {self._state()}")
        return self

    @abstractmethod
    def _catch_up(self) -> None:
        """Replay a log that was written by other code: see whether this one goes on there."""

    def _heard(self, outcome: Outcome) -> None:
        """Take in what a turn led to."""
        self.messages += outcome.messages
        self.said += outcome.messages
        self._lines += [line(BOT, shown(message)) for message in outcome.messages]
        if outcome.done and not self.is_done:
            self._lines.append(ending(outcome.result))
        self._started, self._waiting = True, outcome.waiting
        self._met = self._goes = True
        self._waits_in = "" if outcome.waiting is None else outcome.waiting.key
        self.is_done, self._result = outcome.done, outcome.result

    def _button(self, label: str) -> Button:
        """The button of that label in the last message that has buttons."""
        __tracebackhide__ = True
        rows = [said.buttons for said in self.said if isinstance(said, Message) and said.buttons]
        offered = rows[-1] if rows else ()
        found = next((button for button in offered if button.label == label), None)
        if found is None:
            labels = ", ".join(repr(button.label) for button in offered) or "no buttons"
            self._fail(f"expected  a button {label!r}\nbut there are {labels}")
        return found

    def _state(self) -> str:
        if not self._started:
            return "it has not started"
        if self.is_done:
            return f"it is done, with the result {self._result!r}"
        if not self._goes:
            return (
                "its code has changed: it starts anew, or its fallback runs, with what comes next"
            )
        return f"it waits in {describe_key(self._waits_in)}"

    def _next(self, wanted: str) -> Any:
        __tracebackhide__ = True
        if self._expected == len(self.messages):
            self._fail(f"expected  {wanted}\nbut nothing more was said")
        self._expected += 1
        return self.messages[self._expected - 1]

    def _expect_line(self, words: str) -> None:
        """Expect a line of a script."""
        __tracebackhide__ = True
        message = self._next(repr(words))
        if not fits(words, shown(message)) and not fits(words, text_of(message)):
            self._fail(mismatch(words, message))

    def _expect_ending(self, words: str) -> None:
        """Expect the last line of a script, "(done)" or "(done: 42)"."""
        __tracebackhide__ = True
        self.expect_done()
        if words not in (ending(None), ending(self._result)):
            self._fail(f"expected  {words}\nbut it is {ending(self._result)}")

    def _fail(self, what: str) -> NoReturn:
        __tracebackhide__ = True
        so_far = self.transcript or "(nothing was said)"
        raise AssertionError(f"{what}\n\nThe conversation so far:\n{so_far}")


def matches(expected: Any, message: Any) -> bool:
    """Whether a message is what was expected: see `Expectations.expect`."""
    if expected is ...:
        return True
    if isinstance(expected, re.Pattern):
        return expected.search(text_of(message)) is not None
    if isinstance(expected, str):
        return isinstance(message, str | Message) and text_of(message) == expected
    if callable(expected):
        return bool(expected(message))
    return _same(expected, message)


def mismatch(expected: Any, message: Any) -> str:
    """How a message differs from what was expected."""
    lines = [f"expected  {_described(expected)}", f"but said  {_described(message)}"]
    if isinstance(expected, str):
        said = text_of(message)
        if "\n" in expected + said or _alike(expected, said):
            lines += ["", *_differences(expected, said)]
    return "\n".join(lines)


def _differences(expected: str, said: str) -> list[str]:
    return [part.rstrip("\n") for part in ndiff(expected.splitlines(), said.splitlines())]


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _alike(one: str, other: str) -> bool:
    """Whether a diff of two lines helps: where they begin or end with the same words."""
    return one[:1] == other[:1] or one[-4:] == other[-4:]


def _described(value: Any) -> str:
    if isinstance(value, re.Pattern):
        return f"something with the pattern {value.pattern!r}"
    if isinstance(value, Message):
        buttons = shown(Message("", value.buttons, value.attachments))
        return f"Message({value.text!r}){buttons}"
    if value is ...:
        return "any message"
    if callable(value):
        return f"something of which {getattr(value, '__name__', repr(value))} is true"
    return repr(value)
