"""Who sends to whom: one sender for all conversations, or one by the start of their chat ids.

A watcher may stand in a sender's place: it is sent nothing, and told to look.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from dialogs.errors import UsageError
from dialogs.messages import Sender, Watcher


class Senders:
    """The senders of an orchestrator.

    Args:
        default: sends to conversations that no other sender is for; None: nobody does.
    """

    def __init__(self, default: Sender | None = None) -> None:
        self._by_prefix: dict[str, Sender | Watcher] = {}
        if default is not None:
            self.attach("", default)

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    def attach(self, prefix: str, sender: Sender | Watcher) -> None:
        """Let a sender have the conversations whose chat id starts with a prefix.

        Raises:
            UsageError: another one has them, or it is no sender.
        """
        if not callable(getattr(sender, "send_message", None)) and not watches(sender):
            raise UsageError(
                f"{sender!r} is no sender.",
                "A sender has a method send_message(chat_id, message, *, delivery_id).",
                "Hand over an object of such a class, and not the class itself or a function.",
            )
        if self._by_prefix.get(prefix, sender) is not sender:
            raise UsageError(
                f"Chat ids that start with {prefix!r} have a sender already.",
                f"It is {self._by_prefix[prefix]!r}, and every message is sent by one.",
                "Give each channel of an orchestrator a prefix of its own.",
            )
        self._by_prefix[prefix] = sender

    def need(self, chat_id: str) -> bool:
        """Whether what a conversation says has to be sent, by this process or another one."""
        return bool(self) and not watches(self.of(chat_id))

    def of(self, chat_id: str) -> Sender | Watcher | None:
        """The sender for a conversation: the one with the longest prefix; None: there is none."""
        if not self._by_prefix:
            return None
        fitting = [prefix for prefix in self._by_prefix if chat_id.startswith(prefix)]
        return self._by_prefix[max(fitting, key=len)] if fitting else None


def watches(sender: Any) -> TypeGuard[Watcher]:
    """Whether it is a watcher."""
    return callable(getattr(sender, "look", None))
