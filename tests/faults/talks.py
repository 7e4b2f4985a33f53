"""The dialogs of the fault tests. Their results prove what was heard, in which order."""

from __future__ import annotations

from typing import Any

from dialogs import (
    ResponseTimeout,
    call,
    dialog,
    get_client_response,
    randint,
    send_message,
)
from tests.faults.outside import Journal

END = "end"
"""The message that ends a roll call or a queue."""

TIMEOUT_S = 2.0


def talks(journal: Journal) -> dict[str, Any]:
    """The dialogs by name, with their effects in a journal."""

    @dialog(name="roll_call")
    def roll_call(opening: str) -> Any:
        """Draw a number for each message, do something for it, and say so in two messages."""
        heard: list[Any] = []
        message = opening
        while True:
            draw = yield randint(1, 10**9)
            receipt = yield call(journal.perform)
            yield send_message(["heard", len(heard), message, draw])
            yield send_message(["noted", len(heard), receipt])
            heard.append([message, draw, receipt])
            if message == END:
                return heard
            message = yield get_client_response()

    @dialog(name="queue")
    def queue(opening: str) -> Any:
        """Serve each message alone."""
        heard = []
        message = opening
        while message != END:
            heard.append((yield call(journal.perform_alone, message)))
            yield send_message(message)
            message = yield get_client_response()
        return heard

    @dialog(name="patient")
    def patient(opening: str) -> Any:
        """Wait for an answer that never comes."""
        yield send_message(opening)
        yield get_client_response(timeout=TIMEOUT_S)

    @dialog(name="reminded")
    def reminded(opening: str) -> Any:
        """Do something, and say it, when no answer has come."""
        try:
            yield get_client_response(timeout=TIMEOUT_S)
        except ResponseTimeout:
            receipt = yield call(journal.perform)
            yield send_message(["reminded", opening])
            return receipt
        return None

    return {talk.definition.name: talk for talk in (roll_call, queue, patient, reminded)}
