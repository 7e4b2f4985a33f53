"""What is done for a request: the same for REST and sockets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dialogs.channels.showing import buttons_of
from dialogs.channels.web.feeds import Feeds
from dialogs.channels.web.limits import Limit
from dialogs.channels.web.problems import Refused, refusal_of
from dialogs.channels.web.rights import PREFIX
from dialogs.channels.web.schemas import Press, Saying
from dialogs.channels.web.tokens import Tokens
from dialogs.conversation import Conversation
from dialogs.events import Turn
from dialogs.orchestrator import Orchestrator
from dialogs.standing import Entry

View = Callable[[Conversation | None], Any]
"""What an app tells of a conversation besides its messages, as JSON; None: nothing."""


@dataclass(frozen=True, slots=True)
class Talk:
    """The parts of an app that its requests share.

    Args:
        orchestrator: has the conversations.
        tokens: signs for them.
        feeds: who follows them.
        messages: how often one conversation is given a message.
        readings: how often one conversation is read.
        starts: how often one address starts a conversation.
        connections: how often one address opens a socket.
        users: whether the host says who the user is.
        max_message_bytes: how long a request or a frame may be.
        roots: those of the orchestrator's other roots that clients may begin, by name.
        views: what clients may ask for besides the messages, by name.
    """

    orchestrator: Orchestrator
    tokens: Tokens
    feeds: Feeds
    messages: Limit
    readings: Limit
    starts: Limit
    connections: Limit
    users: bool
    max_message_bytes: int
    roots: set[str] = field(default_factory=set)
    views: dict[str, View] = field(default_factory=dict)

    async def start(self, conversation_id: str, root: str = "") -> Turn:
        """Begin a conversation, or its next run; nothing happens where one is open.

        Nor where the dialog needs the message that opens it: that one begins it.

        Raises:
            Refused: clients may not begin that root.
        """
        chat_id = PREFIX + conversation_id
        if root and root not in self.roots:
            raise not_there(root)
        if not root and self.orchestrator.takes_opening:
            return Turn(chat_id)
        return await self.feeds.during(chat_id, self.orchestrator.start(chat_id, root=root))

    async def say(self, conversation_id: str, saying: Saying) -> Turn:
        """Give a conversation what its client says.

        Raises:
            Refused: it came too often, or there is no such button.
            Exception: what `Orchestrator.handle_message` raises.
        """
        self.messages.take(conversation_id)
        chat_id = PREFIX + conversation_id
        message: Any = saying.text
        in_reply_to = saying.in_reply_to
        if saying.button is not None:
            message = await self._answer(chat_id, saying.button)
            in_reply_to = str(saying.button.message)
        turn = self.orchestrator.handle_message(
            chat_id, message, message_id=saying.message_id, in_reply_to=in_reply_to
        )
        return await self.feeds.during(chat_id, turn)

    async def conversation(self, conversation_id: str) -> Conversation | None:
        """A conversation as it was committed last, or None."""
        return await self.orchestrator.conversation(PREFIX + conversation_id)

    def view(self, name: str, conversation: Conversation | None) -> Any:
        """What a view tells of a conversation; None where it fails, which is logged."""
        try:
            return self.views[name](conversation)
        except Exception as error:  # noqa: BLE001 - it may run the dialog's own code
            refusal_of(error)
            return None

    async def forget(self, conversation_id: str) -> bool:
        """Delete a conversation; whether there was one."""
        chat_id = PREFIX + conversation_id
        return await self.feeds.during(chat_id, self.orchestrator.forget(chat_id))

    async def entry(self, conversation_id: str, number: int) -> Entry:
        """What the server said under a number.

        Raises:
            Refused: the transcript does not have it (any more).
        """
        conversation = await self.conversation(conversation_id)
        for entry in [] if conversation is None else conversation.history:
            if entry.number == number and not entry.by_client:
                return entry
        raise Refused(
            404,
            f"There is no message {number} here.",
            "It was never said, or the transcript no longer has it.",
            "Read the conversation again.",
        )

    async def _answer(self, chat_id: str, press: Press) -> Any:
        """What a pressed button stands for."""
        entry = await self.entry(chat_id.removeprefix(PREFIX), press.message)
        buttons = buttons_of(entry.message)
        if press.index >= len(buttons):
            raise Refused(
                404,
                f"Message {press.message} has no button {press.index}.",
                "It has " + (f"those from 0 to {len(buttons) - 1}." if buttons else "none."),
                "Read the conversation again.",
            )
        return buttons[press.index].answer


def not_there(name: str) -> Refused:
    """The refusal of a root, or a view, that clients are not given."""
    return Refused(
        404,
        f"There is no {name[:100]!r} here.",
        "It was never there, or is no longer.",
        "Correct the name.",
    )
