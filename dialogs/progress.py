"""Runs the dialogs of one turn: the conversation's own, and digressions beside it.

`Progress` is a conversation under way: every method makes the next conversation of it. Which of
them an event calls is decided in `turn.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dialogs.codec import copied
from dialogs.conversation import Conversation
from dialogs.dialog import Dialog
from dialogs.effects import Effects
from dialogs.events import words_of
from dialogs.flow import Flow, Interrupt
from dialogs.recorder import Event
from dialogs.resume import Outcome, fits, resume
from dialogs.standing import Digression, Entry, Pending, Status

SAID = 64
"""How many of its messages' numbers a prompt remembers."""


class Progress:
    """A conversation under way.

    Args:
        conversation: as it was before.
        flow: what it runs.
        chat_id: whose it is, for errors and step keys.
        now: the time, in UTC seconds.
        sends: whether what is said is kept until a sender has sent it.
        can_await: whether whoever drives the effects may await.

    Attributes:
        before: as it was before; stays as it was.
        conversation: as it is by now: the same object where nothing has changed.
        messages: what was said so far.
        newest: what this event added to what is kept for later waits, if anything.
        refused: whether the event is a message that came too early, and is not to be kept.
    """

    def __init__(
        self,
        conversation: Conversation,
        flow: Flow,
        chat_id: str,
        *,
        now: float,
        sends: bool,
        can_await: bool,
    ) -> None:
        self.before = self.conversation = conversation
        self.flow = flow
        self.chat_id = chat_id
        self.now = now
        self.sends = sends
        self.can_await = can_await
        self.messages: list[Any] = []
        self.newest: list[Any] = []
        self.refused = False

    def keep(self, what: Any, *, signal: bool = False) -> None:
        """Keep a message, or a signal, for who waits for it later."""
        self.newest = [what]
        if signal:
            self.change(signals=[*self.conversation.signals, what])
        else:
            self.change(inbox=[*self.conversation.inbox, what])

    @property
    def has_kept(self) -> bool:
        """Whether what this event added is still kept: nobody has taken it."""
        if not self.newest:
            return False
        kept = [*self.conversation.inbox[-1:], *self.conversation.signals]
        return any(one is self.newest[0] for one in kept)

    def change(self, **changes: Any) -> None:
        """Give fields of the conversation other values."""
        if self.conversation is self.before:
            self.conversation = self.before.replace()
        for name, value in changes.items():
            setattr(self.conversation, name, value)

    # --- the conversation's own dialog --------------------------------------------------------

    def begin(self, opening: Any, root: str) -> Effects[None]:
        """Begin the next run, of the root with this name."""
        self.change(
            root=root,
            ended=None,
            run=self.conversation.run + 1,
            opening=opening,
            log=None,
            result=None,
            opened_at=self.now,
        )
        yield from self.advance_main(None)

    def advance(self, event: Event) -> Effects[None]:
        """Give an event to what waits for it: the digression, or the conversation's dialog."""
        aside = self.conversation.digression
        if aside is not None:
            yield from self.advance_digression(aside, event)
        else:
            yield from self.advance_main(event)

    def advance_main(self, event: Event | None) -> Effects[None]:
        """Give the conversation's dialog an event; None begins it."""
        conversation = self.conversation
        outcome = yield from resume(
            conversation.log,
            self.flow.root(conversation.root)(copied(conversation.opening)),
            self.flow.fallback,
            event,
            can_await=self.can_await,
            conversation=f"{self.chat_id}/{conversation.run}",
            chat_id=self.chat_id,
        )
        pending = self._said(outcome)
        # The last question asked is the one that is answered: a digression ends here.
        self.change(log=outcome.log, digression=None, pending=pending)
        if outcome.done:
            self.end(Status.COMPLETED, outcome.result)
        elif outcome.timed_out:
            self.end(Status.TIMED_OUT)
            message = words_of(self.flow.on_timeout, "the message of on_timeout=", self.chat_id)
            if message is not None:
                self.say([message])

    def end(self, ended: Status, result: Any = None) -> None:
        """End the run, and what was open beside it."""
        if ended is Status.CANCELLED:
            self.change(inbox=[])  # what was said before belongs to what was cancelled
        self.change(ended=ended, log=None, pending=None, digression=None, signals=[], result=result)

    # --- digressions --------------------------------------------------------------------------

    def digress(self, interrupt: Interrupt, message: Any) -> Effects[None]:
        """Do what an interrupt does, in place of a digression that is open."""
        self.change(digression=None, digressions=self.conversation.digressions + 1)
        if interrupt.dialog is None:
            self._close(interrupt.cancel)
            return
        yield from self._run_digression(
            interrupt.call(copied(message)),
            None,
            None,
            opening=message,
            cancel=interrupt.cancel,
            key=f"{self.conversation.run}/{self.conversation.digressions}",
        )

    def advance_digression(self, aside: Digression, event: Event) -> Effects[None]:
        """Give an open digression an event; it ends where its interrupt is gone."""
        call = self.flow.digression(aside.dialog, copied(aside.opening))
        if call is None:
            self._close(aside.cancel)
            return
        yield from self._run_digression(
            call, aside.log, event, opening=aside.opening, cancel=aside.cancel, key=aside.key
        )

    def _run_digression(
        self,
        call: Dialog[Any],
        log: bytes | None,
        event: Event | None,
        *,
        opening: Any,
        cancel: bool,
        key: str,
    ) -> Effects[None]:
        outcome = yield from resume(
            log,
            call,
            None,
            event,
            can_await=self.can_await,
            conversation=f"{self.chat_id}/{key}",
            chat_id=self.chat_id,
        )
        pending = self._said(outcome)
        if pending is None:
            self._close(cancel)
            return
        aside = Digression(call.name, opening, cancel, key, outcome.log, pending)
        self.change(digression=aside)

    def _close(self, cancel: bool) -> None:
        """End a digression, and go back to the pending prompt."""
        self.change(digression=None)
        pending = self.conversation.pending
        if cancel and self.conversation.is_open:
            self.end(Status.CANCELLED)
        elif pending is not None and pending.for_client:
            said = [*pending.said, *self.say(pending.messages)]
            self.change(pending=replace(pending, said=said[-SAID:]))

    # --- words --------------------------------------------------------------------------------

    def say(self, messages: list[Any]) -> list[int]:
        """Give messages their numbers, and keep them where a sender has to send them."""
        numbers = [self._number(message, by_client=False) for message in messages]
        if self.sends and messages:
            new = [list(pair) for pair in zip(numbers, messages, strict=True)]
            self.change(outbox=self.conversation.outbox + new, resend_at=None)
        self.messages += messages
        return numbers

    def hear(self, message: Any) -> None:
        """Give a message of the client its number."""
        self._number(message, by_client=True)

    def _number(self, message: Any, *, by_client: bool) -> int:
        number = self.conversation.serial + 1
        self.change(serial=number)
        if self.flow.history:
            kept = [*self.conversation.history, Entry(number, by_client, self.now, message)]
            self.change(history=kept[-self.flow.history :])
        return number

    def _said(self, outcome: Outcome) -> Pending | None:
        """Say what a dialog said; returns what it waits for now."""
        said = self.say(outcome.messages)
        wait = outcome.waiting
        if wait is None:
            return None
        self.change(serial=self.conversation.serial + 1)
        deadline = None if wait.timeout_s is None else self.now + wait.timeout_s
        number, place = self.conversation.serial, outcome.trail
        return Pending(wait.key, number, place, deadline, said[-SAID:], outcome.messages)


def goes_on(conversation: Conversation, flow: Flow, chat_id: str) -> Effects[bool]:
    """Replay an open conversation with this code, and perform nothing new.

    Returns:
        Whether it goes on where it waits; if not, it, or what is open beside it, starts anew or
        ends, as the code declares.

    Raises:
        Exception: the code does not fit.
    """
    going_on, aside = True, conversation.digression
    if conversation.log is not None:
        call = flow.root(conversation.root)(copied(conversation.opening))
        going_on = yield from fits(conversation.log, call, flow.fallback, conversation=chat_id)
    if aside is not None:
        beside = flow.digression(aside.dialog, copied(aside.opening))
        if beside is None or not (yield from fits(aside.log, beside, None, conversation=chat_id)):
            return False
    return going_on
