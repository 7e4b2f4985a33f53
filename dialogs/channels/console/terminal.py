"""What a terminal does for a conversation: show, tell, and read lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Terminal(Protocol):
    """Where a conversation is shown, and lines are read.

    Attributes:
        interactive: whether a person sits there. Where none does, the conversation is left at its
            end and at the first error.
    """

    interactive: bool

    def show(self, message: Any) -> None:
        """Show what the dialog said, with its buttons as numbered options."""
        ...

    def tell(self, text: str) -> None:
        """Show what the channel itself has to say."""
        ...

    def recall(self, lines: Sequence[str]) -> None:
        """Offer what was typed before, oldest first."""
        ...

    async def read(self) -> str | None:
        """The next line, without its end; None: the person leaves."""
        ...
