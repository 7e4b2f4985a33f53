"""The terminal as a channel: one person, one conversation, lines and late messages.

`talk` has what is said when; a terminal shows and reads: `plain` with nothing but lines, for pipes
and tests, and `full` with a prompt, above which late messages appear.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialogs.channels.console.channel import ConsoleChannel, console_id
from dialogs.channels.console.plain import PlainTerminal
from dialogs.channels.console.terminal import Terminal

if TYPE_CHECKING:
    from dialogs.channels.console.full import FullTerminal as FullTerminal

__all__ = ["ConsoleChannel", "FullTerminal", "PlainTerminal", "Terminal", "console_id"]


def __getattr__(name: str) -> Any:
    if name != "FullTerminal":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("dialogs.channels.console.full").FullTerminal
