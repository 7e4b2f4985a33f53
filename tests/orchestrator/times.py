"""An orchestrator whose clock the tests advance, and dialogs that wait for a time."""

from dialogs import Orchestrator, dialog, send_message, sleep
from dialogs.testing import FakeClock
from tests.senders import UnsteadyStore

PATIENT = """
    def patient():
        «send_message("Your name?")»
        try:
            name = «get_client_response(timeout=60)»
        except ResponseTimeout as late:
            «send_message(f"{late.timeout_s:g} s are over.")»
            name = «get_client_response()»
        return name
"""
STRICT = """
    def strict():
        «send_message("Your name?")»
        return «get_client_response(timeout=60)»
"""
NAP = """
    def nap():
        «send_message("Good night.")»
        «sleep(60)»
        «send_message("Good morning.")»
        first = «get_client_response()»
        second = «get_client_response()»
        return first, second
"""


@dialog
def nap_or_fail(opening):
    yield sleep(60)
    if opening == "bad":
        raise ValueError("no")
    yield send_message("Good morning.")


class Times:
    """An orchestrator, with a clock that is advanced and then read by the timers."""

    def __init__(self, root, **options):
        self.clock, self.store = FakeClock(), UnsteadyStore()
        self.options = options
        self.bot = self.worker(root)

    def worker(self, root, **options):
        return Orchestrator(
            root, **{"store": self.store, "clock": self.clock, **self.options, **options}
        )

    async def after(self, seconds):
        """Let time pass, and fire what is due."""
        self.clock.advance(seconds)
        return await self.bot.fire_due()
