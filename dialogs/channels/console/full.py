"""A terminal that a person sits at: a prompt with a memory, above which late messages appear."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from dialogs.channels.console.plain import harmless
from dialogs.channels.showing import attachments_of, buttons_of, text_of
from dialogs.errors import missing_extra

try:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.patch_stdout import patch_stdout
    from rich.console import Console
    from rich.text import Text
except ImportError:
    raise missing_extra("FullTerminal", "rich and prompt_toolkit", "cli") from None


class FullTerminal:
    """Shows messages with rich, reads lines with prompt_toolkit.

    Args:
        console: where messages are shown; stdout where it is None.
        session: reads the lines; a new one where it is None.
    """

    interactive = True

    def __init__(
        self, console: Console | None = None, session: PromptSession[str] | None = None
    ) -> None:
        self._console = console or Console(highlight=False)
        self._history = InMemoryHistory()
        self._session: PromptSession[str] = session or PromptSession(history=self._history)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """For as long as it is in use: what is shown appears above the open prompt."""
        with patch_stdout(raw=True):
            yield

    def show(self, message: Any) -> None:
        """Show a message: its text, its files, its buttons with their numbers."""
        shown = Text(harmless(text_of(message)))
        for file in attachments_of(message):
            shown.append(f"\n  [{harmless(file.name)}]", style="bold")
            shown.append(f" {harmless(file.url)}" if file.url else "")
        for number, button in enumerate(buttons_of(message), 1):
            shown.append(f"\n  {number}.", style="bold")
            shown.append(f" {harmless(button.label)}")
        self._print(shown)

    def tell(self, text: str) -> None:
        """Show the channel's own words, which stand back."""
        self._print(Text(harmless(text), style="dim"))

    def recall(self, lines: Sequence[str]) -> None:
        """Offer earlier lines to the up key."""
        for line in lines:
            self._history.append_string(line)

    async def read(self) -> str | None:
        """The next line; None after Ctrl-C and Ctrl-D."""
        try:
            return await self._session.prompt_async("> ")
        except (EOFError, KeyboardInterrupt):
            return None

    def _print(self, text: Text) -> None:
        # Markup, links and emoji codes in a message mean nothing: it is a Text already.
        self._console.print(text, overflow="fold")
