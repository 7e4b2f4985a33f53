"""What a conversation looks like in MongoDB: its document, and the update that takes its lease.

A document's fields, those without a value left out:

    _id           the chat id
    body          the conversation's bytes
    revision      how often it was committed
    status        the status that it was committed with
    wake_at       when it is due, in UTC seconds
    expires_at    when it is forgotten, in UTC seconds
    token         names the claim that may write it, or the commit that gave its lease back
    leased_until  when the lease runs out, in UTC seconds
    forget_at     when the server may remove the document; a date, by the real clock

A claim of a conversation that is not there leaves a document without a body, which nothing shows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from dialogs.errors import StoreError
from dialogs.stores.base import Stored

Document = dict[str, Any]

# MongoDB's limit for a document, less what the fields beside the body take.
_LONGEST_BODY = 16 * 1024 * 1024 - 64 * 1024

# How long after its lease a claimed document stays: a late commit is no reason to refuse.
_SLACK_S = 3_600.0

# Dates end with the year 9999; nobody waits so long.
_CENTURY_S = 100 * 365.25 * 86_400


def taking(token: str, now: float, lease_s: float) -> list[Document]:
    """The update that takes a lease where it is free, and changes nothing where it is not."""
    # In the order of BSON's types, a field that is missing comes before every number.
    free = {"$lte": ["$leased_until", now]}
    passing = {"$or": ["$forget_at", {"$not": ["$revision"]}]}
    lasting = {"$max": ["$forget_at", _date_in(lease_s + _SLACK_S)]}
    return [
        {
            "$set": {
                "token": {"$cond": [free, token, "$token"]},
                "leased_until": {"$cond": [free, now + lease_s, "$leased_until"]},
                "forget_at": {"$cond": [{"$and": [free, passing]}, lasting, "$forget_at"]},
            }
        }
    ]


def committed(
    body: bytes, now: float, hold_s: float | None, *, expires_at: float | None, **fields: object
) -> Document:
    """The document that a commit writes, its lease given back unless it is held.

    Args:
        body: the conversation's bytes.
        now: the time.
        hold_s: how long the lease is held, in seconds; None gives it back.
        expires_at: when it is forgotten; None: never.
        fields: the fields that stand in it as they are.
    """
    leased_until = None if hold_s is None else now + hold_s
    forget_at = None
    if expires_at is not None:
        # Not while the lease is held.
        held_s = 0.0 if hold_s is None else hold_s + _SLACK_S
        forget_at = _date_in(max(expires_at - now, held_s))
    fields |= {"body": body, "expires_at": expires_at}
    fields |= {"leased_until": leased_until, "forget_at": forget_at}
    return {name: value for name, value in fields.items() if value is not None}


def _date_in(seconds: float) -> datetime:
    """The date so many seconds from now, by the real clock, as the server's is."""
    return datetime.now(UTC) + timedelta(seconds=min(seconds, _CENTURY_S))


def is_there(found: Document, now: float) -> bool:
    """Whether a document is a conversation, and not past its time."""
    return "revision" in found and ("expires_at" not in found or found["expires_at"] > now)


def stored(found: Document) -> Stored:
    """A document as stores hand it out."""
    return Stored(
        chat_id=found["_id"],
        body=found["body"],
        revision=int(found["revision"]),
        status=found["status"],
        wake_at=found.get("wake_at"),
        expires_at=found.get("expires_at"),
    )


def check_length(chat_id: str, body: bytes) -> None:
    """Refuse a body that MongoDB would refuse, and say so.

    Raises:
        StoreError: it is longer than MongoDB allows.
    """
    if len(body) > _LONGEST_BODY:
        raise StoreError(
            f"The conversation {chat_id!r} has {len(body):,} bytes, and MongoStore can keep "
            f"{_LONGEST_BODY:,}; nothing was written.",
            "MongoDB allows documents of 16 MiB.",
            "Keep large answers elsewhere and record their names, or bound the log with subdialogs "
            "and continue_as_new.",
        )


# User and password, hosts, the rest. A URL of another shape may have its password anywhere.
_URL = re.compile(r"(mongodb(?:\+srv)?://)(?:[^@/?]*@)?([^@/?]+)(?:[/?][^@]*)?")


def without_password(url: str) -> str:
    """A URL's scheme and hosts, as text; neither user nor options, which may hold secrets."""
    match = _URL.fullmatch(url)
    return match[1] + match[2] if match else "a URL"
