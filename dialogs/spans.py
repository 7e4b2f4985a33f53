"""Lengths of time, as callers give them: seconds, or a timedelta."""

from __future__ import annotations

from datetime import timedelta

from dialogs.errors import UsageError

Span = float | timedelta
"""A length of time: seconds, or a timedelta."""


def seconds(span: Span, what: str) -> float:
    """A length of time in seconds.

    Args:
        span: seconds, or a timedelta.
        what: what it was given to, with {!r} in its place, for the error.

    Raises:
        UsageError: it is no time above zero, or longer than a century.
    """
    try:
        value = span.total_seconds() if isinstance(span, timedelta) else float(span)
    except (TypeError, ValueError, OverflowError):
        value = 0.0
    if not 0 < value < _CENTURY_S:
        raise UsageError(
            f"{what.format(span)} is no length of time.",
            "It is a time above zero and below a century, in seconds or as a timedelta.",
            "Give such a time; where None is allowed, it means no limit.",
        )
    return value


_CENTURY_S = 100 * 365.25 * 86_400
