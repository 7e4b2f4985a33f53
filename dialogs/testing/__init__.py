"""The test kit: converse with a dialog in a test, and let hypothesis do the talking.

`DialogTester` says and expects, goes through bytes between any two messages, and takes each turn
both synchronously and asynchronously. `StoreSuite` and `ChannelSuite` test a store and a channel of
your own. The strategies need hypothesis and the suites pytest, which are imported when the first
of them is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialogs.testing.outside import FakeClock
from dialogs.testing.strategies import crash_points, hashables, texts, values
from dialogs.testing.tester import DialogTester

if TYPE_CHECKING:
    from dialogs.testing.channel_suite import ChannelSuite, Person
    from dialogs.testing.store_suite import StoreSuite

__all__ = [
    "ChannelSuite",
    "DialogTester",
    "FakeClock",
    "Person",
    "StoreSuite",
    "crash_points",
    "hashables",
    "texts",
    "values",
]


# They need pytest.
_LATER = {"ChannelSuite": "channel_suite", "Person": "channel_suite", "StoreSuite": "store_suite"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"dialogs.testing.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
