"""One line of JSON there, one line of JSON back: what HTTP would be in a real service."""

import asyncio
import json
from collections.abc import Awaitable, Callable

HOST = "127.0.0.1"
TIMEOUT_S = 10


async def serve(answer: Callable[[dict], Awaitable[dict]]) -> tuple[asyncio.Server, int]:
    """Answer questions on a free port; the server, and its port."""

    async def connected(reader, writer):
        try:
            question = json.loads(await reader.readline())
            writer.write(json.dumps(await answer(question)).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError):
            pass  # whoever asked is gone, and asks again
        finally:
            writer.close()

    server = await asyncio.start_server(connected, HOST, 0, backlog=1_000)
    return server, server.sockets[0].getsockname()[1]


async def ask(port: int, question: dict) -> dict:
    """The answer to a question; OSError or TimeoutError where none comes."""
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(json.dumps(question).encode() + b"\n")
            line = await reader.readline()
        finally:
            writer.close()
    if not line.endswith(b"\n"):
        raise ConnectionError("the answer was cut off")
    return json.loads(line)
