"""The public face: what app code, channels and timers ask of conversations.

Each question becomes an event here, and `worker.py` takes its turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import Any, Literal, Self

from dialogs.conversation import Conversation
from dialogs.delivery import Delivery
from dialogs.drivers import REAL, World
from dialogs.events import Cancelled, Happening, Said, Signalled, Start, Told, Turn, as_data
from dialogs.flow import Flow, Interrupt, chosen, opener, takes_opening
from dialogs.ids import MAX_DELIVERY_ID, check_chat_id, check_id
from dialogs.leases import Leases
from dialogs.messages import Sender, Watcher
from dialogs.senders import Senders
from dialogs.spans import Span, seconds
from dialogs.standing import Status
from dialogs.stores.base import Store
from dialogs.timers import Timers
from dialogs.waits import check_signal_name
from dialogs.worker import Worker


class Orchestrator:
    """Keeps conversations in a store and gives them their events.

    Args:
        root: the dialog that every conversation runs: a decorated function that takes no
            argument, or the message that opens the conversation; or a call of one.
        store: where conversations are kept.
        sender: sends what the dialogs say, in order. Without one, whoever calls delivers the
            messages of the turn that it gets back.
        fallback: the dialog that runs where the root's code no longer fits a conversation.
        interrupts: messages that mean the same at every prompt; the first that fits is taken.
        clock: tells the time, as an aware datetime.
        lease: how long a worker may take for a turn, in seconds or as a timedelta; then others may.
        ttl: how long an idle conversation is kept, beyond what it waits for; None: for ever.
        on_completed: what a message does after the end of a run: "restart" begins the next one,
            "ignore" leaves it at that.
        on_early: what a message does that comes while the dialog waits for something else:
            "keep" keeps it, and it answers the next wait; "refuse" makes its turn `stale`.
        on_error: an apology that a sender sends where a dialog raised an exception, or a function
            that takes the chat id and the exception and returns one, or None.
        on_timeout: what is said where a run ends as TIMED_OUT, or a function that takes the
            chat id and returns it, or None.
        patience: how long an event waits for other turns before it is `Busy`; the lease and a bit.
        poll: how often `run_timers` looks for what is due.
        history: how many messages `Conversation.history` keeps of what both sides said.
        threads: whether functions that are `call`ed and not async run in threads, and block nobody.

    Attributes:
        history: what was given.
        takes_opening: whether the root needs the message that opens a conversation, so that
            `start` cannot begin one.

    >>> import asyncio
    >>> from dialogs import Orchestrator, dialog, get_client_response, send_message
    >>> from dialogs.stores import MemoryStore
    >>> @dialog
    ... def greet():
    ...     yield send_message("Who is there?")
    ...     name = yield get_client_response()
    ...     return f"Hello, {name}!"
    >>> async def converse():
    ...     orchestrator = Orchestrator(greet, store=MemoryStore())
    ...     turn = await orchestrator.handle_message("user-42", "hi", message_id="evt-1")
    ...     print(turn.messages, turn.status)
    ...     turn = await orchestrator.handle_message("user-42", "Ada", message_id="evt-2")
    ...     print(turn.result, turn.status)
    >>> asyncio.run(converse())
    ['Who is there?'] WAITING_FOR_RESPONSE
    Hello, Ada! COMPLETED
    """

    def __init__(
        self,
        root: Any,
        *,
        store: Store,
        sender: Sender | None = None,
        fallback: Any = None,
        interrupts: Iterable[Interrupt] = (),
        clock: Callable[[], datetime] = REAL.clock,
        lease: Span = 30.0,
        ttl: Span | None = None,
        on_completed: Literal["restart", "ignore"] = "restart",
        on_early: Literal["keep", "refuse"] = "keep",
        on_error: Any = None,
        on_timeout: Any = None,
        patience: Span | None = None,
        poll: Span = 1.0,
        history: int = 0,
        threads: bool = False,
    ) -> None:
        flow = Flow(
            opener(root),
            fallback,
            tuple(interrupts),
            restarts=chosen("on_completed", on_completed, "restart", "ignore"),
            keeps=chosen("on_early", on_early, "keep", "refuse"),
            on_timeout=on_timeout,
            history=history,
        )
        self.store = store
        self.history = history
        self.takes_opening = takes_opening(root)
        self._senders = Senders(sender)
        lease_s = seconds(lease, "lease={!r}")
        ttl_s = None if ttl is None else seconds(ttl, "ttl={!r}")
        self._leases = Leases(store, World(clock, threads=threads), lease_s, ttl_s)
        delivery = Delivery(self._senders, self._leases)
        self._worker = Worker(self._leases, flow, delivery, on_error)
        self._timers = Timers(self._worker)
        self._poll_s = seconds(poll, "poll={!r}")
        self._patience_s = seconds(lease_s + 1.0 if patience is None else patience, "patience={!r}")

    async def __aenter__(self) -> Self:
        """Create what the store needs."""
        await self.store.setup()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the store, once what is under way in the background is done."""
        await self._leases.settle()
        await self.store.close()

    def attach(self, prefix: str, sender: Sender | Watcher) -> None:
        """Let a sender send to the conversations whose chat id starts with a prefix.

        Several channels can share an orchestrator this way. Where a process has senders, but none
        for a conversation, its messages wait for a process that has one.

        Raises:
            UsageError: another sender has that prefix.
        """
        self._senders.attach(prefix, sender)

    def add_root(self, name: str, root: Any) -> None:
        """Give another dialog that conversations may be begun with, in place of the root.

        Every process that takes turns needs it, those that run timers too.

        Args:
            name: how conversations know it.
            root: the dialog, as for `Orchestrator`.

        Raises:
            UsageError: another dialog has the name, or it is empty.
        """
        self._worker.flow.add_root(name, root)

    # --- events -------------------------------------------------------------------------------

    async def handle_message(
        self,
        chat_id: str,
        message: Any,
        *,
        message_id: str | None = None,
        in_reply_to: str | None = None,
        root: str | None = "",
    ) -> Turn:
        """Give a conversation the client's message; the first one begins it.

        Args:
            chat_id: whose conversation: a text of 1 to 255 characters.
            message: text, or any other value that the log can keep.
            message_id: the platform's id of the message. The same id again gets the recorded
                answer and runs nothing, within the last 32 of the conversation.
            in_reply_to: the `Turn.prompt` that it answers, or the delivery id of a message said
                with it; where another one is pending by now the turn is `stale` and nothing runs.
                None answers whichever is pending.
            root: where it begins a run, the name of its dialog, which `add_root` gave; "" is the
                orchestrator's own. None begins none: where none is open, the turn is `stale`.

        Raises:
            Busy: other workers held the conversation for longer than `patience`.
            StoreError: the store failed; `Conflict`: the turn took longer than the lease. Either
                way the message can be given again, with its message_id.
            NotSerializable: the log cannot keep the message.
            Exception: the dialog raised it. The turn is undone, the status is ERROR, and the same
                message can be given again.
        """
        check_id("message_id", message_id)
        check_id("in_reply_to", in_reply_to, MAX_DELIVERY_ID)
        message = as_data(message, "the client's message")
        return await self._happen(chat_id, Said(message, message_id, in_reply_to, root))

    async def start(self, chat_id: str, *, root: str = "") -> Turn:
        """Begin a conversation without a message; does nothing where one is open.

        Args:
            chat_id: whose conversation.
            root: the name of its dialog, which `add_root` gave; "" is the orchestrator's own.

        Raises what `handle_message` does.
        """
        return await self._happen(chat_id, Start(root))

    async def signal(
        self, chat_id: str, name: str, payload: Any = None, *, message_id: str | None = None
    ) -> Turn:
        """Give a conversation a signal: the answer to `wait_for_signal(name)`.

        One that nobody waits for yet is kept, also before the conversation begins. After the end
        of a run it is `stale`.

        Args:
            chat_id: whose conversation.
            name: the signal's name.
            payload: what it carries; a value that the log can keep.
            message_id: an id of it, as for `handle_message`, so that a webhook's retry counts
                once.

        Raises what `handle_message` does.
        """
        check_id("message_id", message_id)
        check_signal_name(name)
        payload = as_data(payload, f"the payload of the signal {name!r}")
        return await self._happen(chat_id, Signalled(name, payload, message_id))

    async def say(self, chat_id: str, message: Any, *, message_id: str | None = None) -> Turn:
        """Say something to the client beside the dialog: nothing runs, and what waits waits on.

        Args:
            chat_id: whose conversation; it need not have begun.
            message: text, a `Message`, or any other value that the log can keep.
            message_id: an id of it, so that what is tried again is said once.

        Raises what `handle_message` does, but for exceptions of the dialog.
        """
        check_id("message_id", message_id)
        message = as_data(message, "the message of say()")
        return await self._happen(chat_id, Told(message, message_id))

    async def cancel(self, chat_id: str) -> Turn:
        """End a conversation as CANCELLED; does nothing where none is open.

        Its dialog does not hear of it. Raises what the store does.
        """
        return await self._happen(chat_id, Cancelled())

    async def forget(self, chat_id: str) -> bool:
        """Delete a conversation, whatever its status; returns whether there was one.

        Raises:
            StoreError: the store failed.
        """
        check_chat_id(chat_id)
        return await self.store.delete(chat_id)

    async def _happen(self, chat_id: str, event: Happening) -> Turn:
        check_chat_id(chat_id)
        return await self._worker.happen(chat_id, event, patience_s=self._patience_s)

    # --- looking ------------------------------------------------------------------------------

    async def conversation(self, chat_id: str) -> Conversation | None:
        """A conversation as it was committed last, or None.

        Raises:
            StoreError: the store failed.
            LogError: its bytes cannot be read.
        """
        check_chat_id(chat_id)
        return await self._leases.load(chat_id)

    def conversations(
        self, status: Status | str | None = None
    ) -> AsyncIterator[tuple[str, Conversation]]:
        """All conversations, or those of one status, each with its chat id, in no order.

        Raises what `conversation` does; for the first that cannot be read, after all the others.
        """
        wanted = None if status is None else Status.named(status).value
        return self._leases.scan(wanted)

    def check(self) -> AsyncIterator[tuple[str, Exception | None]]:
        """Replay every open conversation with the code of this process, and perform nothing.

        Yields:
            Those that do not go on where they wait, by chat id, with the error that their next
            message would meet; None: it starts anew, in another version or in the fallback.

        Raises what `conversation` does.
        """
        return self._worker.misfits()

    # --- timers -------------------------------------------------------------------------------

    async def run_timers(self) -> None:
        """Fire what is due, again and again, until cancelled; sends what was not sent, too.

        Run it in as many processes as you like. An error of one conversation, or of the store, is
        logged, and the loop goes on.
        """
        await self._timers.run(self._poll_s)

    async def fire_due(self) -> list[Turn]:
        """Fire every timer that is due, once, and send what was not sent.

        Returns:
            The turns that came of it. An error of one conversation is
            logged, and its status is ERROR; it is tried again later.

        Raises:
            StoreError: what is due cannot be read.
        """
        return await self._timers.fire_due()
