"""What a press means, where the platform knows only the button's place; and a typed label."""

from __future__ import annotations

from dialogs.channels.showing import buttons_of
from dialogs.conversation import Conversation
from dialogs.messages import Button


def button_at(conversation: Conversation | None, number: str, index: int) -> Button | None:
    """The button of a message, where that message still asks.

    Args:
        conversation: the conversation.
        number: the message's number, which ends its delivery id.
        index: which of its buttons, from 0.

    Returns:
        None, where the message asks no more, or has no such button.
    """
    asking = None if conversation is None else conversation.asking
    if asking is None or number not in map(str, asking.said):
        return None
    # What was said last stands last, however often the question was said again.
    back = len(asking.said) - 1 - asking.said.index(int(number))
    buttons = buttons_of(asking.messages[-1 - back % len(asking.messages)])
    return buttons[index] if 0 <= index < len(buttons) else None


def button_named(conversation: Conversation | None, typed: str) -> Button | None:
    """The button of the pending question with this label, for who types instead of pressing."""
    asking = None if conversation is None else conversation.asking
    word = typed.strip().casefold()
    if asking is None or not word:
        return None
    buttons = [button for message in asking.messages for button in buttons_of(message)]
    return next((each for each in buttons if each.label.strip().casefold() == word), None)
