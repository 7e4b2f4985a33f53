"""What a function that performs a step may ask: the step's key, and whose conversation it is."""

from __future__ import annotations

from contextvars import ContextVar

from dialogs.effects import Perform
from dialogs.errors import UsageError

performing: ContextVar[Perform | None] = ContextVar("performing", default=None)
"""The step that is being performed."""


def step_key() -> str:
    """A stable id of the step that is being performed, for the function that performs it.

    A step is performed again when its turn failed before it was saved; the key is the same then,
    and differs for every other step of every conversation. Hand it to outside services as an
    idempotency key.

    Returns:
        The key: the conversation's id, the step's place in it, and its kind and name.

    Raises:
        UsageError: no step is being performed here, or the conversation has no id.
    """
    effect = _performed("step_key()")
    if effect.conversation is None:
        raise UsageError(
            f"step_key() was called in {effect.step!r} of a conversation without an id.",
            "Without one, the same step of two people would have the same key.",
            "Give the run its conversation_id=..., or the persistence a conversation_id attribute.",
        )
    place = ".".join(map(str, effect.place))
    return f"{effect.conversation}/{place}/{effect.step.key.replace(' ', ':')}"


def conversation_id() -> str | None:
    """Whose conversation the step is of that is being performed, for the function that performs it.

    Returns:
        The orchestrator's chat id; under the bare runners the `conversation_id` of the run, or
        None where it has none.

    Raises:
        UsageError: no step is being performed here.
    """
    return _performed("conversation_id()").chat_id


def may_await() -> bool:
    """Whether what the function returns, that performs this step, may have to be awaited.

    Raises:
        UsageError: no step is being performed here.
    """
    return _performed("may_await()").can_await


def _performed(asking: str) -> Perform:
    effect = performing.get()
    if effect is None:
        raise UsageError(
            f"{asking} was called where no step is being performed.",
            "Code between steps runs again on every message and has no id.",
            "Call it in the function that you hand to call().",
        )
    return effect
