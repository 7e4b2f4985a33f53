"""Values kept by one run and found by a later one."""

from collections.abc import Iterator
from typing import Any

from dialogs import (
    InMemoryPersistence,
    call,
    dialog,
    get_client_response,
    run_gen_dialog,
)


@dialog
def keeps(make: Any) -> Iterator[Any]:
    value = yield call(make)
    yield get_client_response()
    return value


def log_with(value: Any) -> bytes:
    """A log in which a step's answer is this value."""
    kept = InMemoryPersistence()
    run_gen_dialog(keeps(lambda: value), kept, "")
    assert kept.log is not None
    return kept.log


def read(log: bytes) -> Any:
    """What a later turn finds in that log."""
    return run_gen_dialog(keeps(lambda: None), InMemoryPersistence(log), "").return_value


def round_trip(value: Any) -> Any:
    copy = read(log_with(value))
    assert type(copy) is type(value)
    return copy
