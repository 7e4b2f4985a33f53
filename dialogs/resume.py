"""One event in: start a conversation, or resume it from its log.

Changed code is dealt with here. A dialog whose open frame has another version than its code
declares the change: it starts anew. Where there is a fallback dialog, any difference between log
and code, declared or not, drops the log; the fallback runs, and may converse, and then the root
dialog starts anew.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from dialogs.codec import encode_with_copy
from dialogs.dialog import BARE, Dialog
from dialogs.effects import Changed, Effects, Raised, Refused, Suspended
from dialogs.engine import Engine
from dialogs.errors import (
    LongLog,
    NotAStep,
    NotSerializable,
    ReplayError,
    ResponseTimeout,
    UnknownDialog,
)
from dialogs.log import DONE, FALLBACK, RUNNING, Log
from dialogs.recorder import Event, TimedOut
from dialogs.steps import Step, as_step
from dialogs.waits import Wait

LONG_LOG = 10_000
"""A log of more records than this warns."""


@dataclass(slots=True)
class Outcome:
    """What one event led to.

    Args:
        log: the new log's bytes; where the dialog timed out, those that it had before.
        messages: what was said.
        done: whether the root dialog returned.
        result: what it returned.
        waiting: the step that it waits in, where it is not done.
        trail: the dialogs that wait, outermost first, each as its name and "file:line".
        timed_out: what ended the root dialog, where a wait's time passed and it did not catch it.
    """

    log: bytes
    messages: list[Any]
    done: bool
    result: Any = None
    waiting: Wait | None = None
    trail: tuple[tuple[str, str], ...] = ()
    timed_out: ResponseTimeout | None = None


def resume(
    data: bytes | None,
    root: Any,
    fallback: Any,
    event: Event | None,
    *,
    can_await: bool,
    conversation: str | None = None,
    chat_id: str | None = None,
) -> Effects[Outcome]:
    """Give a conversation its next event.

    Args:
        data: the log's bytes; None starts the conversation, and then the event answers nothing.
        root: the dialog, or a bare step.
        fallback: the dialog that runs where the root has changed, or None.
        event: what answers the pending wait.
        can_await: whether whoever drives the effects may await.
        conversation: the conversation's id, for errors and step keys; None where it has none.
        chat_id: whose conversation it is, where that is not its id.

    Returns:
        The outcome. Nothing is kept anywhere else.

    Raises:
        DialogsError: a rule was broken, or the log cannot be read.
        Exception: the root dialog raised it. The old log can be given the same event again.
    """
    root = _as_dialog(root)
    fallback = None if fallback is None else _as_dialog(fallback)
    log = Log() if data is None else Log.decode(data)
    if data is not None and log.phase == DONE:
        return Outcome(data, [], True, log.result)
    engine = Engine(
        log,
        event if log.frames else None,
        can_await=can_await,
        conversation=conversation,
        chat_id=conversation if chat_id is None else chat_id,
        strict=fallback is not None,
    )
    try:
        result = yield from _phases(engine, root, fallback)
        encoded, result = encode_with_copy(result)
    except Suspended as suspended:
        if len(log.values) > LONG_LOG and len(log) > LONG_LOG >= log.size_when_read:
            _warn(root, len(log))
        trail = tuple(reversed(suspended.trail))
        return Outcome(log.encode(), engine.messages, False, None, engine.waiting, trail)
    except Refused as refused:
        error = refused.error
        if error.__cause__ is None:
            error.__cause__ = refused.__cause__
    except Raised as raised:
        error = raised.error
        if isinstance(error, ResponseTimeout) and isinstance(event, TimedOut):
            return Outcome(data or b"", engine.messages, False, timed_out=error)
    except NotSerializable as unfit:
        raise unfit.of(f"{root!r} as its result") from None
    else:
        log.finish(encoded, result)
        return Outcome(log.encode(), engine.messages, True, result)
    raise error


def fits(data: bytes, root: Any, fallback: Any, *, conversation: str) -> Effects[bool]:
    """Replay a log up to the step that it waits in; nothing new is performed.

    Args:
        data: the log's bytes.
        root: the dialog, or a bare step.
        fallback: the dialog that may be the one that waits, or None.
        conversation: the conversation's id, for errors.

    Returns:
        Whether it goes on where it waits; if not, it starts anew, or the fallback takes over.

    Raises:
        DialogsError: the code does not fit the log, and there is no fallback.
    """
    log = Log.decode(data)
    if log.phase == DONE:
        return True
    if log.phase == FALLBACK and fallback is None:
        return False
    dialog = _as_dialog(fallback if log.phase == FALLBACK else root)
    engine = Engine(log, None, can_await=True, conversation=conversation, strict=True)
    try:
        _check_root(engine, dialog)
        yield from engine.enter(dialog, 0)
    except Suspended:
        return True
    except Changed:
        return False
    except (Refused, Raised) as refused:
        error = refused.error
        if fallback is not None and isinstance(error, _DIFFERENT):
            return False
    else:
        return True
    raise error


def _phases(engine: Engine, root: Dialog[Any], fallback: Dialog[Any] | None) -> Effects[Any]:
    """Run the fallback where it has to run, and then the root. Returns the root's result."""
    log = engine.log
    if log.phase == FALLBACK and fallback is None:
        _start_over(engine, RUNNING)
    while True:
        dialog = fallback if fallback is not None and log.phase == FALLBACK else root
        resumed = bool(log.frames)
        try:
            _check_root(engine, dialog)
            result = yield from engine.enter(dialog, 0)
        except Changed:
            _start_over(engine, FALLBACK)
        except Refused as refused:
            # What differs from records of this same turn was not edited: it is not deterministic.
            if fallback is None or not resumed or not isinstance(refused.error, _DIFFERENT):
                raise
            engine.messages.clear()
            _start_over(engine, FALLBACK)
        else:
            if log.phase == RUNNING:
                return result
            _start_over(engine, RUNNING)


_DIFFERENT = (ReplayError, UnknownDialog)


def _start_over(engine: Engine, phase: int) -> None:
    engine.log.drop(0)
    engine.log.phase = phase
    engine.event = None


def _check_root(engine: Engine, dialog: Dialog[Any]) -> None:
    """Compare the root's name with the log's, where their versions agree."""
    frames = engine.log.frames
    if not frames or frames[0].dialog == dialog.name or frames[0].arguments is not None:
        return
    if engine.resumed(dialog, 0) is not None:
        raise Refused(
            ReplayError(
                dialog=dialog.name,
                version=dialog.version,
                conversation=engine.conversation,
                record=0,
                logged=f"the dialog {frames[0].dialog!r}",
                found=f"is {dialog.name!r}",
            )
        )


def _as_dialog(value: Any) -> Dialog[Any]:
    """The dialog that a runner was given.

    Raises:
        NotAStep: it was given something else.
    """
    if hasattr(value, "definition") and callable(value):
        value = value()
    if isinstance(value, Dialog):
        return value
    if isinstance(value, Step | Awaitable):
        return Dialog(BARE, (as_step(value),))
    raise NotAStep(
        f"{value!r} is not a dialog.",
        type(value).__name__,
        "Decorate the function with @dialog and hand over a call of it, such as game().",
    )


def _warn(root: Dialog[Any], records: int) -> None:
    warnings.warn(
        f"The log of dialog {root.name!r} has {records:,} records, and every message replays all "
        "of them. Move parts into subdialogs, whose records collapse into one when they finish, "
        "or go on with continue_as_new().",
        LongLog,
        stacklevel=2,
    )
