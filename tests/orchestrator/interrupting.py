"""Orders that can be interrupted, and dialogs that do it."""

from dialogs import Orchestrator, dialog, send_message
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.written import written

ORDER = """
    def order():
        «send_message("What do you want?")»
        what = «get_client_response()»
        «send_message("How many?")»
        many = «get_client_response()»
        return what, many
"""
HELP = """
    def helping():
        «send_message("What do you need?")»
        need = «get_client_response()»
        «send_message(f"Look at page {need}.")»
"""


@dialog
def brief():
    yield send_message("Ask Ada.")


class Interrupts:
    """An orchestrator of orders with these interrupts."""

    def __init__(self, *interrupts, root=None, **options):
        self.store, self.clock = MemoryStore(), FakeClock()
        self.options = options
        self.root = root or written(ORDER)
        self.deploy(*interrupts)

    def deploy(self, *interrupts):
        """Go on with other interrupts in the code."""
        options = {"store": self.store, "clock": self.clock, **self.options}
        self.bot = Orchestrator(self.root, interrupts=interrupts, **options)

    async def say(self, *messages, chat_id="c"):
        """Say these; the last turn."""
        for message in messages:
            turn = await self.bot.handle_message(chat_id, message)
        return turn

    async def conversation(self):
        return await self.bot.conversation("c")
