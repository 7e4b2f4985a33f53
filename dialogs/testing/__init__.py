"""The test kit: converse with a dialog in a test, and let hypothesis do the talking.

`DialogTester` says and expects, goes through bytes between any two messages, and takes each turn
both synchronously and asynchronously. `StoreSuite` tests a store of your own. The strategies need
hypothesis and the suite pytest, which are imported when the first of them is used.
"""

from typing import TYPE_CHECKING, Any

from dialogs.testing.outside import FakeClock
from dialogs.testing.strategies import crash_points, hashables, texts, values
from dialogs.testing.tester import DialogTester

if TYPE_CHECKING:
    from dialogs.testing.store_suite import StoreSuite as StoreSuite

__all__ = [
    "DialogTester",
    "FakeClock",
    "StoreSuite",
    "crash_points",
    "hashables",
    "texts",
    "values",
]


def __getattr__(name: str) -> Any:
    if name != "StoreSuite":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dialogs.testing.store_suite import StoreSuite  # noqa: PLC0415 - it needs pytest

    return StoreSuite
