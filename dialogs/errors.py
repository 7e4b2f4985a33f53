"""Everything `dialogs` raises, in one tree.

    DialogsError
     ├─ UsageError            the dialog's code, or the call of a runner, is wrong
     │   ├─ NotAStep          something was yielded that is no step
     │   ├─ AsyncInSyncRun    a step must be awaited, and this run cannot await
     │   ├─ YieldInFinally    a step stands in a `finally` while the dialog is left
     │   └─ NotSerializable   an answer, or a message, that the log cannot keep
     ├─ ReplayError           the dialog does not do what its log says it did
     ├─ LogError              the log's bytes cannot be read
     │   ├─ UnknownFormat     not a log, or one from a newer library
     │   ├─ Corrupt           damaged: the checksum or the structure is wrong
     │   └─ UnknownDialog     it goes on with a dialog that this process does not have
     ├─ StoreError            the store of the conversations
     │   ├─ Busy              another worker holds the conversation
     │   ├─ Conflict          the conversation changed since it was claimed
     │   ├─ StoreUnavailable  the store cannot be reached
     │   └─ CannotDecrypt     an encrypted conversation has other bytes, or another key
     ├─ InboxFull             too much is kept for a dialog that waits for none of it
     ├─ ChannelError          the channel could not say or hear a message
     ├─ StepFailed            thrown into the dialog: a step raised an exception
     ├─ ResponseTimeout       thrown into the dialog: the client did not answer in time
     └─ NoValidAnswer         thrown into the dialog: a prompt got no valid answer (dialogs.prompts)

    Conversations as data have their own, in dialogs.workflows, under UsageError and DialogsError.

    DialogsWarning (a UserWarning)
     ├─ UnrecordedAwait       an await outside every step ran again during replay
     └─ LongLog               a log grew past the size that replays quickly

An error keeps its facts as attributes; the text is made from them, in three sentences: what
happened and where, why, and what to do. Every error can be pickled.

Nothing may be imported here: every other room imports this one.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar


class DialogsError(Exception):
    """The base of every error of this library.

    Attributes:
        what: what happened, and where.
        why: the reason, as far as it is known.
        remedy: what to do about it.
    """

    why: str = ""
    remedy: str = ""

    def __init__(self, what: str, why: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        if why is not None:
            self.why = why
        if remedy is not None:
            self.remedy = remedy

    def __str__(self) -> str:
        """The three sentences, as one text."""
        return " ".join(part for part in (self.what, self.why, self.remedy) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def reason_of(error: BaseException) -> str:
    """An exception in a few words, whatever its own `__str__` does."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a stranger's __str__, or a number too long to show
        return name
    return f"{name}: {text}" if text else name


def missing_extra(what: str, library: str, extra: str) -> UsageError:
    """The error of something that needs a library which is not installed."""
    return UsageError(
        f"{what} needs {library}, which is not installed.",
        "Libraries that not everybody needs are extras.",
        f'Install it with: pip install "resumable-dialogs[{extra}]"',
    )


def _rebuild(
    error_type: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]
) -> BaseException:
    """An error as it was, without calling its `__init__`."""
    error = error_type.__new__(error_type, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class UsageError(DialogsError):
    """The dialog's code, or the call of a runner, breaks a rule of the library."""


class NotAStep(UsageError):
    """Something was yielded, awaited or run that is not a step.

    Attributes:
        value_type: the name of its type.
    """

    def __init__(self, what: str, value_type: str, remedy: str) -> None:
        super().__init__(
            what,
            "A dialog hands over steps, so that their answers can be recorded.",
            remedy,
        )
        self.value_type = value_type


class AsyncInSyncRun(UsageError):
    """A step has to be awaited, and this run is synchronous. Nothing of it was performed.

    Attributes:
        step: the step, as text.
    """

    why = "A synchronous run cannot await."
    remedy = "Run the dialog with `await run_async_gen_dialog(...)`, or make the step synchronous."

    def __init__(self, what: str, step: str) -> None:
        super().__init__(what)
        self.step = step


class YieldInFinally(UsageError):
    """A dialog asked for a step while it was being left.

    A dialog is left at every suspension, so its `finally` and `with` blocks run then; a step
    there could never be answered.
    """

    why = "A dialog is left whenever it waits, and its `finally` and `with` blocks run then."
    remedy = (
        "Move the step out of the `finally` (or out of `__exit__`, or `except BaseException`): "
        "put it after the `try` statement."
    )


class NotSerializable(UsageError):
    """A value that the log cannot keep.

    Attributes:
        path: where inside the value, such as `value['items'][3]`.
        value_type: the name of the type found there.
        step: the step whose value it is, as text; "" where that is not known.
    """

    remedy = (
        "Return plain data instead, or register the type with @serializable "
        "(enums, dataclasses, named tuples, pydantic models, exceptions, or any class with "
        "encode= and decode=)."
    )

    why = "The log keeps data only, never objects with code."

    def __init__(self, path: str, value_type: str, reason: str = "", step: str = "") -> None:
        owner = f" of {step}" if step else ""
        super().__init__(
            f"The value{owner} cannot be recorded: {path} is of type {value_type}.", reason or None
        )
        self.path = path
        self.value_type = value_type
        self.step = step

    def of(self, step: str) -> NotSerializable:
        """The same error, saying which step the value is of."""
        reason = "" if self.why == type(self).why else self.why
        return NotSerializable(self.path, self.value_type, reason, step)


class ReplayError(DialogsError):
    """The dialog does not do what its log says it did. The log stays as it was.

    Attributes:
        dialog: the dialog's name.
        version: the version of its code.
        conversation: the conversation's id, or None where the run was given none.
        record: the number of the record in the dialog's frame, from 0.
        logged: what the log has there, as text.
        found: what the dialog did there, as text.
        location: "file:line" of the dialog's code, or "" where it is not known.
    """

    _WHY: ClassVar[str] = (
        "The dialog was edited while this conversation was open, or it reads something that "
        "changes between runs (clock, random, a global)."
    )
    _REMEDY: ClassVar[str] = (
        "Give the edited dialog a new version, guard the change with patched(), or make the "
        "changing part a step."
    )
    _REWORDED: ClassVar[str] = (
        " If only the words of a message changed, give it a name: send_message(..., name=...)."
    )
    _RENAMED: ClassVar[str] = (
        " If only the name of that dialog changed, keep the old one: @dialog(name={!r})."
    )

    def __init__(
        self,
        *,
        dialog: str,
        version: str,
        conversation: str | None,
        record: int,
        logged: str,
        found: str,
        location: str = "",
        reworded: bool = False,
    ) -> None:
        owner = f", conversation {conversation!r}" if conversation is not None else ""
        at = f" at {location}" if location else ""
        super().__init__(
            f"dialog {dialog!r} v{version}{owner}, record {record}: "
            f"the log has {logged} but the dialog {found}{at}.",
            self._WHY,
            self._REMEDY
            + (self._REWORDED if reworded else "")
            + (self._RENAMED.format(old) if (old := _old_name(logged, found)) else ""),
        )
        self.dialog = dialog
        self.version = version
        self.conversation = conversation
        self.record = record
        self.logged = logged
        self.found = found
        self.location = location


_A_DIALOG = re.compile(r"(?:yielded )?(?:the dialog|is) '?([^'(]+)'?(\(.*\))?")


def _old_name(logged: str, found: str) -> str:
    """The name that a dialog had in the log, where the rest of it is as it was; "" elsewhere."""
    old, new = _A_DIALOG.fullmatch(logged), _A_DIALOG.fullmatch(found)
    return old[1] if old and new and old[1] != new[1] and old[2] == new[2] else ""


class LogError(DialogsError):
    """The log's bytes cannot be read; nothing was replayed."""


class UnknownFormat(LogError):
    """The bytes are not a log, or their format is newer than this library."""

    remedy = "Check that these bytes are a log of this library, or install a newer version of it."


class Corrupt(LogError):
    """The bytes were damaged, or were never written by this library."""

    why = "The bytes were changed after they were written, or another program wrote them."
    remedy = "Restore the bytes from a copy, or delete them to start the conversation anew."


class UnknownDialog(LogError):
    """A log went on with a dialog through `continue_as_new` that cannot be found by its name.

    Attributes:
        dialog: the name.
    """

    def __init__(self, what: str, why: str, remedy: str, dialog: str) -> None:
        super().__init__(what, why, remedy)
        self.dialog = dialog


class StoreError(DialogsError):
    """The store of the conversations could not do what was asked."""


class Busy(StoreError):
    """Another worker holds the conversation; nothing was done.

    Attributes:
        chat_id: whose conversation.
        retry_after_s: when the other worker's lease runs out at the latest, in seconds from now.
    """

    def __init__(self, chat_id: str, retry_after_s: float) -> None:
        super().__init__(
            f"The conversation {chat_id!r} is held by another worker.",
            "One worker at a time runs a conversation, under a lease that ends with its turn, or "
            "by itself where the worker was lost.",
            f"Try again; the lease runs out in {retry_after_s:.3g} seconds at the latest.",
        )
        self.chat_id = chat_id
        self.retry_after_s = retry_after_s


class Conflict(StoreError):
    """The conversation was taken over, or deleted, since it was claimed; nothing was written.

    Attributes:
        chat_id: whose conversation.
        revision: the revision that was claimed.
    """

    def __init__(self, chat_id: str, revision: int) -> None:
        super().__init__(
            f"The conversation {chat_id!r} is no longer the one that was claimed at revision "
            f"{revision}; nothing was written.",
            "The lease ran out during the turn and another worker took it, or the conversation "
            "was deleted.",
            "Try again with the same message_id. Where turns are slower than the lease, give a "
            "longer lease.",
        )
        self.chat_id = chat_id
        self.revision = revision


class StoreUnavailable(StoreError):
    """The store cannot be reached, did not answer in time, or refused.

    A write that was under way when it happened may have been made or not.

    Attributes:
        store: the store, as text, without passwords.
        operation: what it was asked for, such as "claim".
        reason: the error underneath, as text.
    """

    def __init__(self, store: str, operation: str, reason: str, remedy: str | None = None) -> None:
        why = "The turn either happened or did not; it never happens by half."
        again = (
            "Try again with the same message_id: what has happened is answered again, and what "
            "has not happens then."
        )
        if operation in ("setup", "load", "due", "scan"):
            why, again = "No conversation was changed.", "Ask again when the store is there."
        super().__init__(f"{store} failed at {operation}: {reason}.", why, remedy or again)
        self.store = store
        self.operation = operation
        self.reason = reason


class CannotDecrypt(StoreError):
    """The bytes of a conversation are not what `Encrypted` wrote for it; nothing was run.

    Attributes:
        chat_id: whose conversation.
        reason: what is wrong with its bytes, as text.
    """

    def __init__(self, chat_id: str, reason: str, why: str, remedy: str) -> None:
        super().__init__(
            f"The conversation {chat_id!r} cannot be decrypted: {reason}.", why, remedy
        )
        self.chat_id = chat_id
        self.reason = reason


class InboxFull(DialogsError):
    """Nothing waits for the client's messages, or for a signal, and too many are kept already.

    Attributes:
        kept: what is kept: "messages" or "signals".
        count: how many of them.
    """

    def __init__(self, kept: str, count: int) -> None:
        super().__init__(
            f"{count:,} {kept} are kept already; this one was refused, and changes nothing.",
            "The dialog waits for something else, and what is kept for it has a limit.",
            "Let the dialog hear them, or cancel the conversation.",
        )
        self.kept = kept
        self.count = count


class ChannelError(DialogsError):
    """A channel could not say or hear a message.

    Attributes:
        permanent: whether trying again is of no use. A sender that raises such an error has its
            message given up, where another one is sent again.
        retry_after_s: when to try again, in seconds from now; None: the orchestrator decides.
    """

    def __init__(
        self,
        what: str,
        why: str | None = None,
        remedy: str | None = None,
        *,
        permanent: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what, why, remedy)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class StepFailed(DialogsError):
    """Thrown into a dialog when a step raised an exception that the log cannot rebuild.

    Attributes:
        type_name: the name of the exception's class.
        message: its text.
    """

    def __init__(self, type_name: str, message: str) -> None:
        raised = f"{type_name}: {message}" if message else type_name
        super().__init__(
            f"A step raised {raised}" + ("" if message.endswith((".", "!", "?")) else "."),
            "Only an exception that the log can rebuild keeps its own class.",
            "Register the exception with @serializable to catch it by its own class, or look at "
            "type_name.",
        )
        self.type_name = type_name
        self.message = message

    def facts(self) -> list[str]:
        """What the log keeps of it."""
        return [self.type_name, self.message]


class ResponseTimeout(DialogsError):
    """Thrown into a dialog when the client did not answer in time.

    Attributes:
        timeout_s: the time that was allowed, in seconds.
    """

    def __init__(self, timeout_s: float) -> None:
        super().__init__(
            f"The client did not answer within {timeout_s:g} seconds.",
            "The dialog waits no longer than that.",
            "Catch ResponseTimeout around get_client_response(timeout=...).",
        )
        self.timeout_s = timeout_s

    def facts(self) -> list[float]:
        """What the log keeps of it."""
        return [self.timeout_s]


class DialogsWarning(UserWarning):
    """The base of every warning of this library."""


class UnrecordedAwait(DialogsWarning):
    """An `await` of something that is no step ran again during replay."""


class LongLog(DialogsWarning):
    """A log grew past 10,000 records; every message replays all of them."""
