"""One state: its function, what it sends through, and the errors that name it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Generator
from typing import Any, Protocol

from dialogs.errors import DialogsError, NotSerializable, UsageError, reason_of
from dialogs.events import as_data
from dialogs.registry import serializable


class StateError(UsageError):
    """A state is not there, or breaks a rule.

    Attributes:
        state: its id.
    """

    def __init__(self, state: str, what: str, why: str, remedy: str) -> None:
        super().__init__(what, why, remedy)
        self.state = state


@serializable(name="StateFailed")
class StateFailed(DialogsError):
    """A state raised an exception. The turn is undone, and the same message can be given again.

    Attributes:
        state: the state's id.
        type_name: the name of the exception's class; the traceback shows where it was raised.
        message: its text.
    """

    def __init__(self, state: str, type_name: str, message: str) -> None:
        raised = f"{type_name}: {message}" if message else type_name
        super().__init__(
            f"State {state!r} raised {raised}.",
            "Its function, or something that it called, failed.",
            "Correct it; the conversation still waits in this state.",
        )
        self.state = state
        self.type_name = type_name
        self.message = message


class StateSender:
    """What a state sends through. It only collects; the messages are said once the state is done.

    Args:
        chat_id: whose conversation.
        state: whose it is.

    Attributes:
        messages: what was sent.
    """

    def __init__(self, chat_id: str | None, state: str) -> None:
        self._chat_id = chat_id
        self._state = state
        self._open = True
        self.messages: list[Any] = []

    def send_message(self, chat_id: str | None, message: Any) -> Sent:
        """Say something to the client. In an async state it may be awaited; it need not be.

        Args:
            chat_id: the one that the state was given.
            message: a `str`, a `Message`, or any other value that the log can keep.

        Raises:
            StateError: the chat id is another one, or the state is done.
            NotSerializable: the log cannot keep the message.
        """
        if chat_id != self._chat_id:
            raise StateError(
                self._state,
                f"State {self._state!r} sent a message to {chat_id!r}, in the conversation "
                f"{self._chat_id!r}.",
                "A state speaks to its own client only.",
                "Hand the chat_id on that the state was given.",
            )
        self.collect(message)
        return SENT

    def collect(self, message: Any) -> None:
        """Take a message to the conversation's own client."""
        if not self._open:
            raise StateError(
                self._state,
                f"State {self._state!r} sent a message after it was done.",
                "Its messages were said when it returned.",
                "Await what it starts, before it returns.",
            )
        self.messages.append(as_data(message, f"a message of state {self._state!r}"))

    def close(self) -> list[Any]:
        """Take no more messages; returns what was sent."""
        self._open = False
        return self.messages


class Sent:
    """What `send_message` returns: nothing, which may be awaited."""

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield


SENT = Sent()


class StateFunction(Protocol):
    """A state's function, sync or async."""

    def __call__(
        self, chat_id: str, user_input: Any, context: Any, sender: StateSender, /
    ) -> tuple[str | None, Any] | Awaitable[tuple[str | None, Any] | None] | None:
        """Answer what the client said.

        Args:
            chat_id: whose conversation.
            user_input: what the client said last; see `StateSteps`.
            context: what the state before returned.
            sender: says messages.

        Returns:
            The next state's id and the context; None to end.
        """
        ...


class Naming:
    """Makes what a state raises a `StateFailed`, which names it."""

    def __init__(self, state: str) -> None:
        self.state = state

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if not isinstance(error, Exception):
            return
        if isinstance(error, StateFailed | StateError | NotSerializable):
            return
        type_name = type(error).__name__
        message = reason_of(error).removeprefix(type_name).removeprefix(": ")
        raise StateFailed(self.state, type_name, message) from error


def check_takes_state(state: str, function: Any) -> None:
    """Refuse what cannot be called as a state's function.

    Raises:
        StateError: it is not callable, or does not take four arguments.
    """
    if not callable(function):
        raise StateError(
            state,
            f"State {state!r} is {shown(function)}, which cannot be called.",
            "A state is a function.",
            "Give a function of (chat_id, user_input, context, sender).",
        )
    try:
        inspect.signature(function).bind(None, None, None, None)
    except ValueError:
        return  # something built in, which shows no signature
    except TypeError as error:
        raise StateError(
            state,
            f"The function of state {state!r} does not take four arguments: {error}.",
            "A state is called with (chat_id, user_input, context, sender).",
            "Give it these parameters.",
        ) from None


def check_id(state: Any) -> None:
    """Refuse what cannot be a state's id.

    Raises:
        StateError: it is no text.
    """
    if not isinstance(state, str) or not state.strip():
        raise StateError(
            str(state),
            f"{state!r} is no state's id.",
            "Open conversations keep the id of their state, as text.",
            'Give a text, such as "get_name".',
        )


def misreturned(state: str, what: str) -> StateError:
    """The error of a state that returned what means nothing."""
    return StateError(
        state,
        f"State {state!r} {what}.",
        "A state returns the next state's id and the context, or None to end.",
        'Write `return "next_state", context`, or `return None`.',
    )


def shown(value: Any) -> str:
    """A value in a few words, for errors."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a stranger's __repr__
        text = f"something of type {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"
