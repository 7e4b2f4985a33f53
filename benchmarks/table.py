"""The rows, measured one after another and printed as one table."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Collection, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import benchmarks.collapsing
import benchmarks.floor
import benchmarks.nesting
import benchmarks.size
from benchmarks.measure import FULL, QUICK, Effort, Row, Rows

HEAD = ("what / against what", "turns", "value", "middle half", "target", "met", "time of each")
WIDTHS = (54, 5, 8, 15, 7, 3, 22)
GROUPS = ("engine", "workflows", "stores", "channels")
NO_PEER = "dialogs-framework is not installed here, so its rows are not measured: use `make bench`."


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table. Returns 0, whatever was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, and too rough to be believed")
    parser.add_argument("--no-peer", action="store_true", help="leave out dialogs-framework")
    parser.add_argument(
        "--only",
        type=groups,
        default=GROUPS,
        metavar="GROUPS",
        help=f"which rows, separated by commas: {', '.join(GROUPS)}",
    )
    options = parser.parse_args(arguments)
    print(f"CPython {platform.python_version()}, msgpack {version('msgpack')}")
    print(line(HEAD))
    print("  ".join("-" * width for width in WIDTHS))
    effort = QUICK if options.quick else FULL
    for row in measured(effort, only=options.only, peer=not options.no_peer):
        print(line(cells(row)), flush=True)
    return 0


def groups(text: str) -> list[str]:
    """The groups that were asked for."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"there are no rows {', '.join(map(repr, unknown))}, only: {', '.join(GROUPS)}"
        )
    return names


def measured(effort: Effort, *, only: Collection[str], peer: bool) -> Rows:
    """The rows of these groups, each as soon as it is measured."""
    if "engine" in only:
        yield from benchmarks.floor.rows(effort)
        if peer:
            yield from peer_rows(effort)
        yield from benchmarks.nesting.rows(effort)
        yield from benchmarks.collapsing.rows(effort)
        yield from benchmarks.size.rows(effort)
    for group in GROUPS[1:]:
        if group in only:
            yield from rows_of(group, effort)


def rows_of(group: str, effort: Effort) -> Rows:
    """The rows of a group that needs libraries which may be absent."""
    try:
        room = import_module(f"benchmarks.{group}")
    except ImportError as absent:
        print(f"The rows of {group} are not measured: {absent}. Use `make bench`.")
        return
    yield from room.rows(effort)


def peer_rows(effort: Effort) -> Rows:
    try:
        version("dialogs-framework")
    except PackageNotFoundError:
        print(NO_PEER)
        return
    from benchmarks import peer  # noqa: PLC0415 - a library that may be absent

    yield from peer.rows(effort)


def cells(row: Row) -> tuple[str, ...]:
    low, high = row.spread
    return (
        row.name,
        str(row.length),
        f"{row.value:.2f} {row.unit}",
        f"{low:.2f} - {high:.2f}" if len(row.values) > 1 else "",
        str(row.target or ""),
        "" if row.target is None else "yes" if row.target.met(row.value) else "no",
        "" if row.times is None else " / ".join(map(duration, row.times)),
    )


def duration(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e3:.0f} us" if nanoseconds < 1e6 else f"{nanoseconds / 1e6:.2f} ms"


def line(texts: Sequence[str]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, WIDTHS, strict=True)).rstrip()
