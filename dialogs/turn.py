"""One turn: a conversation and an event in, the next conversation and what to say out.

Nothing is read, written or sent here. `take_turn` is a generator of effects, like the engine that
it runs (see `effects.py`): whoever drives it performs the steps. What it returns is all that is
to be kept, and an exception means that nothing is: the conversation before it still holds.

The order in which a message is tried: an id that was seen before, a deadline that has passed and
what was said before it (unless the message calls an interrupt), an answer to an old prompt, the
interrupts, an open digression, the conversation's own dialog.
"""

from __future__ import annotations

import traceback
from typing import Any

from dialogs.codec import encode, load
from dialogs.conversation import Conversation
from dialogs.effects import Effects
from dialogs.errors import InboxFull
from dialogs.events import Cancelled, Happening, Said, Signalled, Start, Told, Turn, Woken
from dialogs.flow import Flow
from dialogs.progress import Progress
from dialogs.recorder import Response, Signal, TimedOut
from dialogs.standing import Entry, Status

SEEN = 32
"""How many message ids a conversation remembers, with their answers."""

KEPT = 1000
"""How many messages, and how many signals, are kept while nothing waits for them."""

FIRST_RETRY_S, LAST_RETRY_S = 5.0, 3600.0
"""How soon, and how late, what failed is tried again by itself."""

LONGEST_ERROR = 10_000
"""How much of a traceback is kept, in characters; its end says most."""


def take_turn(
    before: Conversation,
    event: Happening,
    flow: Flow,
    *,
    chat_id: str,
    now: float,
    sends: bool = False,
    can_await: bool,
) -> Effects[tuple[Conversation, Turn]]:
    """Give a conversation an event.

    Args:
        before: the conversation.
        event: what happened.
        flow: what it runs.
        chat_id: whose it is; for errors and step keys.
        now: the time, in UTC seconds.
        sends: whether what is said is put into the outbox, for a sender.
        can_await: whether whoever drives the effects may await.

    Returns:
        The next conversation, and the turn. It is `before` itself where nothing has changed.

    Raises:
        Exception: a dialog raised it, or a rule was broken. `before` still holds.
    """
    message_id = _id_of(event)
    if message_id is not None and message_id in before.seen:
        return before, _repeated(chat_id, before, before.seen[message_id])
    progress = Progress(before, flow, chat_id, now=now, sends=sends, can_await=can_await)
    stale = yield from _take(progress, event)
    yield from _give_kept(progress)
    # What the host says runs nothing, and so repairs nothing: what failed is tried again in time.
    if progress.conversation is not before and not (before.error and isinstance(event, Told)):
        progress.change(error="", failures=0, retry_at=None, updated_at=now)
    after = progress.conversation
    turn = Turn(
        chat_id,
        progress.messages,
        after.status,
        after.result,
        after.prompt,
        kept=progress.has_kept,
        stale=stale,
        wake_at=after.deadline,
    )
    # One that was refused is remembered, too: its retry may come when something waits for it.
    if message_id is not None and (not stale or progress.refused):
        progress.change(seen=_remember(after.seen, message_id, turn))
    return progress.conversation, turn


def failed(
    before: Conversation, error: BaseException, apology: Any, *, now: float, history: int = 0
) -> Conversation:
    """The conversation after a turn that raised an exception: as it was, but for the error.

    Args:
        before: the conversation.
        error: the exception.
        apology: what is put into the outbox to be said; None: nothing.
        now: the time, in UTC seconds.
        history: how many messages the conversation keeps of what was said.
    """
    number = before.serial if apology is None else before.serial + 1
    said = [] if apology is None else [Entry(number, False, now, apology)]
    return before.replace(
        serial=number,
        outbox=before.outbox + [[entry.number, entry.message] for entry in said],
        history=(before.history + said)[-history:] if history else before.history,
        error="".join(traceback.format_exception(error))[-LONGEST_ERROR:],
        failures=before.failures + 1,
        retry_at=_retry_at(before, now),
        updated_at=now,
    )


def _retry_at(before: Conversation, now: float) -> float | None:
    """When what is past is tried again, later each time; a deadline to come stays where it is."""
    if not before.is_past(now):
        return None
    waited = 0.0 if before.retry_at is None else before.retry_at - before.updated_at
    return now + min(max(2 * waited, FIRST_RETRY_S), LAST_RETRY_S)


def backoff(failures: int) -> float:
    """How long to wait before trying again, in seconds: longer each time, an hour at most."""
    return min(FIRST_RETRY_S * 2.0 ** min(failures - 1, 20), LAST_RETRY_S)


# --- events -----------------------------------------------------------------------------------


def _take(progress: Progress, event: Happening) -> Effects[bool]:
    """Let an event happen; whether it is stale."""
    conversation = progress.conversation
    match event:
        case Said():
            return (yield from _hear(progress, event))
        case Signalled():
            yield from _expire(progress)
            return _keep_signal(progress, event)
        case Told():
            progress.say([event.message])
        case Woken() if progress.now >= (conversation.retry_at or progress.now):
            yield from _expire(progress)
        case Start() if not conversation.is_open:
            yield from progress.begin(None, event.root)
        case Cancelled() if conversation.is_open:
            progress.end(Status.CANCELLED)
        case Cancelled() if conversation.digression is not None:
            progress.change(digression=None)
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
    interrupt = progress.flow.interrupt(said.message)
    if interrupt is None:  # a client can cancel what always fails when its time has passed
        yield from _expire(progress)
        yield from _give_kept(progress)  # what was said before is answered before
    conversation = progress.conversation
    if said.in_reply_to is not None and not _answers(progress, said.in_reply_to):
        return True
    asking, is_open = conversation.asking is not None, conversation.is_open
    if interrupt is not None:
        progress.hear(said.message)
        yield from progress.digress(interrupt, said.message)
    elif asking:
        progress.hear(said.message)
        yield from progress.advance(Response(said.message))
    elif is_open and not progress.flow.keeps:
        progress.refused = True
        return True
    elif is_open:
        _check_room(conversation.inbox, "messages")
        progress.hear(said.message)
        progress.keep(said.message)
    elif said.root is None:
        return True
    elif progress.flow.restarts or conversation.ended is None:
        progress.hear(said.message)
        yield from progress.begin(said.message, said.root)
    return False


def _answers(progress: Progress, in_reply_to: str) -> bool:
    """Whether what a message answers is what the client is asked now."""
    asking = progress.conversation.asking
    return asking is not None and asking.is_named(in_reply_to.removeprefix(f"{progress.chat_id}/"))


def _keep_signal(progress: Progress, signal: Signalled) -> bool:
    """Keep a signal for who waits for it, now or later; whether it is stale."""
    conversation = progress.conversation
    if conversation.ended is not None and conversation.digression is None:
        return True
    _check_room(conversation.signals, "signals")
    progress.keep([signal.name, signal.payload], signal=True)
    return False


def _check_room(kept: list[Any], what: str) -> None:
    if len(kept) >= KEPT:
        raise InboxFull(what, len(kept))


# --- what was kept ----------------------------------------------------------------------------


def _give_kept(progress: Progress) -> Effects[None]:
    """Give the open waits what came too early for them."""
    while (conversation := progress.conversation).inbox or conversation.signals:
        # What was said before a digression's question is not its answer.
        hears = conversation.asking is not None or not conversation.is_open
        if conversation.inbox and hears and conversation.digression is None:
            message, *rest = conversation.inbox
            progress.change(inbox=rest)
            if conversation.asking is not None:
                yield from progress.advance(Response(message))
            elif progress.flow.restarts:
                yield from progress.begin(message, conversation.root)
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


def _id_of(event: Happening) -> str | None:
    """What an event is remembered by. Each kind comes from a system of its own."""
    match event:
        case Said():
            return event.message_id
        case Told() if event.message_id is not None:
            return f"\0\0{event.message_id}"
        case Signalled() if event.message_id is not None:
            return f"\0{event.name}\0{event.message_id}"
        case _:
            return None


def _repeated(chat_id: str, conversation: Conversation, reply: bytes) -> Turn:
    """The turn of a message id that was seen before, as it was answered then."""
    messages, status, result, prompt, *mark = load(reply)
    return Turn(
        chat_id,
        messages,
        Status(status),
        result,
        prompt,
        kept=mark == [_KEPT],
        duplicate=True,
        stale=mark == [_STALE],
        wake_at=conversation.deadline,
    )


_KEPT, _STALE = 1, 2
"""What a reply is marked with, where it is of a turn that is one of these."""


def _remember(seen: dict[str, bytes], message_id: str, turn: Turn) -> dict[str, bytes]:
    """The window of message ids, with this one's answer as its last."""
    facts = [turn.messages, turn.status.value, turn.result, turn.prompt]
    mark = _KEPT if turn.kept else _STALE if turn.stale else None
    reply = encode(facts if mark is None else [*facts, mark], around=2)
    window = [*seen.items(), (message_id, reply)]
    return dict(window[-SEEN:])
