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


def talk(file: str, chat_id: str = "terminal") -> None:
    orchestrator = Orchestrator(table, store=SQLiteStore(file), sender=Terminal())
    with asyncio.Runner() as runner:
        try:
            conversation = runner.run(orchestrator.conversation(chat_id))
            if conversation is not None and conversation.pending is not None:
                print(*conversation.pending.messages, sep="\n")  # where it was left
            else:
                runner.run(orchestrator.start(chat_id))
            is_over = False
            while not is_over:
                answer = input("> ")  # outside the event loop, so that Ctrl-C ends it
                turn = runner.run(orchestrator.handle_message(chat_id, answer))
                is_over = turn.status.is_over
        finally:
            runner.run(orchestrator.store.close())


if __name__ == "__main__":
    try:
        talk(*sys.argv[1:2] or ["tables.db"])
    except (EOFError, KeyboardInterrupt):
        print()
    except DialogsError as error:
        sys.exit(f"{error}")
