"""One turn: a conversation and an event in, the next conversation and what to say out.

Nothing is read, written or sent here. `take_turn` is a generator of effects, like the engine that
it runs (see `effects.py`): whoever drives it performs the steps. What it returns is all that is
to be kept, and an exception means that nothing is: the conversation before it still holds.

The order in which an event is tried: a message id seen before, a deadline that has passed, an
answer to an old prompt, the interrupts, an open digression, the conversation's own dialog.
"""

from __future__ import annotations

import traceback
from typing import Any

from dialogs.codec import encode, load
from dialogs.conversation import Conversation, Status
from dialogs.effects import Effects
from dialogs.events import Cancelled, Happening, Said, Signalled, Start, Turn, Woken
from dialogs.flow import Flow
from dialogs.progress import Progress
from dialogs.recorder import Response, Signal, TimedOut

SEEN = 32
"""How many message ids a conversation remembers, with their answers."""


def take_turn(
    before: Conversation,
    event: Happening,
    flow: Flow,
    *,
    chat_id: str,
    now: float,
    can_await: bool,
) -> Effects[tuple[Conversation, Turn]]:
    """Give a conversation an event.

    Args:
        before: the conversation.
        event: what happened.
        flow: what it runs.
        chat_id: whose it is; for errors and step keys.
        now: the time, in UTC seconds.
        can_await: whether whoever drives the effects may await.

    Returns:
        The next conversation, and the turn. It is `before` itself where nothing has changed.

    Raises:
        Exception: a dialog raised it, or a rule was broken. `before` still holds.
    """
    message_id = event.message_id if isinstance(event, Said | Signalled) else None
    if message_id is not None and message_id in before.seen:
        return before, _repeated(chat_id, before, before.seen[message_id])
    progress = Progress(before, flow, chat_id, now, can_await)
    stale = yield from _take(progress, event)
    yield from _give_kept(progress)
    if progress.conversation is not before:
        progress.change(
            status=progress.conversation.standing,
            error="",
            failures=0,
            retry_at=None,
            updated_at=now,
        )
    after = progress.conversation
    turn = Turn(
        chat_id,
        progress.messages,
        after.status,
        after.result,
        after.prompt,
        stale=stale,
        wake_at=after.deadline,
    )
    if message_id is not None and not stale:
        progress.change(seen=_remember(after.seen, message_id, turn))
    return progress.conversation, turn


def failed(before: Conversation, error: BaseException, apology: Any, *, now: float) -> Conversation:
    """The conversation after a turn that raised an exception: as it was, but for the error.

    Args:
        before: the conversation.
        error: the exception.
        apology: what is put into the outbox to be said; None: nothing.
        now: the time, in UTC seconds.
    """
    failures = before.failures + 1
    said = [] if apology is None else [(before.serial + 1, apology)]
    return before.replace(
        status=Status.ERROR,
        serial=before.serial + len(said),
        outbox=before.outbox + said,
        error="".join(traceback.format_exception(error)),
        failures=failures,
        retry_at=now + backoff(failures),
        updated_at=now,
    )


def backoff(failures: int) -> float:
    """How long to wait before trying again, in seconds: longer each time, an hour at most."""
    return float(min(5 * 2 ** min(failures - 1, 20), 3600))


# --- events -----------------------------------------------------------------------------------


def _take(progress: Progress, event: Happening) -> Effects[bool]:
    """Let an event happen; whether it is stale."""
    conversation = progress.conversation
    match event:
        case Said():
            yield from _expire(progress)
            return (yield from _hear(progress, event))
        case Signalled():
            yield from _expire(progress)
            return _keep_signal(progress, event)
        case Woken() if progress.now >= (conversation.retry_at or progress.now):
            yield from _expire(progress)
        case Start() if not conversation.is_open:
            yield from progress.begin(None)
        case Cancelled() if conversation.is_open:
            progress.end(Status.CANCELLED)
    return False


def _expire(progress: Progress) -> Effects[None]:
    """Fire the deadline that has passed, whether or not a timer came to it."""
    wait, aside = progress.conversation.pending, progress.conversation.digression
    if wait is not None and wait.is_past(progress.now):
        yield from progress.advance_main(TimedOut())
    elif aside is not None and aside.pending.is_past(progress.now):
        yield from progress.advance_digression(aside, TimedOut())


def _hear(progress: Progress, said: Said) -> Effects[bool]:
    """Let the client say something; whether it is stale."""
    conversation = progress.conversation
    if said.in_reply_to is not None and said.in_reply_to != conversation.prompt:
        return True
    message = said.message
    interrupt = progress.flow.interrupt(message)
    if interrupt is not None:
        yield from progress.digress(interrupt, message)
    elif conversation.asking is not None:
        yield from progress.advance(Response(message))
    elif conversation.is_open:
        progress.change(inbox=[*conversation.inbox, message])
    elif progress.flow.restarts or not conversation.status.is_over:
        yield from progress.begin(message)
    return False


def _keep_signal(progress: Progress, signal: Signalled) -> bool:
    """Keep a signal for who waits for it, now or later; whether it is stale."""
    if progress.conversation.status.is_over:
        return True
    kept = progress.conversation.signals
    progress.change(signals=[*kept, (signal.name, signal.payload)])
    return False


# --- what was kept ----------------------------------------------------------------------------


def _give_kept(progress: Progress) -> Effects[None]:
    """Give the open waits what came too early for them."""
    while True:
        conversation = progress.conversation
        if conversation.inbox and (conversation.asking is not None or not conversation.is_open):
            message, *rest = conversation.inbox
            progress.change(inbox=rest)
            if conversation.asking is not None:
                yield from progress.advance(Response(message))
            elif progress.flow.restarts:
                yield from progress.begin(message)
        elif not (yield from _give_signal(progress)):
            return


def _give_signal(progress: Progress) -> Effects[bool]:
    """Give the first kept signal that is waited for; whether there was one."""
    conversation = progress.conversation
    aside, wait = conversation.digression, conversation.pending
    for at, (name, payload) in enumerate(conversation.signals):
        rest = conversation.signals[:at] + conversation.signals[at + 1 :]
        if aside is not None and aside.pending.is_for_signal(name):
            progress.change(signals=rest)
            yield from progress.advance_digression(aside, Signal(payload))
            return True
        if wait is not None and wait.is_for_signal(name):
            progress.change(signals=rest)
            yield from progress.advance_main(Signal(payload))
            return True
    return False


# --- message ids ------------------------------------------------------------------------------


def _repeated(chat_id: str, conversation: Conversation, reply: bytes) -> Turn:
    """The turn of a message id that was seen before, as it was answered then."""
    messages, status, result, prompt = load(reply)
    return Turn(
        chat_id,
        messages,
        Status(status),
        result,
        prompt,
        duplicate=True,
        wake_at=conversation.deadline,
    )


def _remember(seen: dict[str, bytes], message_id: str, turn: Turn) -> dict[str, bytes]:
    """The window of message ids, with this one's answer as its last."""
    reply = encode([turn.messages, turn.status.value, turn.result, turn.prompt])
    window = [*seen.items(), (message_id, reply)]
    return dict(window[-SEEN:])
