"""Conversations in MongoDB 5.0 or newer, one document each, as `mongo_documents` describes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from dialogs.errors import StoreUnavailable, UsageError, missing_extra, reason_of
from dialogs.spans import Span, seconds
from dialogs.stores.base import Claim, Stored, busy, conflict, give_back, new_token
from dialogs.stores.mongo_documents import (
    Document,
    check_length,
    committed,
    is_there,
    stored,
    taking,
    without_password,
)

try:
    from bson.codec_options import CodecOptions
    from pymongo import AsyncMongoClient, IndexModel, ReadPreference, ReturnDocument, WriteConcern
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.errors import ConfigurationError, DuplicateKeyError, OperationFailure, PyMongoError
except ImportError:  # the extra is not installed
    _INSTALLED = False
else:
    _INSTALLED = True

# How often a claim that met the creation of its document by another one is tried.
_ATTEMPTS = 5


class _Connection(NamedTuple):
    """A client, and the collection with either of two write concerns."""

    client: AsyncMongoClient[Document]
    durable: AsyncCollection[Document]
    quick: AsyncCollection[Document]


class MongoStore:
    """Keeps conversations in a collection of MongoDB, through pymongo's asyncio client.

    A commit returns when a majority of the replica set has it in its journal (write concern
    `majority` with `j`): it survives the loss of any one server, or a crash of the only one. A
    claim waits for the primary alone. Where a failover loses it, its commit is refused, so that
    nothing wrong is written; two workers may then have run the same turn.

    All is read from the primary. The client repeats a write once after a lost connection, as
    pymongo does unless the URL has `retryWrites=false`; a commit that is found to have happened is
    not done again, and is no conflict.

    What is past its `expires_at` counts as gone at once, by the times handed in. The server
    removes it within a minute or so after the same time by its own clock.

    Without `setup` it works too, but reads every document where it could use an index, and the
    server removes nothing.

    A store serves one event loop. It connects on first use.

    Args:
        url: such as "mongodb://user:password@host:27017/?replicaSet=rs0".
        database: the name of the database.
        collection: the name of the collection.
        timeout: how long one round trip may take, finding a server included: seconds, or a
            timedelta. It stands above what the URL says.
        client: a client of yours to use instead of `url`, with its own timeouts; `close` leaves
            it open.

    Raises:
        UsageError: pymongo is not installed, or the timeout is not above 0.
    """

    def __init__(
        self,
        url: str = "mongodb://localhost:27017",
        *,
        database: str = "dialogs",
        collection: str = "conversations",
        timeout: Span = 5.0,
        client: AsyncMongoClient[Document] | None = None,
    ) -> None:
        if not _INSTALLED:
            raise missing_extra("MongoStore", "pymongo 4.13 or newer", "mongo")
        timeout_s = seconds(timeout, "MongoStore(timeout={!r})")
        self._url = url
        self._timeout_s = timeout_s
        self._names = (database, collection)
        self._given = client
        self._open: _Connection | None = None
        shown = "of a client" if client is not None else without_password(url)
        self._text = f"MongoStore({shown}, {database}.{collection})"

    def __repr__(self) -> str:
        return self._text

    async def setup(self) -> None:
        """Create the indexes; does nothing where they are there, and may run in parallel."""
        with self._asking("setup") as collections:
            await collections.durable.create_indexes(
                [
                    IndexModel("wake_at", sparse=True),
                    IndexModel("status", sparse=True),
                    # The server removes a document when this date has come.
                    IndexModel("forget_at", expireAfterSeconds=0),
                ]
            )

    async def close(self) -> None:
        """Close the connections, but not those of a client that was given."""
        connection, self._open = self._open, None
        if connection is not None and self._given is None:
            await connection.client.close()

    async def claim(self, chat_id: str, *, now: float, lease_s: float) -> Claim:
        """Read a conversation and take its lease, in one round trip."""
        token = new_token()
        update = taking(token, now, lease_s)
        found = None
        with self._asking("claim") as collections:
            for _ in range(_ATTEMPTS):
                try:
                    found = await collections.quick.find_one_and_update(
                        {"_id": chat_id}, update, upsert=True, return_document=ReturnDocument.AFTER
                    )
                except DuplicateKeyError:
                    continue
                except asyncio.CancelledError:
                    give_back(self._give_back(chat_id, token))
                    raise
                if found is not None:
                    break
        if found is None:
            # Each time, another claim was creating the document.
            raise busy(chat_id, now, now)
        if found["token"] != token:
            raise busy(chat_id, found["leased_until"], now)
        if not is_there(found, now):
            return Claim(chat_id, None, 0, token)
        return Claim(chat_id, found["body"], int(found["revision"]), token)

    async def commit(
        self,
        claim: Claim,
        body: bytes,
        *,
        now: float,
        status: str,
        wake_at: float | None = None,
        expires_at: float | None = None,
        hold_s: float | None = None,
    ) -> Claim:
        """Write a conversation if the claim still holds, in one round trip.

        Raises:
            StoreError: the body is longer than MongoDB allows, which is a little under 16 MiB.
        """
        check_length(claim.chat_id, body)
        token = new_token()
        document = committed(
            body,
            now,
            hold_s,
            revision=claim.revision + 1,
            status=status,
            wake_at=wake_at,
            expires_at=expires_at,
            token=token,
        )
        with self._asking("commit") as collections:
            written = await collections.durable.replace_one(
                {"_id": claim.chat_id, "token": claim.token}, document
            )
            # The client may have repeated a commit whose reply was lost: then its token is there.
            if not written.matched_count and not await collections.durable.find_one(
                {"_id": claim.chat_id, "token": token}, {"_id": True}
            ):
                raise conflict(claim)
        # Nobody is told the token of a commit that gave the lease back.
        kept = claim.token if hold_s is None else token
        return Claim(claim.chat_id, body, claim.revision + 1, kept)

    async def release(self, claim: Claim) -> None:
        """Give a lease back and write nothing; does nothing where the claim was lost."""
        held = {"_id": claim.chat_id, "token": claim.token}
        with self._asking("release") as collections:
            if claim.body is None:
                await collections.quick.delete_one(held)
            else:
                await collections.quick.update_one(
                    held, {"$unset": {"token": "", "leased_until": ""}}
                )

    async def _give_back(self, chat_id: str, token: str) -> None:
        """Release a claim of which it is not known whether it found a body."""
        await self.release(Claim(chat_id, b"", 0, token))
        empty = {"_id": chat_id, "token": {"$exists": False}, "body": {"$exists": False}}
        with self._asking("release") as collections:
            await collections.quick.delete_one(empty)

    async def load(self, chat_id: str, *, now: float) -> Stored | None:
        """Read a conversation without a claim; None where there is none."""
        with self._asking("load") as collections:
            found = await collections.durable.find_one({"_id": chat_id})
        return stored(found) if found is not None and is_there(found, now) else None

    async def due(self, *, now: float, limit: int) -> list[str]:
        """The chat ids whose time has come and that nobody holds a lease on, oldest first."""
        if limit < 1:
            return []  # for MongoDB, a limit of 0 is none
        wanted = {
            "wake_at": {"$lte": now},
            "$nor": [{"leased_until": {"$gt": now}}, {"expires_at": {"$lte": now}}],
        }
        with self._asking("due") as collections:
            cursor = collections.durable.find(wanted, {"_id": True}, sort={"wake_at": 1})
            return [found["_id"] for found in await cursor.limit(limit).to_list()]

    async def scan(self, status: str | None = None, *, now: float) -> AsyncIterator[Stored]:
        """Every conversation, or every one of a status, in no order, each once."""
        wanted: Document = {
            "status": {"$exists": True} if status is None else status,
            "$nor": [{"expires_at": {"$lte": now}}],
        }
        with self._asking("scan") as collections:
            async with collections.durable.find(wanted) as cursor:
                async for found in cursor:
                    yield stored(found)

    async def delete(self, chat_id: str) -> bool:
        """Forget a conversation, lease and all; says whether there was one."""
        with self._asking("delete") as collections:
            found = await collections.durable.find_one_and_delete(
                {"_id": chat_id}, {"revision": True}
            )
        return found is not None and "revision" in found

    @contextmanager
    def _asking(self, operation: str) -> Iterator[_Connection]:
        """The collections to ask; what pymongo raises becomes this library's errors."""
        try:
            yield self._connection()
        except OperationFailure as error:
            raise self._unavailable(
                operation,
                error,
                "The server was reached and refused. See what it says and whether the user has "
                "the rights, then try again with the same message_id.",
            ) from error
        except PyMongoError as error:
            raise self._unavailable(operation, error) from error

    def _connection(self) -> _Connection:
        if self._open is None:
            client = self._new_client() if self._given is None else self._given
            database, collection = self._names
            durable: AsyncCollection[Document] = client[database].get_collection(
                collection,
                codec_options=CodecOptions(),
                read_preference=ReadPreference.PRIMARY,
                write_concern=WriteConcern("majority", j=True),
            )
            quick = durable.with_options(write_concern=WriteConcern(1))
            self._open = _Connection(client, durable, quick)
        return self._open

    def _new_client(self) -> AsyncMongoClient[Document]:
        timeout_ms = max(int(self._timeout_s * 1_000), 1)  # 0 would be for ever
        try:
            return AsyncMongoClient(
                self._url,
                timeoutMS=timeout_ms,
                serverSelectionTimeoutMS=timeout_ms,
                connectTimeoutMS=timeout_ms,
            )
        except (ConfigurationError, ValueError):
            # What pymongo says of it may quote a part of the password.
            raise UsageError(
                "MongoStore cannot read its URL.",
                "pymongo refused it; it is not shown, as it may have a password in it.",
                "Write it like mongodb://user:password@host:27017/, and quote both user and "
                "password with urllib.parse.quote_plus.",
            ) from None

    def _unavailable(
        self, operation: str, error: PyMongoError, remedy: str | None = None
    ) -> StoreUnavailable:
        # pymongo goes on with its settings and all it knows of every server.
        reason = re.split(r" \(configured timeouts|, Topology Desc", reason_of(error))[0]
        return StoreUnavailable(self._text, operation, reason.rstrip("."), remedy)
