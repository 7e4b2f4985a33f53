"""Conversations in PostgreSQL, one row each."""

from dialogs.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
