"""A channel of one's own: a chat over plain TCP, a line for each message."""

import traceback

from dialogs import ChannelError
from dialogs.channels.showing import in_text, meant


class Lines:
    """Whoever connects says their name first, and goes on where they were."""

    prefix = "lines:"

    def __init__(self, orchestrator):
        self.orchestrator = orchestrator
        self.connected = {}  # chat id -> what its messages are written to
        self.said = {}  # chat id -> the number of the last message
        orchestrator.attach(self.prefix, self)

    async def send_message(self, chat_id, message, *, delivery_id):
        writer = self.connected.get(chat_id)
        if writer is None or writer.is_closing():
            raise ChannelError(f"{chat_id} is not connected.")  # so it is sent again later
        number = int(delivery_id.rpartition("/")[2])
        if number > self.said.get(chat_id, 0):  # numbers rise: what is not above was said before
            await write(writer, in_text(message))
            self.said[chat_id] = number

    async def converse(self, reader, writer):
        """What `asyncio.start_server` calls for each connection."""
        await write(writer, "Your name?")
        name = printable(await read(reader) or "")[:100]  # a chat id is short, and has no NUL
        chat_id = self.prefix + (name or "nobody")
        self.connected[chat_id] = writer
        turn = await self.orchestrator.start(chat_id)  # sends what waits to be sent, too
        if not turn.messages:
            for message in await self.question(chat_id):
                await write(writer, in_text(message))
        while (line := await read(reader)) is not None:
            answer = meant(line, await self.question(chat_id))  # "2" is the second button
            try:
                await self.orchestrator.handle_message(chat_id, answer)
            except Exception:  # noqa: BLE001 - whatever the dialog raised
                traceback.print_exc()
                await write(writer, "Sorry, that went wrong.")
        writer.close()

    async def question(self, chat_id):
        """The messages of the question that waits for an answer."""
        asking = (await self.orchestrator.conversation(chat_id)).asking
        return asking.messages if asking else []


def printable(text):
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


async def write(writer, text):
    writer.write(f"{printable(text)}\n".encode())
    await writer.drain()


async def read(reader):
    """The next line, or None at the end of the connection, and where a line has none."""
    try:
        line = await reader.readline()
    except ValueError:  # more than asyncio's limit, 64 KiB
        return None
    return line.decode(errors="replace").rstrip("\r\n") if line else None
