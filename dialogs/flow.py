"""What a conversation runs: the root dialog, its fallback, and the interrupts tried before it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dialogs.dialog import Dialog
from dialogs.errors import NotAStep, UnknownDialog, UsageError


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A message that means the same at every prompt, such as "/help".

    Its dialog runs beside the conversation's own, whose log it leaves as it is, and may converse.
    When it is done the pending prompt is said again.

    Args:
        trigger: which messages call it: a text that equals the message apart from case and outer
            spaces, a compiled pattern that matches the whole of it, or a function that takes the
            message and tells. A text and a pattern call for messages that are text.
        dialog: the dialog; it takes no argument, or the message. None: nothing is run.
        cancel: whether the conversation ends, as CANCELLED, once the dialog is done.

    Raises:
        UsageError: there is no dialog, and nothing is cancelled either.

    >>> Interrupt("/cancel", cancel=True).calls("  /CANCEL ")
    True
    """

    trigger: str | re.Pattern[str] | Callable[[Any], bool]
    dialog: Any = None
    cancel: bool = False

    def __post_init__(self) -> None:
        if self.dialog is None and not self.cancel:
            raise UsageError(
                f"Interrupt({self.trigger!r}) does nothing.",
                "It has no dialog to run, and ends nothing.",
                f"Give it a dialog: Interrupt({self.trigger!r}, help_dialog); or cancel=True.",
            )
        if self.dialog is not None:
            opener(self.dialog)

    def calls(self, message: Any) -> bool:
        """Whether this message calls it."""
        trigger = self.trigger
        if callable(trigger):
            return bool(trigger(message))
        if not isinstance(message, str):
            return False
        if isinstance(trigger, re.Pattern):
            return trigger.fullmatch(message.strip()) is not None
        return message.strip().casefold() == trigger.strip().casefold()

    def call(self, message: Any) -> Dialog[Any]:
        """The call of its dialog for a message that called it."""
        return opener(self.dialog)(message)


Opener = Callable[[Any], Dialog[Any]]
"""Makes the call of a dialog from the message that opens it."""


def opener(dialog: Any) -> Opener:
    """How a dialog is called that takes no argument, or the opening message.

    Args:
        dialog: a decorated function, or a call of one.

    Raises:
        NotAStep: it is something else.
        UsageError: it needs more arguments.
    """
    if isinstance(dialog, Dialog):
        return lambda _opening: dialog
    if not hasattr(dialog, "definition"):
        raise NotAStep(
            f"{dialog!r} is not a dialog.",
            type(dialog).__name__,
            "Decorate the function with @dialog and hand it over, such as game, or a call of it.",
        )
    needed, positional = _parameters(dialog)
    if len(needed) > 1 or needed != positional[: len(needed)]:
        raise UsageError(
            f"The dialog {dialog.definition.name!r} needs {len(needed)} arguments.",
            "A conversation has nothing to give it but its opening message.",
            "Let it take no argument or that message, or hand over a call: game(1, 2).",
        )
    if not positional:
        return lambda _opening: dialog()
    call: Opener = dialog
    return call


def takes_opening(dialog: Any) -> bool:
    """Whether a dialog that `opener` took cannot begin without an opening message."""
    return not isinstance(dialog, Dialog) and bool(_parameters(dialog)[0])


def _parameters(dialog: Any) -> tuple[list[str], list[str]]:
    """The names of a dialog's parameters: those that need an argument; those that have a place."""
    parameters = list(inspect.signature(dialog.definition.fn).parameters.values())
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [one for one in parameters if one.default is one.empty and one.kind not in many]
    apart = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    placed = [one for one in parameters if one.kind not in apart]
    return [one.name for one in needed], [one.name for one in placed]


def chosen(name: str, word: str, yes: str, no: str) -> bool:
    """Whether an argument is the first of the two words that it may be.

    Raises:
        UsageError: it is neither.
    """
    if word not in (yes, no):
        raise UsageError(
            f"{name}={word!r} will not do.",
            "A misspelt word would do something else than was meant.",
            f'Give "{yes}" or "{no}".',
        )
    return word == yes


@dataclass(frozen=True, slots=True)
class Flow:
    """What every conversation of an orchestrator runs.

    Args:
        own: the dialog of those that were begun with no other.
        fallback: its fallback dialog, or None.
        interrupts: tried in this order.
        restarts: whether a message after the end begins the next run.
        keeps: whether what is said while nothing waits for it is kept; if not, it is stale.
        on_timeout: what is said where a run ends as TIMED_OUT; None: nothing.
        history: how many messages a conversation keeps of what was said.
        others: more dialogs that a conversation may be begun with, by their names.
    """

    own: Opener
    fallback: Any = None
    interrupts: tuple[Interrupt, ...] = ()
    restarts: bool = True
    keeps: bool = True
    on_timeout: Any = None
    history: int = 0
    others: dict[str, Opener] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.history < 0:
            raise UsageError(
                f"history={self.history!r} is no count.",
                "It is how many messages a conversation keeps.",
                "Give a number from 0.",
            )
        for one in self.interrupts:
            if not isinstance(one, Interrupt):
                raise UsageError(
                    f"{one!r} is no interrupt.",
                    "Interrupts say which message they are called by, and what they do then.",
                    f"Write Interrupt({one!r}, some_dialog), or Interrupt({one!r}, cancel=True).",
                )

    def root(self, name: str) -> Opener:
        """The dialog that a conversation was begun with.

        Args:
            name: its name; "" is the orchestrator's own.

        Raises:
            UnknownDialog: there is none of this name.
        """
        found = self.others.get(name) if name else self.own
        if found is None:
            raise UnknownDialog(
                f"A conversation runs the root {name!r}, which this orchestrator does not have.",
                "A program that has it began it, or the name is misspelt.",
                f"Give it to this orchestrator, too: add_root({name!r}, dialog).",
                name,
            )
        return found

    def add_root(self, name: str, dialog: Any) -> None:
        """Give another dialog that a conversation may be begun with.

        Raises:
            UsageError: another one has the name, or it is empty.
        """
        call = opener(dialog)
        if not name or name in self.others:
            raise UsageError(
                f"{name!r} cannot name another root.",
                "Conversations know their root by its name.",
                "Give each root a name of its own.",
            )
        self.others[name] = call

    def interrupt(self, message: Any) -> Interrupt | None:
        """The interrupt that a message calls, or None."""
        return next((found for found in self.interrupts if found.calls(message)), None)

    def digression(self, name: str, opening: Any) -> Dialog[Any] | None:
        """The call of an interrupt's dialog with this name; None where there is none (any more)."""
        for interrupt in self.interrupts:
            if interrupt.dialog is not None:
                call = interrupt.call(opening)
                if call.name == name:
                    return call
        return None
