"""What the servers share: the fields of a request, and each chat's log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from weakref import WeakValueDictionary

from fastapi import Depends, HTTPException
from pydantic import BaseModel, ConfigDict

from dialogs import FilePersistence

FOLDER = Path("guessbot_chats")
AGAIN = "Say anything for another game."


class Said(BaseModel):
    """What a person said, and in which chat."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    chat_id: str
    message: str = ""


async def said(chat_id: str | None = None, message: str = "", body: Said | None = None) -> Said:
    """The fields of a request, from its JSON body or else from its query."""
    if body is not None:
        return body
    if chat_id is None:
        raise HTTPException(422, "chat_id is missing: send it in the query or in a JSON body.")
    return Said(chat_id=chat_id, message=message)


Incoming = Annotated[Said, Depends(said)]

# A lock stays in here only as long as a request holds it or waits for it.
locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


@asynccontextmanager
async def open_chat(chat_id: str) -> AsyncIterator[FilePersistence]:
    """A chat's log, for one request at a time: the next waits until this one has saved it."""
    lock = locks.setdefault(chat_id, asyncio.Lock())
    async with lock:
        # Hashed, since a chat_id comes from outside and may be any text, such as "../etc".
        yield FilePersistence(FOLDER / f"{sha256(chat_id.encode()).hexdigest()}.dialog")
