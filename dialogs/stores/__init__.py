"""Stores: where conversations are kept. Each is one room; `base` says what all of them do.

A store is imported when it is asked for: nobody waits for the client of a database not used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialogs.stores.base import Claim, Store, Stored

if TYPE_CHECKING:
    from dialogs.stores.encrypted import Encrypted, Rotation
    from dialogs.stores.memory import MemoryStore
    from dialogs.stores.mongo import MongoStore
    from dialogs.stores.postgres import PostgresStore
    from dialogs.stores.redis import RedisStore
    from dialogs.stores.sqlite import SQLiteStore
    from dialogs.stores.urls import store_from_url

_ROOMS = {
    "Encrypted": "encrypted",
    "MemoryStore": "memory",
    "MongoStore": "mongo",
    "PostgresStore": "postgres",
    "RedisStore": "redis",
    "Rotation": "encrypted",
    "SQLiteStore": "sqlite",
    "store_from_url": "urls",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(import_module(f"dialogs.stores.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Claim",
    "Encrypted",
    "MemoryStore",
    "MongoStore",
    "PostgresStore",
    "RedisStore",
    "Rotation",
    "SQLiteStore",
    "Store",
    "Stored",
    "store_from_url",
]
