"""A site for the tests, in a process of its own: python -m tests.channels.web.site PORT DATABASE.

Its dialog is chosen by the person's first word; so every test finds here what it needs.
"""

import asyncio
import sys
import time
from datetime import timedelta
from pathlib import Path

import uvicorn

from dialogs import (
    Attachment,
    Button,
    Message,
    Orchestrator,
    call,
    dialog,
    get_client_response,
    randint,
    send_message,
    sleep,
)
from dialogs.channels.web import create_app
from dialogs.stores import SQLiteStore
from examples.guessbot.game import game

SECRET = "a secret of the tests, and of no use elsewhere"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
    "78da63fccfc0500f0004850180848c4e320000000049454e44ae426082"
)
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@dialog
def site():
    yield send_message("What shall it be? A game, or pizza?")
    wish = yield get_client_response()
    result = yield DIALOGS.get(wish, game)()
    return result


@dialog
def pizza():
    sizes = (Button("Small", 28), Button("Large", {"cm": 40, "price": "secret"}))
    yield send_message(Message("Which size?", buttons=sizes))
    size = yield get_client_response()
    yield send_message(Message("With olives?", buttons=(Button("Yes", True), Button("No", False))))
    olives = yield get_client_response()
    yield send_message(f"{size!r}, {olives!r}: it is on its way.")


@dialog
def files():
    shown = (
        Attachment("dot.png", media_type="image/png", content=PIXEL),
        Attachment("page.html", media_type="text/html", content=b"<script>alert(1)</script>"),
        Attachment("menu.pdf", url="https://shop.example/menu.pdf", media_type="application/pdf"),
        Attachment("run me", url="javascript:alert(1)"),
    )
    yield send_message(Message("Here they are.", attachments=shown))
    yield get_client_response()


@dialog
def hostile():
    yield send_message(Message(HOSTILE, buttons=(Button(HOSTILE),), data={"html": HOSTILE}))
    said = yield get_client_response()
    yield send_message(f"You said {said}")
    yield get_client_response()


def awaited(file):
    """What is in a file, once there is something."""
    give_up = time.monotonic() + 60
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < give_up, f"there is nothing in {file}"
        time.sleep(0.01)
    return file.read_text()


async def think(place):
    return await asyncio.to_thread(awaited, Path(place))


@dialog
def slow():
    yield send_message("Where is the answer?")
    place = yield get_client_response()
    yield send_message((yield call(think, place)))


@dialog
def busy():
    yield send_message("Where is the answer?")
    place = yield get_client_response()
    yield send_message("Let me look.")
    yield sleep(0.001)
    yield send_message((yield call(think, place)))
    yield get_client_response()


@dialog
def late():
    yield send_message("Wait for it.")
    yield sleep(timedelta(seconds=1))
    yield send_message("Here it is.")
    yield get_client_response()


@dialog
def broken():
    yield send_message("Say anything.")
    said = yield get_client_response()
    if said != "well":
        raise ConnectionError(f"password hunter2 at 10.0.0.1 {(yield randint(1, 9))}")
    yield send_message("All is well.")


DIALOGS = {
    "pizza": pizza,
    "files": files,
    "hostile": hostile,
    "slow": slow,
    "busy": busy,
    "late": late,
    "broken": broken,
}


def orchestrator_of(store, **options):
    return Orchestrator(site, store=store, **{"history": 100, "poll": 0.2, **options})


def main(port, database):
    app = create_app(
        orchestrator_of(SQLiteStore(database), lease=2),
        secret=SECRET,
        title="Pizza & games",
        poll_s=0.2,
        starts_per_minute=1_000,
        messages_per_minute=1_000,
        connections_per_minute=1_000,
    )
    uvicorn.run(app, port=int(port), log_level="warning", ws_max_size=65_536)


if __name__ == "__main__":
    main(*sys.argv[1:])
