"""Conversations of an orchestrator whose bytes are kept: what happens to them, and what is said.

What stands here is in golden bytes for ever: add, never change. The dialogs are written as text,
so that the lines they wait at stay the same.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from dialogs import Button, Interrupt, Message, Orchestrator, ResponseTimeout, Turn
from dialogs.conversation import FORMAT, Conversation
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from dialogs.turn import failed
from tests.senders import Recorder
from tests.written import written

FOLDER = Path(__file__).parent
OURS = FOLDER / f"conversations-format-{FORMAT}"
BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHAT = "golden"

ORDER = """
    def address():
        «send_message("Where to?")»
        return «get_client_response(timeout=3600)»

    def order(opening):
        «send_message(Message("What do you want?", (Button("Tea", "tea"), Button("Milk"))))»
        what = «get_client_response()»
        where = «address()»
        «send_message({"pay": (Decimal("2.50"), what), "to": where})»
        paid = «wait_for_signal("paid", timeout=timedelta(days=3))»
        «send_message("Thank you.")»
        «sleep(timedelta(days=1))»
        «send_message("Did it arrive?")»
        arrived = «get_client_response()»
        return opening, what, where, paid, arrived
"""
HELP = """
    def helping(message):
        «send_message("What do you need?")»
        need = «get_client_response(timeout=60)»
        «send_message(f"{message}: see page {need}.")»
"""
GOODBYE = """
    def goodbye():
        «send_message("Surely?")»
        «get_client_response()»
        «send_message("Bye.")»
"""

order = written(
    ORDER,
    Button=Button,
    Message=Message,
    Decimal=Decimal,
    timedelta=timedelta,
    ResponseTimeout=ResponseTimeout,
)
INTERRUPTS = [
    Interrupt("/help", written(HELP, "coroutine")),
    Interrupt("/cancel", written(GOODBYE, "plain"), cancel=True),
]


@dataclass(frozen=True)
class Story:
    """One conversation.

    Args:
        events: what happens to it: the name of a `Teller`'s method, and its arguments.
        said: what is said at each event.
        options: of its orchestrator.
    """

    events: list[tuple[Any, ...]]
    said: list[list[Any]]
    options: dict[str, Any] = field(default_factory=dict)


PROMPT = Message("What do you want?", (Button("Tea", "tea"), Button("Milk")))
BILL = {"pay": (Decimal("2.50"), "tea"), "to": "Rome"}

STORIES = {
    "whole": Story(
        [
            ("signal", "hurry", [1, (2, b"3")]),
            ("say", {"from": ("shop", 7)}, "m1"),
            ("say", "tea", "m2"),
            ("say", "Rome", "m3"),
            ("say", "hello?", None),
            ("signal", "paid", Decimal("2.50")),
            ("pass_time", 86_400),
            ("say", "again", "m4"),
        ],
        [[], [PROMPT], ["Where to?"], [BILL], [], ["Thank you."], ["Did it arrive?"], [PROMPT]],
    ),
    "asides": Story(
        [
            ("say", "/help", None),
            ("say", "5", None),
            ("say", "hi", None),
            ("say", "/help", "m1"),
            ("say", "6", None),
            ("say", "/cancel", None),
            ("say", "yes", None),
        ],
        [
            ["What do you need?"],
            ["/help: see page 5."],
            [PROMPT],
            ["What do you need?"],
            ["/help: see page 6.", PROMPT],
            ["Surely?"],
            ["Bye."],
        ],
        {"history": 4},
    ),
    "unsent": Story(
        [
            ("say", "hi", None),
            ("line", False),
            ("say", "tea", "m1"),
            ("pass_time", 5),
            ("line", True),
            ("pass_time", 10),
            ("say", "Rome", None),
        ],
        [[PROMPT], [], ["Where to?"], [], [], [], [BILL]],
        {"sender": True},
    ),
    "ended": Story(
        [
            ("say", "hi", None),
            ("say", "tea", None),
            ("fail",),
            ("pass_time", 3600),
            ("start",),
            ("cancel",),
            ("say", "hi", None),
        ],
        [[PROMPT], ["Where to?"], [], ["Too late."], [PROMPT], [], [PROMPT]],
        {"on_timeout": "Too late."},
    ),
    "retried": Story(
        [
            ("say", "hi", None),
            ("say", "tea", None),
            ("wait", 3600),
            ("fail",),
            ("pass_time", 5),
        ],
        [[PROMPT], ["Where to?"], [], [], ["Too late."]],
        {"on_timeout": "Too late."},
    ),
}


class Teller:
    """Tells a story, from its beginning or from bytes after some of its events."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.clock = FakeClock(BEGIN)
        self.store = MemoryStore()
        self.sender = Recorder()
        options = dict(story.options)
        if options.get("sender"):
            options["sender"] = self.sender
        self.bot = Orchestrator(
            order, store=self.store, clock=self.clock, interrupts=INTERRUPTS, **options
        )

    async def tell(self, body: bytes | None = None, done: int = 0) -> AsyncIterator[list[Any]]:
        """Let the rest of the events happen; what is said at each of them."""
        for event in self.story.events[:done]:
            if event[0] in ("pass_time", "wait"):
                self.clock.advance(event[1])
            if event[0] == "line":
                await self.line(event[1])
        if body is not None:
            await self.keep(Conversation.decode(body))
        for name, *arguments in self.story.events[done:]:
            turn = await getattr(self, name)(*arguments)
            yield [] if turn is None else turn.messages

    async def body(self) -> bytes:
        """The conversation's bytes."""
        stored = await self.store.load(CHAT, now=self.clock().timestamp())
        assert stored is not None
        return stored.body

    async def keep(self, conversation: Conversation) -> None:
        """Put a conversation into the store."""
        now = self.clock().timestamp()
        claim = await self.store.claim(CHAT, now=now, lease_s=1)
        await self.store.commit(
            claim,
            conversation.encode(),
            now=now,
            status=conversation.status.value,
            wake_at=conversation.wake_at,
        )

    # --- events -------------------------------------------------------------------------------

    async def say(self, message: Any, message_id: str | None) -> Turn:
        return await self.bot.handle_message(CHAT, message, message_id=message_id)

    async def signal(self, name: str, payload: Any) -> Turn:
        return await self.bot.signal(CHAT, name, payload, message_id=f"{name}-1")

    async def start(self) -> Turn:
        return await self.bot.start(CHAT)

    async def cancel(self) -> Turn:
        return await self.bot.cancel(CHAT)

    async def pass_time(self, seconds: float) -> Turn | None:
        """Let time pass, and fire what is due."""
        self.clock.advance(seconds)
        turns = await self.bot.fire_due()
        return turns[0] if turns else None

    async def wait(self, seconds: float) -> None:
        """Let time pass while no timers run."""
        self.clock.advance(seconds)

    async def line(self, works: bool) -> None:
        """Let the sender work, or not."""
        self.sender.error = None if works else ConnectionError("no line")

    async def fail(self) -> None:
        """A turn that failed, with a traceback that names no file."""
        before, now = await self.bot.conversation(CHAT), self.clock().timestamp()
        assert before is not None
        await self.keep(failed(before, ValueError("no"), None, now=now))


# --- files ------------------------------------------------------------------------------------


def file_of(name: str, number: int, folder: Path = OURS) -> Path:
    """Where the bytes are kept after the event of that number, from 0."""
    return folder / f"{name}-{number}.bin"


FACTS = [
    *("status", "ended", "run", "root", "serial", "log", "digressions", "seen", "error"),
    *("failures", "retry_at", "resends", "resend_at", "opened_at", "updated_at", "opening"),
    *("result", "outbox", "inbox", "signals", "prompt", "waiting", "deadline", "wake_at"),
    "is_open",
]
WAIT = ["step", "number", "place", "deadline", "said", "messages"]
ASIDE = ["dialog", "opening", "cancel", "key", "log"]
ENTRY = ["number", "by_client", "at", "message"]


def facts(conversation: Conversation) -> str:
    """What a conversation says, a fact a line."""
    found = {name: getattr(conversation, name) for name in FACTS}
    aside, pending = conversation.digression, conversation.pending
    found |= {f"pending.{name}": getattr(pending, name) for name in WAIT if pending}
    found |= {f"digression.{name}": getattr(aside, name) for name in ASIDE if aside}
    if aside:
        found |= {f"digression.pending.{name}": getattr(aside.pending, name) for name in WAIT}
    for number, entry in enumerate(conversation.history):
        found |= {f"history[{number}].{name}": getattr(entry, name) for name in ENTRY}
    return "".join(f"{name}: {value!r}\n" for name, value in found.items())
