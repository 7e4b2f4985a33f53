"""Play against any of the servers: python examples/guessbot/server/client.py --help"""

import sys
from argparse import ArgumentParser
from uuid import uuid4

import httpx


def play(url: str, chat_id: str) -> None:
    message = ""
    while True:
        response = httpx.post(url, params={"chat_id": chat_id, "message": message}, timeout=60)
        for line in response.raise_for_status().json():
            print(line)
        message = input("> ")


if __name__ == "__main__":
    options = ArgumentParser()
    options.add_argument("--url", default="http://127.0.0.1:8000/", help="the server's address")
    options.add_argument("--chat-id", default=uuid4().hex, help="the chat to go on with")
    given = options.parse_args()
    try:
        print(f"To come back to this game, add: --chat-id {given.chat_id}")
        play(given.url, given.chat_id)
    except (EOFError, KeyboardInterrupt):
        print()
    except httpx.HTTPError as error:
        sys.exit(f"The server at {given.url} did not answer: {error}")
