"""The test kit: converse with a dialog in a test, and let hypothesis do the talking.

`DialogTester` says and expects, goes through bytes between any two messages, and takes each turn
both synchronously and asynchronously. The strategies need hypothesis, which is imported when the
first of them is called.
"""

from dialogs.testing.outside import FakeClock
from dialogs.testing.strategies import crash_points, hashables, texts, values
from dialogs.testing.tester import DialogTester

__all__ = ["DialogTester", "FakeClock", "crash_points", "hashables", "texts", "values"]
