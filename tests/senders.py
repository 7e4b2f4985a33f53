"""What stands around an orchestrator in a test: senders, and a store that fails when told."""

import asyncio
from typing import Any

from dialogs import StoreUnavailable
from dialogs.stores import MemoryStore


class Recorder:
    """A sender that records what it sends.

    Attributes:
        sent: each message with its delivery id, in the order of sending.
        error: what is raised in place of sending; None: it sends.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.error: Exception | None = None

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        if self.error is not None:
            raise self.error
        assert delivery_id.startswith(f"{chat_id}/")
        self.sent.append((delivery_id, message))

    @property
    def messages(self) -> list[Any]:
        """What was sent, repetitions included."""
        return [message for _, message in self.sent]

    @property
    def ids(self) -> list[str]:
        """The delivery ids of what was sent."""
        return [delivery_id for delivery_id, _ in self.sent]

    @property
    def received(self) -> list[Any]:
        """What a receiver has that drops the delivery ids which it knows."""
        first: dict[str, Any] = {}
        for delivery_id, message in self.sent:
            assert first.setdefault(delivery_id, message) == message
        return list(first.values())


class Breaking(Recorder):
    """A recorder that fails at messages: `refuses` says at which; sent or not, as `late` says.

    Attributes:
        refuses: the messages that fail.
        late: whether they were sent all the same, before the error.
    """

    def __init__(self, *refuses: Any, late: bool = False) -> None:
        super().__init__()
        self.refuses = list(refuses)
        self.late = late

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        refused = message in self.refuses
        if not refused or self.late:
            await super().send_message(chat_id, message, delivery_id=delivery_id)
        if refused:
            raise ConnectionError(f"no line for {message!r}")


class Stop:
    """A place where whoever comes by stops until it is told to go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


class Halting(Recorder):
    """A recorder that stops before one message, or after it was sent.

    Attributes:
        stop: where it stops.
    """

    def __init__(self, message: Any, when: str) -> None:
        super().__init__()
        self.message = message
        self.when = when
        self.stop = Stop()

    async def send_message(self, chat_id: str, message: Any, *, delivery_id: str) -> None:
        if message == self.message and self.when == "before":
            await self.stop()
        await super().send_message(chat_id, message, delivery_id=delivery_id)
        if message == self.message and self.when == "after":
            await self.stop()


class UnsteadyStore(MemoryStore):
    """A MemoryStore that takes its time, and fails or stops at a call, before or after it was made.

    Attributes:
        calls: the operations that it was asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._faults: list[tuple[str, str, Stop | None]] = []

    def fail(self, operation: str, when: str) -> None:
        """Raise StoreUnavailable at the next such call, "before" or "after" it is made."""
        self._faults.append((operation, when, None))

    def halt(self, operation: str, when: str) -> Stop:
        """Stop at the next such call, "before" or "after" it is made."""
        stop = Stop()
        self._faults.append((operation, when, stop))
        return stop

    async def _meet(self, operation: str, when: str) -> None:
        await asyncio.sleep(0)  # a store is reached through an event loop
        for fault in self._faults:
            if fault[:2] == (operation, when):
                self._faults.remove(fault)
                if fault[2] is None:
                    raise StoreUnavailable("the store", operation, f"failed {when} it")
                await fault[2]()
                return

    async def _around(self, operation: str, made: Any) -> Any:
        self.calls.append(operation)
        try:
            await self._meet(operation, "before")
        except BaseException:
            made.close()
            raise
        answer = await made
        try:
            await self._meet(operation, "after")
        except asyncio.CancelledError:
            if operation == "claim":  # as every store does: nobody has this claim
                await super().release(answer)
            raise
        return answer

    async def claim(self, *args: Any, **options: Any) -> Any:
        return await self._around("claim", super().claim(*args, **options))

    async def commit(self, *args: Any, **options: Any) -> Any:
        return await self._around("commit", super().commit(*args, **options))

    async def release(self, *args: Any, **options: Any) -> Any:
        return await self._around("release", super().release(*args, **options))

    async def load(self, *args: Any, **options: Any) -> Any:
        return await self._around("load", super().load(*args, **options))

    async def due(self, *args: Any, **options: Any) -> Any:
        return await self._around("due", super().due(*args, **options))

    async def delete(self, *args: Any, **options: Any) -> Any:
        return await self._around("delete", super().delete(*args, **options))
