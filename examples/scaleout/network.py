"""A chat network with people on it, as far as the workers can tell.

Like the real ones it brings what people say to any worker, and again under the same message id
until one has confirmed it. It shows people what the workers send, each delivery id once.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable

from examples.scaleout.lines import ask


class Network:
    """The network.

    Args:
        ports: gives the ports of the workers that are there now.
    """

    def __init__(self, ports: Callable[[], list[int]]) -> None:
        self.ports = ports
        self.screens: dict[str, list[str]] = defaultdict(list)
        self.shown = 0
        self.repeated = 0
        self.retries = 0
        self.confirmed: Counter[str] = Counter()
        self._news: dict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)
        self._delivered: set[str] = set()

    async def deliver(self, message: dict) -> dict:
        """Show a message that a worker sent; what came before is confirmed again and dropped."""
        if message["delivery_id"] in self._delivered:
            self.repeated += 1
        else:
            self._delivered.add(message["delivery_id"])
            self.shown += 1
            self.screens[message["chat_id"]].append(message["text"])
            self._news[message["chat_id"]].put_nowait(message["text"])
        return {"ok": True}

    async def say(self, chat_id: str, text: str, message_id: str) -> None:
        """Bring what somebody says to a worker, and again until one has confirmed it."""
        event = {"chat_id": chat_id, "text": text, "message_id": message_id}
        while True:
            try:
                reply = await ask(random.choice(self.ports()), event)
                self.confirmed[reply["worker"]] += 1
            except (OSError, TimeoutError, IndexError, KeyError):
                # It was killed, or has answered with an error, or no worker is there.
                self.retries += 1
                await asyncio.sleep(random.uniform(0.05, 0.15))
            else:
                return

    async def person(self, chat_id: str, answers: list[int]) -> None:
        """Somebody who says hello, and answers each question when it is on the screen."""
        await self.say(chat_id, "hello", f"{chat_id}-hello")
        for number, answer in enumerate(answers):
            await self._news[chat_id].get()
            await self.say(chat_id, str(answer), f"{chat_id}-{number}")
        await self._news[chat_id].get()
