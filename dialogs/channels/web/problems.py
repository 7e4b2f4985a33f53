"""What goes wrong, as a client sees it: problem documents (RFC 9457) in three sentences.

Nothing of the server's inside is told: no traceback, no exception's text, no address of a store.
"""

from __future__ import annotations

import logging

from dialogs.errors import Busy, Conflict, InboxFull, NotSerializable, StoreError

logger = logging.getLogger("dialogs")

TITLES = {
    400: "Bad request",
    401: "No valid token",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not now",
    413: "Too large",
    422: "Not understood",
    429: "Too many requests",
    500: "The dialog failed",
    503: "Not available",
}


class Refused(Exception):
    """A request that is not done.

    Args:
        status: the HTTP status.
        what: what happened.
        why: the reason.
        remedy: what to do about it.
        retry_after_s: when to try again, in seconds from now; None: not at all, as it is.
    """

    def __init__(
        self, status: int, what: str, why: str, remedy: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(what)
        self.status = status
        self.what = what
        self.why = why
        self.remedy = remedy
        self.retry_after_s = retry_after_s

    def document(self) -> dict[str, object]:
        """The problem document."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.what,
            "why": self.why,
            "remedy": self.remedy,
        }
        if self.retry_after_s is not None:
            document["retry_after"] = self.retry_after_s
        return document


def refusal_of(error: Exception) -> Refused:
    """What a client is told of an exception; what it is not told is logged."""
    match error:
        case Refused():
            return error
        case Busy():
            return Refused(
                503,
                "The conversation is busy.",
                "An earlier message is still being answered.",
                "Send the message again, with the same message_id.",
                retry_after_s=1,
            )
        case Conflict():
            return Refused(
                503,
                "The answer took too long, and was not kept.",
                "Another process took the conversation over.",
                "Send the message again, with the same message_id.",
                retry_after_s=1,
            )
        case StoreError():
            logger.error("The web channel could not reach its store: %s", error)
            return Refused(
                503,
                "The conversations cannot be reached.",
                "Their store does not answer.",
                "Send the message again, with the same message_id.",
                retry_after_s=5,
            )
        case InboxFull():
            return Refused(
                409,
                "Too many messages are kept already.",
                "The dialog waits for something else.",
                "Wait until it has answered.",
            )
        case NotSerializable():
            return Refused(
                422,
                "The message cannot be kept.",
                "It holds something that is no text.",
                "Send text.",
            )
        case _:
            logger.error("The web channel failed at a request.", exc_info=error)
            return Refused(
                500,
                "Something went wrong on the server.",
                "The dialog raised an exception; nothing of this message was kept.",
                "Send the message again later, with the same message_id.",
            )
