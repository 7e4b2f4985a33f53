"""The runners that app code calls: one client message in, what was said out.

    load the log -> resume the dialog -> save the log -> return what was said

They keep one conversation through a `PersistenceProvider`. Each of the three takes dialogs of
every style that it can perform, and goes on with a conversation that another one began.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from dialogs.dialog import DialogFunction
from dialogs.drivers import adrive, drive
from dialogs.errors import AsyncInSyncRun, UsageError
from dialogs.persistence import PersistenceProvider
from dialogs.recorder import Response
from dialogs.resume import Outcome, resume
from dialogs.steps import Step
from dialogs.waits import GetClientResponse

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class DialogStepDone(Generic[R]):
    """The dialog has returned.

    Args:
        return_value: what it returned.
        messages: what it said in this run; nothing where it was done before.
    """

    return_value: R
    messages: list[Any]

    @property
    def is_done(self) -> Literal[True]:
        """That it is done."""
        return True


@dataclass(frozen=True, slots=True)
class DialogStepNotDone:
    """The dialog waits for the client.

    Args:
        messages: what it said in this run.
    """

    messages: list[Any]

    @property
    def is_done(self) -> Literal[False]:
        """That it is not done."""
        return False


class AsyncPersistenceProvider(Protocol):
    """A `PersistenceProvider` whose methods are coroutines, for `run_async_gen_dialog`."""

    def load(self) -> Awaitable[bytes | None]:
        """The log as it was saved last; None where the conversation has not started."""
        ...

    def save(self, log: bytes) -> Awaitable[None]:
        """Keep the log in place of the one before, wholly or not at all."""
        ...


def run_gen_dialog(
    dialog: Step[R] | DialogFunction[[], R],
    persistence: PersistenceProvider,
    client_response: Any,
    fallback_dialog: Step[Any] | DialogFunction[[], Any] | None = None,
    *,
    conversation_id: str | None = None,
) -> DialogStepDone[R] | DialogStepNotDone:
    """Start a dialog, or give it the client's next message.

    Args:
        dialog: the dialog, such as `game()`; any step will do.
        persistence: where the conversation's log is kept.
        client_response: the client's message. The first call starts the dialog, and then it
            answers nothing.
        fallback_dialog: runs before the dialog starts anew, where its code no longer fits the
            log; without one, only a change of version starts it anew, and any other difference
            is raised.
        conversation_id: an id that no other conversation has, for `step_key()` and errors; the
            persistence's `conversation_id` where it is None and that has one.

    Returns:
        `DialogStepDone` where the dialog returned, and on every later call; else
        `DialogStepNotDone`.

    Raises:
        ReplayError: the dialog does not do what the log says it did.
        LogError: the persistence's bytes are no log of this library.
        UsageError: a rule of the library was broken; `AsyncInSyncRun` where something must be
            awaited.
        Exception: the dialog raised it. Whatever is raised, nothing was saved, and the same
            message can be given again.

    >>> from dialogs import InMemoryPersistence, dialog, get_client_response, send_message
    >>> @dialog
    ... def greet():
    ...     yield send_message("Who is there?")
    ...     name = yield get_client_response()
    ...     return f"Hello, {name}!"
    >>> kept = InMemoryPersistence()
    >>> run_gen_dialog(greet(), kept, "")
    DialogStepNotDone(messages=['Who is there?'])
    >>> run_gen_dialog(greet(), kept, "Ada")
    DialogStepDone(return_value='Hello, Ada!', messages=[])
    """
    outcome = drive(
        resume(
            _synchronous(persistence.load(), "load"),
            dialog,
            fallback_dialog,
            Response(client_response),
            can_await=False,
            conversation=_identity(persistence, conversation_id),
        )
    )
    _check_wait(outcome)
    save: Any = persistence.save  # its declared result is None, but it may be async by mistake
    _synchronous(save(outcome.log), "save")
    return _result(outcome)


def run_dialog(
    dialog: Step[R] | DialogFunction[[], R],
    persistence: PersistenceProvider,
    client_response: Any,
    fallback_dialog: Step[Any] | DialogFunction[[], Any] | None = None,
    *,
    conversation_id: str | None = None,
) -> DialogStepDone[R] | DialogStepNotDone:
    """`run_gen_dialog` under the name that fits plain functions, which use `run(step)`."""
    return run_gen_dialog(
        dialog, persistence, client_response, fallback_dialog, conversation_id=conversation_id
    )


async def run_async_gen_dialog(
    dialog: Step[R] | DialogFunction[[], R] | Awaitable[R],
    persistence: PersistenceProvider | AsyncPersistenceProvider,
    client_response: Any,
    fallback_dialog: Step[Any] | DialogFunction[[], Any] | None = None,
    *,
    conversation_id: str | None = None,
) -> DialogStepDone[R] | DialogStepNotDone:
    """`run_gen_dialog` for event loops: steps may be async, and the persistence too."""
    outcome = await adrive(
        resume(
            await _awaited(persistence.load()),
            dialog,
            fallback_dialog,
            Response(client_response),
            can_await=True,
            conversation=_identity(persistence, conversation_id),
        )
    )
    _check_wait(outcome)
    await _awaited(persistence.save(outcome.log))
    return _result(outcome)


def _synchronous(value: Any, method: str) -> Any:
    """What a persistence's method returned, if it is not something to await."""
    if value is not None and not isinstance(value, bytes) and inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        what = f"The persistence's {method}() must be awaited; nothing was saved."
        raise AsyncInSyncRun(what, f"{method}()")
    return value


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _identity(persistence: object, conversation_id: str | None) -> str | None:
    if conversation_id is not None:
        return conversation_id
    return getattr(persistence, "conversation_id", None)


def _check_wait(outcome: Outcome) -> None:
    """Refuse a wait that a client's message cannot answer, before anything is saved."""
    waiting = outcome.waiting
    if waiting is not None and not isinstance(waiting, GetClientResponse):
        raise UsageError(
            f"The dialog waits in {waiting!r}; nothing was saved.",
            "The runners have no clock and take no signals: nothing would ever answer it.",
            "Run the dialog with an Orchestrator.",
        )


def _result(outcome: Outcome) -> DialogStepDone[Any] | DialogStepNotDone:
    if outcome.done:
        return DialogStepDone(outcome.result, outcome.messages)
    return DialogStepNotDone(outcome.messages)
