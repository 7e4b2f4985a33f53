"""Play, and see the server think: python examples/guessbot/server/client_async.py --help"""

import asyncio
import sys
from argparse import ArgumentParser
from uuid import uuid4

import httpx


async def say(url: str, chat_id: str, message: str) -> list[str]:
    thinking = asyncio.create_task(dots())
    try:
        async with httpx.AsyncClient(timeout=60) as client:
            response = await client.post(url, json={"chat_id": chat_id, "message": message})
    finally:
        thinking.cancel()
    return response.raise_for_status().json()


async def dots() -> None:
    await asyncio.sleep(0.2)
    try:
        while True:
            print(".", end="", flush=True)
            await asyncio.sleep(0.2)
    finally:
        print()


def play(url: str, chat_id: str) -> None:
    message = ""
    while True:
        for line in asyncio.run(say(url, chat_id, message)):
            print(line)
        message = input("> ")


if __name__ == "__main__":
    options = ArgumentParser()
    options.add_argument(
        "--url", default="http://127.0.0.1:8000/async", help="the server's address"
    )
    options.add_argument("--chat-id", default=uuid4().hex, help="the chat to go on with")
    given = options.parse_args()
    try:
        print(f"To come back to this game, add: --chat-id {given.chat_id}")
        play(given.url, given.chat_id)
    except (EOFError, KeyboardInterrupt):
        print()
    except httpx.HTTPError as error:
        sys.exit(f"The server at {given.url} did not answer: {error}")
