"""Stores by URL, as they are named on a command line or in a setting."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from dialogs.errors import UsageError
from dialogs.stores.base import Store

_FORMS = (
    "sqlite:///bot.db (sqlite:////srv/bot.db from the root), redis://HOST, rediss://HOST, "
    "postgresql://USER@HOST/DATABASE, mongodb://HOST/DATABASE, mongodb+srv://HOST/DATABASE, memory:"
)


def store_from_url(url: str) -> Store:
    """The store that a URL names; nothing is opened yet.

    Args:
        url: one of these forms, with user, password and options as the database's client takes
            them:

            - `sqlite:///bot.db`: a file, from the current folder; `sqlite:////srv/bot.db`: from
              the root;
            - `redis://`, `rediss://`, `unix://`: `RedisStore`;
            - `postgresql://`, `postgres://`: `PostgresStore`;
            - `mongodb://`, `mongodb+srv://`: `MongoStore`, in the database that is named as the
              path, or else in "dialogs";
            - `memory:`: conversations that end with the process.

    Raises:
        UsageError: it names no store, or one whose client is not installed.

    >>> store_from_url("sqlite:///bot.db")  # doctest: +ELLIPSIS
    SQLiteStore('bot.db')
    """
    scheme = url.partition(":")[0].lower()
    match scheme:
        case "memory":
            from dialogs.stores.memory import MemoryStore  # noqa: PLC0415 - only what is asked for

            return MemoryStore()
        case "sqlite":
            from dialogs.stores.sqlite import SQLiteStore  # noqa: PLC0415

            return SQLiteStore(_file_of(url))
        case "redis" | "rediss" | "unix":
            from dialogs.stores.redis import RedisStore  # noqa: PLC0415

            return RedisStore(url)
        case "postgresql" | "postgres":
            from dialogs.stores.postgres import PostgresStore  # noqa: PLC0415

            return PostgresStore(url)
        case "mongodb" | "mongodb+srv":
            from dialogs.stores.mongo import MongoStore  # noqa: PLC0415

            database = unquote(urlsplit(url).path.strip("/"))
            return MongoStore(url, database=database or "dialogs")
    # Not the URL: it may have a password in it.
    raise UsageError(
        f"A URL that begins with {scheme!r} names no store.",
        "The part before the first colon says which store it is.",
        f"Write one of: {_FORMS}.",
    )


def _file_of(url: str) -> Path:
    """The file of a SQLite URL."""
    _, slashes, path = url.partition(":///")
    if not slashes or not path:
        raise UsageError(
            f"{url!r} names no file.",
            "After sqlite: come three slashes and a path.",
            "Write sqlite:///bot.db for a file in the current folder, sqlite:////srv/bot.db for "
            "one from the root.",
        )
    return Path(path).expanduser()
