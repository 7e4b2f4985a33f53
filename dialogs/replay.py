"""Which answer does this step get: recorded, performed, or wait? Here: recorded.

Theory of operation. A dialog that has a frame in the log is replayed: its function runs from its
start, and every step it yields is compared with the next record before the record's answer is fed
to it. When the records are used up it stands at the step that was pending when the turn ended,
which is compared as well; from there on `engine.py` answers its steps.

`replay` is the hot path. Its loop is plain Python over two lists; nothing in it resumes another
generator, allocates, or looks at a step's type, unless a step differs from its record. What may
differ is settled in `_catch_up`:

- a record may be an exception (its key starts with "!"), which is thrown instead of fed;
- `patched()` with no record of its own here says False, since the log passed here before it;
- a message that has a name now may have been recorded without one;
- anything else that differs is a `ReplayError`.

Messages without a name all have the same key, so their words are compared too, by their marks,
once for the whole frame: before anything new is said or done, and before the pending wait gets
its answer. The answers that were fed meanwhile can have gone astray only inside the author's own
code between steps, which by the rules has no effect.

A coroutine may also await what is no step. Replay cannot know such an answer, so it is awaited
again, with a warning.
"""

from __future__ import annotations

import warnings
from functools import partial
from operator import length_hint
from typing import Any

from dialogs.bodies import Body, Where, location, outermost, place
from dialogs.dialog import Dialog, Style
from dialogs.effects import Effects, Foreign, Raised, Refused, Returned
from dialogs.errors import (
    AsyncInSyncRun,
    Corrupt,
    NotAStep,
    ReplayError,
    UnrecordedAwait,
    reason_of,
)
from dialogs.failures import decode_failure
from dialogs.log import Frame
from dialogs.marks import SIZE, checksum_all, find_words, mark, words_of
from dialogs.steps import (
    SEND_MESSAGE,
    Patched,
    SendMessage,
    Step,
    as_step,
    describe_key,
    discard,
)


class FrameReplay:
    """One dialog being replayed from its frame.

    Args:
        dialog: the dialog.
        frame: its frame; empty for a dialog that starts.
        can_await: whether this run may await.
        conversation: the conversation's id, for errors.
    """

    __slots__ = ("can_await", "conversation", "dialog", "frame", "said", "warned")

    def __init__(
        self, dialog: Dialog[Any], frame: Frame, can_await: bool, conversation: str | None
    ) -> None:
        self.dialog = dialog
        self.frame = frame
        self.can_await = can_await
        self.conversation = conversation
        self.said: list[Any] = []
        self.warned: int | None = None

    def replay(self, body: Body) -> Effects[Step[Any]]:
        """Feed a dialog its records.

        Returns:
            The first step that has no record.

        Raises:
            Returned, Raised: the dialog ended, and had no records to end before.
            Refused: with a ReplayError.
        """
        frame = self.frame
        send = body.send
        say = self.said.append
        keys = iter(frame.keys)
        try:
            step = send(None)
            for key, value in zip(keys, frame.values, strict=True):
                try:
                    found = step.key
                except AttributeError:
                    step = yield from self.settle(body, step, again=True)
                    found = step.key
                if found is key:
                    if key is SEND_MESSAGE:
                        say(step.message)
                    step = send(value)
                elif found == key:
                    step = send(value)
                else:
                    step = yield from self._catch_up(body, step, key, value, keys)
            if not isinstance(step, Step):
                step = yield from self.settle(body, step, again=bool(frame.pending))
            if type(step) is Patched and frame.pending:
                step = yield from self._skip_patches(body, step, frame.pending)
        except StopIteration as stop:
            raise self.ended(Returned(stop.value), length_hint(keys)) from None
        except Returned as returned:
            raise self.ended(returned, length_hint(keys)) from None
        except Raised as raised:
            raise self.ended(raised, length_hint(keys)) from raised.error
        except Exception as error:
            raise self.ended(Raised(error), length_hint(keys)) from error
        return step

    def settle(self, body: Body, step: Any, *, again: bool = False) -> Effects[Step[Any]]:
        """The step that a dialog yielded, after what it awaited that is none.

        Args:
            body: the dialog.
            step: what it yielded or awaited.
            again: whether what it awaits was awaited before, in another turn.
        """
        while not isinstance(step, Step):
            foreign = self.foreign(step)
            if foreign is None:
                try:
                    return as_step(step)
                except NotAStep as error:
                    error.what = f"{self} yielded {step!r} at {location(body)}."
                    raise Refused(error) from None
            if again:
                self._warn(body)
            step = yield from self.await_foreign(body, foreign)
        return step

    def foreign(self, step: Any) -> Foreign | None:
        """What was yielded, where it is for the event loop; None where it is for the engine."""
        if self.dialog.definition.style is Style.COROUTINE and not isinstance(step, Step):
            return Foreign(step)
        return step if isinstance(step, Foreign) else None

    def await_foreign(self, body: Body, foreign: Foreign) -> Effects[Any]:
        """Have the event loop do its own business, and go on with the dialog."""
        if not self.can_await:
            what = "something that is no step"
            if foreign.signal is not None:
                what += f", {foreign.signal!r}"
            where = place(outermost(body))
            raise Refused(AsyncInSyncRun(f"{self} awaits {what} at {where}.", what))
        try:
            outcome = yield foreign
        except BaseException as error:
            return advance(body.throw, error)
        return advance(body.send, outcome)

    def _catch_up(
        self, body: Body, step: Step[Any], key: str, value: Any, keys: Any
    ) -> Effects[Any]:
        """Settle a step that differs from its record; returns what the dialog yields next."""
        step = yield from self._skip_patches(body, step, key)
        if f"!{step.key}" == key:
            return advance(body.throw, self.failure(value))
        if step.key == key or self.renamed(step, key):
            self.note(step, key)
            return advance(body.send, value)
        raise self.differs(
            len(self.frame.keys) - length_hint(keys) - 1, step, key, partial(location, body)
        )

    def _skip_patches(self, body: Body, step: Step[Any], key: str) -> Effects[Step[Any]]:
        while type(step) is Patched and step.key != key:
            step = yield from self.settle(body, advance(body.send, False), again=True)
        return step

    # --- shared with plain functions ----------------------------------------------------------

    def note(self, step: Step[Any], key: str) -> None:
        """Remember what a replayed step said (None for any words), for `arrive`."""
        if key is SEND_MESSAGE:
            self.said.append(step.message if step.key == key else None)  # type: ignore[attr-defined]

    @staticmethod
    def renamed(step: Step[Any], key: str) -> bool:
        """Whether a step was recorded without the name it has now."""
        if isinstance(step, Dialog):
            return step.renames(key)
        return key is SEND_MESSAGE and type(step) is SendMessage

    def failure(self, value: Any) -> Exception:
        """The exception that a record keeps."""
        try:
            return decode_failure(value)
        except Corrupt as error:
            raise Refused(error) from error.__cause__

    def arrive(self, step: Step[Any], where: Where, *, declared: bool) -> None:
        """Compare the first step without a record with the pending one, and all words said.

        Args:
            step: the step.
            where: where it stands in the code, for errors.
            declared: whether the step is a dialog that has changed since, and declares it.

        Raises:
            Refused: with a ReplayError.
        """
        frame = self.frame
        if frame.pending:
            if step.key != frame.pending and not declared and not self.renamed(step, frame.pending):
                raise self.differs(len(frame.keys), step, frame.pending, where)
            if checksum_all(self.said) != frame.words:
                self._compare_words()
            frame.pending = ""

    def _compare_words(self) -> None:
        """Compare what was said message by message, and refuse the first that differs."""
        frame = self.frame
        records = [number for number, key in enumerate(frame.keys) if key is SEND_MESSAGE]
        for at, (record, message) in enumerate(zip(records, self.said, strict=True)):
            logged = frame.marks[at * SIZE : (at + 1) * SIZE]
            if message is not None and mark(words_of(message)) != logged:
                words = find_words(logged, self.dialog.definition.fn)
                was = f"send_message({words!r})" if words else "a message with other words"
                found = f"yielded {SendMessage(message)!r}"
                raise Refused(self._error(record, was, found, reworded=True))
        if None not in self.said:  # with it, the checksum has words that nobody says now
            last = ", ".join(repr(SendMessage(message)) for message in self.said[-2:])
            was, found = "messages with other words", f"yielded {last or 'none'} last"
            raise Refused(self._error(len(frame.keys), was, found, reworded=True))

    # --- errors -------------------------------------------------------------------------------

    def differs(self, record: int, step: Step[Any], key: str, where: Where) -> Refused:
        """The refusal of a step that is not the recorded one."""
        logged = describe_key(key.removeprefix("!"))
        discard(step)
        return Refused(self._error(record, logged, f"yielded {step!r}", where))

    def ended(self, ending: Returned | Raised, left: int) -> Returned | Raised | Refused:
        """How a dialog ended, or the refusal of an end before its records are used up."""
        frame = self.frame
        if not frame.pending:
            return ending
        record = len(frame.keys) - left
        key = [*frame.keys, frame.pending][record].removeprefix("!")
        found = f"raised {reason_of(ending.error)}" if isinstance(ending, Raised) else "returned"
        return Refused(self._error(record, describe_key(key), found))

    def _error(
        self, record: int, logged: str, found: str, where: Where = str, *, reworded: bool = False
    ) -> ReplayError:
        return ReplayError(
            dialog=self.dialog.name,
            version=self.dialog.version,
            conversation=self.conversation,
            record=record,
            logged=logged,
            found=found,
            location=where(),
            reworded=reworded,
        )

    def _warn(self, body: Body) -> None:
        frame = outermost(body)
        if frame is None or frame.f_lineno == self.warned:
            return
        self.warned = frame.f_lineno
        warning = UnrecordedAwait(
            f"{self} awaits something that is no step, and awaits it again on every message. "
            "Record it instead: `await call(fn, ...)` in a coroutine, `yield fn(...)` in an async "
            "generator."
        )
        try:
            warnings.warn_explicit(warning, None, frame.f_code.co_filename, frame.f_lineno)
        except UnrecordedAwait as error:
            raise Refused(error) from None

    def __str__(self) -> str:
        owner = f" of conversation {self.conversation!r}" if self.conversation is not None else ""
        return f"Dialog {self.dialog.name!r}{owner}"


def advance(resume: Any, value: Any) -> Any:
    """Go on with a dialog: what it yields next.

    Raises:
        Returned, Raised: it ended.
    """
    try:
        return resume(value)
    except StopIteration as stop:
        ending: Returned | Raised = Returned(stop.value)
    except Exception as error:
        ending = Raised(error)
    try:
        raise ending
    finally:
        # Its traceback holds this frame: without this, every ending would wait for the collector.
        del ending
