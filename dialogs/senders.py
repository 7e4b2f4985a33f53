"""Who sends to whom: one sender for all conversations, or one by the start of their chat ids."""

from __future__ import annotations

from dialogs.errors import UsageError
from dialogs.messages import Sender


class Senders:
    """The senders of an orchestrator.

    Args:
        default: sends to conversations that no other sender is for; None: nobody does.
    """

    def __init__(self, default: Sender | None = None) -> None:
        self._by_prefix: dict[str, Sender] = {}
        if default is not None:
            self.attach("", default)

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    def attach(self, prefix: str, sender: Sender) -> None:
        """Let a sender have the conversations whose chat id starts with a prefix.

        Raises:
            UsageError: another one has them, or it is no sender.
        """
        if not callable(getattr(sender, "send_message", None)):
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

    def of(self, chat_id: str) -> Sender | None:
        """The sender for a conversation: the one with the longest prefix; None: there is none."""
        fitting = [prefix for prefix in self._by_prefix if chat_id.startswith(prefix)]
        return self._by_prefix[max(fitting, key=len)] if fitting else None
