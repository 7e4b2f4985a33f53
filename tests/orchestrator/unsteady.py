"""Workers that fail: at which call to their store or their clients, and how."""

import asyncio

from dialogs import StoreUnavailable


class Fault:
    """What goes wrong, at which of a worker's calls, before or after it took effect."""

    def __init__(self, kind="", calls=0, when="before"):
        self.kind, self.calls, self.when = kind, calls, when
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, when, error):
        if not self.kind or when != self.when:
            return
        self.calls -= 1
        if self.calls < 0 and not self.reached.is_set():
            self.reached.set()
            if self.kind == "fail":
                raise error
            await self.go_on.wait()
        elif self.calls < 0 and self.kind in ("kill", "stall"):
            await self.go_on.wait()  # nothing else of this process goes on either


class Line:
    """A worker's way to the store."""

    def __init__(self, store):
        self.store, self.fault = store, Fault()

    def __getattr__(self, operation):
        async def called(*args, **options):
            error = StoreUnavailable("the store", operation, "it is away")
            await self.fault("before", error)
            answer = await getattr(self.store, operation)(*args, **options)
            try:
                await self.fault("after", error)
            except asyncio.CancelledError:
                if operation == "claim":  # as every store does: nobody has this claim
                    await self.store.release(answer)
                raise
            return answer

        return called


class Mail:
    """A worker's way to the clients."""

    def __init__(self, line, sent):
        self.line, self.sent = line, sent

    async def send_message(self, chat_id, message, *, delivery_id):
        await self.line.fault("before", ConnectionError("away"))
        self.sent.append((delivery_id, message))
        await self.line.fault("after", ConnectionError("away"))
