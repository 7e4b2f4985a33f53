"""The terminals of a process, as a channel: conversations that are open here can be sent to."""

from __future__ import annotations

from typing import Any

from dialogs.channels.console.talk import Talk
from dialogs.channels.console.terminal import Terminal
from dialogs.errors import ChannelError
from dialogs.orchestrator import Orchestrator


def console_id(name: str, dialog: str) -> str:
    """The chat id of somebody's conversation with a dialog, in the terminal.

    >>> console_id("ada", "game")
    'console:ada:game'
    """
    return f"{ConsoleChannel.prefix}{name}:{dialog}"


class ConsoleChannel:
    """The terminals of a process, as a channel; mostly there is one.

    Args:
        orchestrator: has the conversations. Somebody else runs its timers.

    >>> from dialogs import Orchestrator, dialog
    >>> from dialogs.stores import MemoryStore
    >>> @dialog
    ... def greet():
    ...     yield send_message("Who is there?")
    >>> ConsoleChannel(Orchestrator(greet, store=MemoryStore())).prefix
    'console:'
    """

    prefix = "console:"

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._orchestrator = orchestrator
        self._talks: dict[str, Talk] = {}

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        """Show a message, unless it was shown here before.

        Raises:
            ChannelError: the conversation is not open here; its message waits until it is.
        """
        talk = self._talks.get(chat_id)
        if talk is None:
            raise ChannelError(
                f"The conversation {chat_id!r} is not open in a terminal of this process.",
                "Its messages are shown to whoever opens it next.",
            )
        talk.show(message, delivery_id)

    async def converse(self, chat_id: str, terminal: Terminal) -> bool:
        """Begin a conversation or go on with it, until the person leaves.

        Args:
            chat_id: whose, as `console_id` makes it.
            terminal: where it is shown.

        Returns:
            Whether all went well; False where there was an error and nobody to see to it.

        Raises:
            StoreError: the store failed before the conversation was open.
            LogError: the conversation cannot be read.
        """
        # For this one only: messages of others wait in the store until they are opened.
        self._orchestrator.attach(chat_id, self)
        talk = self._talks[chat_id] = Talk(self._orchestrator, chat_id, terminal)
        try:
            return await talk.run()
        finally:
            if self._talks.get(chat_id) is talk:
                del self._talks[chat_id]
