"""What a client's message means: text, intent, confidence, entities, sentiment, language.

In the log, and inside workflows, it is a dict that leaves out what is not known.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialogs.errors import UsageError
from dialogs.performing import may_await
from dialogs.registry import serializable
from dialogs.steps import call
from dialogs.workflows.templates import as_text

Heard = dict[str, Any]
"""An understood message, as workflows keep it; "value" is what came where it was no text."""


@serializable(name="Understood")
@dataclass(frozen=True, slots=True)
class Understood:
    """A message, and what it means.

    Args:
        text: what was said.
        intent: what is wanted, or None.
        confidence: how sure that is, from 0 to 1.
        entities: what it is about, by name; plain data.
        sentiment: its mood, or None.
        language: such as "en", or None.
    """

    text: str
    intent: str | None = None
    confidence: float = 0.0
    entities: dict[str, Any] = field(default_factory=dict)
    sentiment: str | None = None
    language: str | None = None


NOTHING: Heard = {
    "text": "",
    "intent": None,
    "confidence": 0.0,
    "entities": {},
    "sentiment": None,
    "language": None,
}
"""What the names of a message stand for before there was one."""

_KINDS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "intent": str,
    "confidence": (int, float),
    "entities": dict,
    "sentiment": str,
    "language": str,
}

Hook = Callable[[str], Any]
"""Understands a text: returns an `Understood`, a dict of its fields, or None; or an awaitable."""


def understood(hook: Hook | None, message: Any) -> Generator[Any, Any, Heard]:
    """What a message means, as steps: a text is given to the hook, once.

    Args:
        hook: understands texts, or None.
        message: a text, an `Understood`, a dict of its fields, or anything else a client sends.
    """
    if message is None:
        return {}
    if isinstance(message, str):
        if hook is None:
            return {"text": message}
        asking = call(_ask, hook, message)
        asking.key = "call understand"
        heard: Heard = yield asking
        return heard
    known = _fields_of(message)
    return {"text": as_text(message), "value": message} if known is None else known


def _ask(hook: Hook, text: str) -> Any:
    if may_await():
        return _ask_async(hook, text)
    answer = hook(text)
    # What is awaitable is refused by the engine, in a run that cannot await.
    return answer if inspect.isawaitable(answer) else _checked(answer, text)


async def _ask_async(hook: Hook, text: str) -> Heard:
    answer = hook(text)
    return _checked(await answer if inspect.isawaitable(answer) else answer, text)


def _checked(answer: Any, text: str) -> Heard:
    fields: Heard | None = {}
    if answer is not None:
        fields = _fields_of({"text": text, **answer} if isinstance(answer, Mapping) else answer)
    if fields is None:
        raise UsageError(
            f"The `understand` hook returned {answer!r}.",
            "A workflow goes by what a message means.",
            "Return an Understood, a dict of its fields, or None.",
        )
    return {"text": text, **fields}


def _fields_of(message: Any) -> Heard | None:
    """The fields that are known of an understood message; None: it is none."""
    if isinstance(message, Understood):
        message = {name: getattr(message, name) for name in _KINDS}
    if not isinstance(message, Mapping) or not isinstance(message.get("text"), str):
        return None
    # It may come from a client: what is of another kind is not believed.
    return {
        name: message[name]
        for name, kind in _KINDS.items()
        if isinstance(message.get(name), kind) and message[name] != NOTHING[name]
    } | {"text": message["text"]}


def without(heard: Heard, entity: str) -> Heard:
    """A message one of whose entities was used: it is not used a second time."""
    entities = {name: value for name, value in heard["entities"].items() if name != entity}
    return {**heard, "entities": entities}
