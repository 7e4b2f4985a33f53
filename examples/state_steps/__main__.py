"""Book a table in the terminal: stop it at any time, run it again, and it goes on.

    python -m examples.state_steps [FILE]

The conversation is kept in FILE, or else in tables.db in the current folder.
"""

import asyncio
import sys

from dialogs import DialogsError, Orchestrator
from dialogs.stores import SQLiteStore
from examples.state_steps.tables import table


class Terminal:
    """Says messages by printing them."""

    async def send_message(self, chat_id, message, *, delivery_id):  # noqa: ARG002
        print(message, flush=True)


async def talk(file: str, chat_id: str = "terminal") -> None:
    async with Orchestrator(table, store=SQLiteStore(file), sender=Terminal()) as orchestrator:
        conversation = await orchestrator.conversation(chat_id)
        if conversation is not None and conversation.pending is not None:
            print(*conversation.pending.messages, sep="\n")  # where it was left
        else:
            await orchestrator.start(chat_id)
        while True:
            answer = await asyncio.to_thread(input, "> ")
            turn = await orchestrator.handle_message(chat_id, answer)
            if turn.status.is_over:
                return


if __name__ == "__main__":
    try:
        asyncio.run(talk(*sys.argv[1:2] or ["tables.db"]))
    except (EOFError, KeyboardInterrupt):
        print()
    except DialogsError as error:
        sys.exit(f"{error}")
