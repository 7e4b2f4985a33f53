"""What PostgreSQL runs for the store: one statement for one round trip.

A row's columns, NULL where there is no value:

| column       | holds                                                                      |
|--------------|----------------------------------------------------------------------------|
| chat_id      | whose conversation                                                         |
| body         | its bytes; NULL where it was claimed and never committed                   |
| revision     | how often it was committed                                                 |
| status       | the status that it was committed with                                      |
| wake_at      | when it is due, in UTC seconds                                             |
| expires_at   | when it is forgotten; without a body: when an abandoned claim is           |
| token        | names the claim that may write it                                          |
| leased_until | when the claim's lease runs out, in UTC seconds                            |

`(x > now) IS NOT TRUE` is how SQL says that x is not later than now, or NULL.

What a turn updates stays out of the indexes where it can: an update that changes no indexed column
touches no index, and leaves nothing for VACUUM. The free fifth of each page is for such updates.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dialogs.errors import UsageError

# Ends in index names that PostgreSQL would cut at 63 bytes.
_NAME = re.compile(r"(?:([A-Za-z_]\w{0,62})\.)?([A-Za-z_]\w{0,49})", re.ASCII)

# A lock of this name is held while a table is created: creating it twice at once fails, with or
# without IF NOT EXISTS. The number spells "dialogs".
_CREATION = int.from_bytes(b"dialogs", "big")

_CREATE = """
SELECT pg_advisory_xact_lock({creation});
CREATE TABLE IF NOT EXISTS {table} (
    chat_id      text COLLATE "C" PRIMARY KEY,
    body         bytea,
    revision     bigint NOT NULL DEFAULT 0,
    status       text COLLATE "C",
    wake_at      double precision,
    expires_at   double precision,
    token        text COLLATE "C",
    leased_until double precision
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS "{name}_due" ON {table} (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS "{name}_expiry" ON {table} (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS "{name}_status" ON {table} (status, chat_id);
"""

_EXISTS = "SELECT to_regclass(%(table)s) IS NOT NULL"

# A lease that a crash of the server forgets does no harm: its commit is refused. So nothing waits
# until it is on disk. That a held row is written too, unchanged, is what makes `Busy` one round
# trip, and exact however many claim at once.
_CLAIM = """
INSERT INTO {table} AS kept (chat_id, token, leased_until, expires_at)
SELECT %(chat_id)s, %(token)s, %(leased_until)s, %(abandoned_at)s
WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
ON CONFLICT (chat_id) DO UPDATE SET
    token = CASE WHEN {held} THEN kept.token ELSE EXCLUDED.token END,
    leased_until = CASE WHEN {held} THEN kept.leased_until ELSE EXCLUDED.leased_until END,
    body = CASE WHEN {gone} THEN NULL ELSE kept.body END,
    revision = CASE WHEN {gone} THEN 0 ELSE kept.revision END,
    expires_at = CASE WHEN {gone} THEN EXCLUDED.expires_at ELSE kept.expires_at END
RETURNING token = %(token)s, CASE WHEN token = %(token)s THEN body END, revision, leased_until
"""

_HELD = "kept.leased_until > %(now)s"
_GONE = f"kept.expires_at <= %(now)s AND ({_HELD}) IS NOT TRUE"

_COMMIT = """
UPDATE {table} SET
    body = %(body)s,
    revision = revision + 1,
    status = %(status)s,
    wake_at = %(wake_at)s,
    expires_at = %(expires_at)s,
    leased_until = %(leased_until)s,
    token = CASE WHEN %(leased_until)s::double precision IS NOT NULL THEN token END
WHERE chat_id = %(chat_id)s AND token = %(token)s AND revision = %(revision)s
RETURNING revision
"""

_RELEASE = """
WITH never_committed AS (
    DELETE FROM {table} WHERE chat_id = %(chat_id)s AND token = %(token)s AND body IS NULL
)
UPDATE {table} SET token = NULL, leased_until = NULL
WHERE chat_id = %(chat_id)s AND token = %(token)s AND body IS NOT NULL
RETURNING revision
"""

_STORED = "chat_id, body, revision, status, wake_at, expires_at"
_THERE = "body IS NOT NULL AND (expires_at <= %(now)s) IS NOT TRUE"

_LOAD = "SELECT {stored} FROM {table} WHERE chat_id = %(chat_id)s AND {there}"

_DUE = """
WITH expired AS (
    SELECT chat_id FROM {table}
    WHERE expires_at <= %(now)s AND (leased_until > %(now)s) IS NOT TRUE
    ORDER BY expires_at LIMIT %(removed)s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM {table} WHERE chat_id = ANY (ARRAY(SELECT chat_id FROM expired))
)
SELECT chat_id FROM {table}
WHERE wake_at <= %(now)s AND (leased_until > %(now)s) IS NOT TRUE AND {there}
ORDER BY wake_at LIMIT %(limit)s
"""

_SCAN = """
SELECT {stored} FROM {table}
WHERE chat_id >= %(start)s AND {there}
ORDER BY chat_id LIMIT %(limit)s
"""

_SCAN_STATUS = """
SELECT {stored} FROM {table}
WHERE status = %(status)s AND chat_id >= %(start)s AND {there}
ORDER BY chat_id LIMIT %(limit)s
"""

_DELETE = "DELETE FROM {table} WHERE chat_id = %(chat_id)s RETURNING body IS NOT NULL"


class Statements(NamedTuple):
    """The statements for one table, in bytes.

    Args:
        table: its name, quoted.
    """

    table: str
    exists: bytes
    create: bytes
    claim: bytes
    commit: bytes
    release: bytes
    load: bytes
    due: bytes
    scan: bytes
    scan_status: bytes
    delete: bytes


def statements(table: str) -> Statements:
    """The statements for a table.

    Args:
        table: its name, as `table` or `schema.table`. Letters keep their case.

    Raises:
        UsageError: the name has more in it than letters, digits and underscores, or is too long.
    """
    match = _NAME.fullmatch(table)
    if match is None:
        raise UsageError(
            f"PostgresStore cannot use the table name {table!r}.",
            "A name is made of ASCII letters, digits and underscores, at most 50, and may have a "
            "schema before it.",
            'Give another one: PostgresStore(dsn, table="my_schema.conversations").',
        )
    # Quoted, a name is never a word of SQL.
    quoted = ".".join(f'"{part}"' for part in match.groups() if part)
    words = {
        "table": quoted,
        "name": match[2],
        "creation": _CREATION,
        "held": _HELD,
        "gone": _GONE,
        "stored": _STORED,
        "there": _THERE,
    }
    texts = (_EXISTS, _CREATE, _CLAIM, _COMMIT, _RELEASE, _LOAD, _DUE, _SCAN, _SCAN_STATUS, _DELETE)
    return Statements(quoted, *(text.format_map(words).encode() for text in texts))
