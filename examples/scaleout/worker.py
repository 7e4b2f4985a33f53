"""One worker: takes the network's webhooks, and sends what the dialogs say.

python -m examples.scaleout.worker NAME STORE_URL NETWORK_PORT

It prints the port on which it listens, and ends when its standard input does. Any number of them
can share one store.
"""

import asyncio
import sys

from dialogs import DialogsError, Orchestrator
from dialogs.stores import PostgresStore, RedisStore, Store
from examples.scaleout.adding import adding
from examples.scaleout.lines import ask, serve


def store_at(url: str) -> Store:
    scheme = url.partition(":")[0]
    if scheme in ("redis", "rediss", "unix"):
        return RedisStore(url)
    if scheme in ("postgresql", "postgres"):
        return PostgresStore(url)
    sys.exit(f"{url!r} is no address of a Redis (redis://...) or a PostgreSQL (postgresql://...).")


class NetworkSender:
    """Sends messages through the network's API, which answers when it has one."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def send_message(self, chat_id, message, *, delivery_id):
        await ask(self.port, {"chat_id": chat_id, "text": message, "delivery_id": delivery_id})


async def work(name: str, url: str, network_port: int) -> None:
    orchestrator = Orchestrator(
        adding,
        store=store_at(url),
        sender=NetworkSender(network_port),
        lease=2,  # seconds; what a killed worker held, others may take after that
        poll=0.25,
        ttl=3600,  # of a run that was stopped, nothing is left in your database after an hour
    )

    async def webhook(event):
        try:
            await orchestrator.handle_message(
                event["chat_id"], event["text"], message_id=event["message_id"]
            )
        except DialogsError as error:
            return {"error": str(error)}  # the network will come again
        return {"worker": name}

    async with orchestrator:
        server, port = await serve(webhook)
        timers = asyncio.create_task(orchestrator.run_timers())
        async with server:
            print(port, flush=True)
            await asyncio.to_thread(sys.stdin.read)
        timers.cancel()
        await asyncio.wait([timers])


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
