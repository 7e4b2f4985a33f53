"""The restaurant's tables: ordinary code that blocks, as a database does."""

import contextlib
import sqlite3

from dialogs import step_key


class Tables:
    """Which tables are taken, in an SQLite file."""

    def __init__(self, path):
        self.path = path
        with self.connection() as tables:
            tables.execute("CREATE TABLE IF NOT EXISTS taken (step TEXT UNIQUE, guests INT)")

    @contextlib.contextmanager
    def connection(self):
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            yield connection

    def take(self, guests: int) -> int:
        """Take a table and return its number; the same one where the step is performed again."""
        with self.connection() as tables:
            tables.execute("INSERT OR IGNORE INTO taken VALUES (?, ?)", [step_key(), guests])
            found = tables.execute("SELECT rowid FROM taken WHERE step = ?", [step_key()])
            return int(found.fetchone()[0])
