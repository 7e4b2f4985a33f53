"""`python -m tests.faults`: every fault on every store, and a table of figures."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.faults.longrun import KINDS, Ground, Row, run_for, server_of
from tests.faults.nursery import Nursery

HEAD = (
    f"{'store':9} {'fault':30} {'runs':>4} {'convs':>6} {'kills':>5} {'turns':>7} {'retries':>7} "
    f"{'known':>6} {'done+':>5} {'sent+':>5} {'slowest':>7} {'took':>5}  {'wrong':5}  note"
)
LEGEND = """
kills    processes killed (kill -9) or stopped
retries  messages given again, since their worker was lost or raised an error
known    answers to a message id that was seen before
done+    effects done once more, under the same step key
sent+    messages sent once more, under the same delivery id
slowest  seconds from the loss of a worker to the answer to what it had; a lease is 1 s
took     seconds, all runs together
wrong    broken promises"""


def _line(row: Row) -> str:
    of = row.figures
    slowest = f"{of.slowest_s:.2f}" if of.slowest_s else ""
    return (
        f"{row.store:9} {row.fault:30} {row.runs:4} {of.conversations:6} {of.kills:5} "
        f"{of.turns:7} {of.retries:7} {of.duplicates:6} {of.done_again:5} {of.sent_again:5} "
        f"{slowest:>7} {row.took_s:5.0f}  {len(row.found) or 'none':5}  {row.note}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def _run_store(kind: str, folder: Path, options: argparse.Namespace, until: float) -> bool:
    """Run a store's faults; whether nothing was wrong."""
    rows: dict[str, Row] = {}
    nursery = Nursery(folder / "workers.log")
    try:
        with server_of(kind, folder / "server") as server:
            ground = Ground(kind, server, folder, nursery, options.slack)
            async for row in run_for(ground, seed=options.seed, until=until):
                if row.fault in rows or row.found:
                    _say(f"  {kind}: {row.fault}, run {row.runs}: {row.found[:5] or 'nothing'}")
                rows[row.fault] = row
    except pytest.skip.Exception as skipped:
        _say(f"{kind:9} skipped: {skipped}")
    finally:
        nursery.close()
    for row in rows.values():
        _say(_line(row))
    return not any(row.found for row in rows.values())


def main() -> int:
    """Run what the command line asks for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, about (10)")
    parser.add_argument("--store", action="append", choices=KINDS, help="which store (all)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first seed")
    parser.add_argument(
        "--slack", type=float, default=1.0, help="seconds that this machine may be slow (1)"
    )
    options = parser.parse_args()
    # What workers and timers could not do is what this is about; it is not news.
    logging.getLogger("dialogs").setLevel(logging.CRITICAL)
    kinds = options.store or list(KINDS)
    _say(f"seed {options.seed}\n{HEAD}")
    good = True
    each_s = 60 * options.minutes / len(kinds)
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="dialogs-faults-") as folder:
            until = time.monotonic() + each_s
            good &= asyncio.run(_run_store(kind, Path(folder), options, until))
    _say(LEGEND)
    _say("\nEvery promise was kept." if good else "\nA promise was broken.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
