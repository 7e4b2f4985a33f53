"""A conversation that is open in a terminal: greeting or going on, lines in, messages out.

The messages come through the orchestrator's sender, also those that answer a line: a timeout's are
shown by the same way while the prompt is open.
"""

from __future__ import annotations

import asyncio
import math
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeGuard
from uuid import uuid4

import dialogs
from dialogs.channels.console.terminal import Terminal
from dialogs.channels.showing import meant
from dialogs.conversation import Conversation
from dialogs.errors import Busy, DialogsError, LogError, StoreError
from dialogs.events import Turn
from dialogs.orchestrator import Orchestrator
from dialogs.standing import Pending

_LIBRARY = str(Path(dialogs.__file__).parent)
_LONGEST_RESULT = 300
"""How much of a result is told, in characters."""


class Talk:
    """A conversation that is open in a terminal.

    Args:
        orchestrator: has the conversation.
        chat_id: whose it is.
        terminal: where it is shown.
    """

    def __init__(self, orchestrator: Orchestrator, chat_id: str, terminal: Terminal) -> None:
        self._orchestrator = orchestrator
        self._chat_id = chat_id
        self._terminal = terminal
        self._shown: set[str] = set()
        self._is_over = False
        self._is_awaited = False
        """Whether the person knows that what they say next begins it."""
        self._failed = False

    def show(self, message: Any, delivery_id: str) -> None:
        """Show a message, unless it was shown here before."""
        if delivery_id not in self._shown:
            self._shown.add(delivery_id)
            self._terminal.show(message)

    async def run(self) -> bool:
        """Converse until the person leaves. See `ConsoleChannel.converse`."""
        conversation = await self._load()
        if conversation is not None:
            said = [entry.message for entry in conversation.history if entry.by_client]
            self._terminal.recall([line for line in said if isinstance(line, str)])
            self._show_unsent(conversation)
        if _is_under_way(conversation):
            self._go_on(conversation)
        else:
            await self._begin()
        while self._terminal.interactive or not (self._is_over or self._failed):
            line = await self._terminal.read()
            if line is None:
                break
            try:
                await self._hear(line)
            except (StoreError, LogError) as error:
                self._fail(error)
        return not self._failed or self._terminal.interactive

    # --- beginning and going on ---------------------------------------------------------------

    def _show_unsent(self, conversation: Conversation) -> None:
        """Show what a crash kept from being shown; when it is sent, it is known."""
        for number, message in conversation.outbox:
            self.show(message, f"{self._chat_id}/{number}")

    def _go_on(self, conversation: Conversation) -> None:
        """Say where the conversation stands."""
        if conversation.error:
            last = conversation.error.strip().rpartition("\n")[2]
            self._terminal.tell(f"The last turn failed, and was undone: {last}")
        asking = conversation.asking
        unsent = {f"{self._chat_id}/{number}" for number, _ in conversation.outbox}
        if asking is None:
            self._terminal.tell(f"Nothing is asked now. It waits: {conversation.waiting}.")
        elif not self._ids(asking) & unsent:
            for message in asking.messages:
                self._terminal.show(message)
            self._shown.update(self._ids(asking))

    async def _begin(self) -> None:
        if self._orchestrator.takes_opening:
            self._terminal.tell("It begins with what you say.")
            self._is_awaited = True
        else:
            await self._happen(lambda: self._orchestrator.start(self._chat_id))

    # --- lines --------------------------------------------------------------------------------

    async def _hear(self, line: str) -> None:
        conversation = await self._load()
        if not _is_under_way(conversation):
            await self._hear_after_the_end(line, conversation)
            return
        asking = conversation.asking
        if asking is None:
            self._terminal.tell(
                "Nothing is asked now; what you said is kept for the next question."
            )
            await self._say(line, None)
            return
        if asking.said and self._shown.isdisjoint(self._ids(asking)):
            self._refuse(conversation)  # it was asked elsewhere: they have not seen it
            return
        # It answers this question and no later one.
        turn = await self._say(meant(line, asking.messages), conversation.prompt)
        if turn is not None and turn.stale:
            self._refuse(await self._load())

    def _refuse(self, conversation: Conversation | None) -> None:
        """Tell that a line was for an old question, and ask the new one."""
        self._terminal.tell("That question is over.")
        if _is_under_way(conversation):
            self._go_on(conversation)

    def _ids(self, asking: Pending) -> set[str]:
        """The delivery ids of what was said with a question."""
        return {f"{self._chat_id}/{number}" for number in asking.said}

    async def _hear_after_the_end(self, line: str, conversation: Conversation | None) -> None:
        if not self._is_awaited and conversation is not None and conversation.status.is_over:
            self._end(conversation.status, conversation.result)  # it ended while they typed
        elif self._orchestrator.takes_opening:
            await self._say(line, None)
        else:
            await self._begin()

    async def _say(self, answer: Any, prompt: str | None) -> Turn | None:
        message_id = uuid4().hex
        return await self._happen(
            lambda: self._orchestrator.handle_message(
                self._chat_id, answer, message_id=message_id, in_reply_to=prompt
            )
        )

    async def _happen(self, event: Callable[[], Awaitable[Turn]]) -> Turn | None:
        """Let an event happen, and tell what is to be known of it; None where it failed."""
        self._is_over = self._is_awaited = False
        try:
            turn = await self._patiently(event)
        except Exception as error:  # noqa: BLE001 - whatever the dialog raised is shown
            self._fail(error)
            return None
        if turn.status.is_over:
            self._end(turn.status, turn.result)
        return turn

    async def _patiently(self, event: Callable[[], Awaitable[Turn]]) -> Turn:
        """Let an event happen, once nobody else holds the conversation."""
        told = False
        while True:
            try:
                return await event()
            except Busy as error:
                if not told:
                    self._terminal.tell(
                        "Another process holds this conversation, for "
                        f"{math.ceil(error.retry_after_s)} more second(s) at most. Waiting for it."
                    )
                    told = True
                await asyncio.sleep(min(max(error.retry_after_s, 0.05), 1.0))

    # --- what the channel tells ---------------------------------------------------------------

    def _end(self, status: str, result: Any) -> None:
        self._is_over = self._is_awaited = True
        words = f"The conversation is over: {status}."
        if result is not None:
            words += f" Result: {repr(result)[:_LONGEST_RESULT]}"
        if self._terminal.interactive:
            again = "What you say next" if self._orchestrator.takes_opening else "Enter"
            words += f"\n{again} begins again; Ctrl-D leaves."
        self._terminal.tell(words)

    def _fail(self, error: Exception) -> None:
        self._failed = True
        if isinstance(error, DialogsError):
            self._terminal.tell(f"{error}")
        else:
            self._terminal.tell(f"{type(error).__name__}: {error}{_place_of(error)}")
        if not isinstance(error, StoreError):
            self._terminal.tell("This turn was undone. Say it again, or something else.")

    async def _load(self) -> Conversation | None:
        return await self._orchestrator.conversation(self._chat_id)


def _is_under_way(conversation: Conversation | None) -> TypeGuard[Conversation]:
    """Whether a run, or a digression after its end, is open."""
    return conversation is not None and (
        conversation.is_open or conversation.digression is not None
    )


def _place_of(error: Exception) -> str:
    """Where an exception was raised in code of the author's, for people."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_LIBRARY)]
    if not theirs:
        return ""
    return f" ({Path(theirs[-1].filename).name}:{theirs[-1].lineno} in {theirs[-1].name})"
