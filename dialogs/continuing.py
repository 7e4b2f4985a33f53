"""What `continue_as_new` left in a log: the dialog that goes on, and its arguments.

The dialog's step is in no code that replay passes, so the frame keeps its name and arguments, and
its function is found again by the name.
"""

from __future__ import annotations

import inspect
from typing import Any

from dialogs.codec import load
from dialogs.dialog import Definition, Dialog, find_definition
from dialogs.effects import Refused
from dialogs.errors import Corrupt, ReplayError, UnknownDialog, UsageError, reason_of
from dialogs.log import Frame


def continued_dialog(frame: Frame, likely: Definition) -> Dialog[Any]:
    """The dialog that goes on in a frame.

    Args:
        frame: a frame with arguments.
        likely: the dialog that the frame was opened by; most go on with themselves.

    Raises:
        Refused: with a LogError.
    """
    try:
        definition = likely if likely.name == frame.dialog else find_definition(frame.dialog)
    except UnknownDialog as error:
        raise Refused(error) from None
    try:
        args, kwargs = load(frame.arguments or b"")
        if type(args) is not list or type(kwargs) is not dict or set(map(type, kwargs)) - {str}:
            raise TypeError("they are no list and dict of arguments")
    except Exception as error:
        what = f"A log has arguments of {frame.dialog!r} that cannot be rebuilt: "
        raise Refused(Corrupt(f"{what}{reason_of(error)}.")) from error
    return Dialog(definition, tuple(args), kwargs)


def check_found(dialog: Dialog[Any], likely: Definition) -> None:
    """Refuse a dialog that would not be found again by its name."""
    try:
        found = likely if likely.name == dialog.name else find_definition(dialog.name)
    except UnknownDialog:
        found = None
    if found is not dialog.definition:
        raise Refused(
            UsageError(
                f"continue_as_new() cannot go on with {dialog!r}.",
                "Another dialog has its name, and may be found in its place.",
                'Give each its own name: @dialog(name="...").',
            )
        ) from None


def check_fits(
    dialog: Dialog[Any], frame: Frame, error: Exception, conversation: str | None
) -> None:
    """Refuse recorded arguments that a dialog's function does not take any more.

    Args:
        dialog: the dialog.
        frame: its frame.
        error: what it raised.
        conversation: the conversation's id, for the error.
    """
    if not isinstance(error, TypeError) or frame.arguments is None:
        return
    try:
        inspect.signature(dialog.definition.fn).bind(*dialog.args, **dialog.kwargs)
    except TypeError as misfit:
        raise Refused(
            ReplayError(
                dialog=dialog.name,
                version=dialog.version,
                conversation=conversation,
                record=0,
                logged="other arguments, from continue_as_new(),",
                found=f"does not take them ({misfit})",
            )
        ) from error
