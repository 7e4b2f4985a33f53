"""Chat rooms in memory: a platform with all that one can have, and a sound channel to it."""

from dataclasses import dataclass, field
from typing import Any

from dialogs import ChannelError
from dialogs.channels import Incoming
from dialogs.channels.showing import buttons_of, in_text


@dataclass
class Shown:
    """A message as it stands in the room, with its buttons' labels and where they lead."""

    text: str
    delivery_id: str | None = None
    buttons: dict[str, Any] = field(default_factory=dict)


class Rooms:
    """The channel, and its platform: what stands in each room."""

    prefix = "room:"

    def __init__(self, orchestrator):
        self.orchestrator = orchestrator
        self.rooms: dict[str, list[Shown]] = {}
        self.sent: set[str] = set()

    # --- outwards -----------------------------------------------------------------------------

    async def send_message(self, chat_id, message, *, delivery_id):
        if chat_id not in self.rooms:
            raise ChannelError(f"There is no room {chat_id!r}.", permanent=True)
        if delivery_id in self.sent:
            return
        self.sent.add(delivery_id)
        self.show(chat_id, message, delivery_id)

    def show(self, chat_id, message, delivery_id):
        text = in_text(message, buttons=False)
        buttons = {button.label: button.answer for button in buttons_of(message)}
        self.rooms[chat_id].append(Shown(text, delivery_id, buttons))

    # --- inwards ------------------------------------------------------------------------------

    async def typed(self, chat_id, text, event_id=None):
        await self.hear(Incoming(chat_id, text, event_id))

    async def pressed(self, chat_id, shown, label):
        turn = await self.hear(
            Incoming(chat_id, shown.buttons[label], in_reply_to=shown.delivery_id)
        )
        if turn is not None and turn.stale:
            self.rooms[chat_id].append(Shown("That question is over."))

    async def hear(self, incoming):
        self.rooms.setdefault(incoming.chat_id, [])
        try:
            return await self.orchestrator.handle_message(
                incoming.chat_id,
                incoming.message,
                message_id=incoming.message_id,
                in_reply_to=incoming.in_reply_to,
            )
        except LookupError:
            self.rooms[incoming.chat_id].append(Shown("Sorry, that went wrong."))
            return None


class Visitor:
    """Somebody in a room."""

    def __init__(self, channel, name):
        self.channel = channel
        self.chat_id = f"{channel.prefix}{name}"

    async def arrive(self):
        await self.say("hi")

    async def say(self, text, *, event_id=None):
        await self.channel.typed(self.chat_id, text, event_id)

    async def press(self, label, which=-1):
        shown = [each for each in self.channel.rooms[self.chat_id] if label in each.buttons]
        await self.channel.pressed(self.chat_id, shown[which], label)

    async def heard(self):
        return ["\n".join([each.text, *each.buttons]) for each in self.channel.rooms[self.chat_id]]
