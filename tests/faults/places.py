"""Where the conversations of a run are kept, as data that can be handed to another process."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dialogs import stores

PATIENCE_S = 120.0
"""How long anything may take on a busy machine before a run is given up, in seconds."""


@dataclass(frozen=True)
class Place:
    """A database and the part of it that one run uses.

    Args:
        kind: "sqlite", "redis", "postgres" or "mongo".
        where: the file, the URL or the DSN.
        name: what keeps the run apart from others in the same server.
        timeout_s: how long a round trip may take, in seconds; for SQLite, to wait for a lock.
    """

    kind: str
    where: str
    name: str
    timeout_s: float = PATIENCE_S

    def patiently(self) -> Place:
        """The same, where a store that is there may take its time."""
        return replace(self, timeout_s=PATIENCE_S)

    def beside(self) -> Place:
        """Another one in the same database."""
        where = f"{self.where}-2" if self.kind == "sqlite" else self.where
        return replace(self, where=where, name=f"{self.name}_2")

    def open(self) -> stores.Store:
        """A new store object on it."""
        match self.kind:
            case "sqlite":
                return stores.SQLiteStore(self.where, timeout=self.timeout_s)
            case "redis":
                return stores.RedisStore(self.where, prefix=self.name, timeout=self.timeout_s)
            case "postgres":
                return stores.PostgresStore(self.where, table=self.name, timeout=self.timeout_s)
            case "mongo":
                return stores.MongoStore(self.where, collection=self.name, timeout=self.timeout_s)
        raise ValueError(self.kind)
