"""Requests that wait for a decision, in an SQLite file.

python -m examples.approval --help
"""

import argparse
import asyncio
import contextlib
import secrets
import sys
from datetime import UTC, datetime

from dialogs import Conversation, DialogsError, Orchestrator, Status
from dialogs.stores import SQLiteStore
from examples.approval.approval import DAY, approval


class Mail:
    """Delivers mail by printing it. A mail server would take `delivery_id` as Message-ID."""

    def __init__(self, clock):
        self.clock = clock

    async def send_message(self, chat_id, message, *, delivery_id):  # noqa: ARG002
        print(
            f"{self.clock():%d %b %H:%M}  [{chat_id}] to {message.data['to']}: {message}",
            flush=True,
        )


def wall_clock() -> datetime:
    return datetime.now(UTC)


def new_number() -> str:
    return secrets.token_hex(3)


async def act(arguments: argparse.Namespace, clock=wall_clock) -> None:
    """Do what the command line says."""
    office = Orchestrator(
        approval,
        store=SQLiteStore(arguments.file),
        sender=Mail(clock),
        clock=clock,
        on_completed="ignore",  # a request is decided once
        lease=2,  # seconds; a request that a killed worker had in its hands rests for so long
        poll=min(1.0, DAY.total_seconds() / 10),
    )
    async with office:
        match arguments.command:
            case "request":
                request = {"who": arguments.who, "what": " ".join(arguments.what)}
                await office.handle_message(new_number(), request)
            case "approve" | "reject":
                await decide(office, arguments)
            case "status":
                await show(office)
            case "worker":
                await office.run_timers()


async def decide(office: Orchestrator, arguments: argparse.Namespace) -> None:
    if await office.conversation(arguments.id) is None:
        sys.exit(f"There is no request {arguments.id}.")
    verdict = "approved" if arguments.command == "approve" else "rejected"
    turn = await office.signal(arguments.id, "decision", {"verdict": verdict, "by": arguments.by})
    if turn.stale:
        sys.exit(
            f"Too late. {arguments.id} is {standing(await office.conversation(arguments.id))}."
        )


async def show(office: Orchestrator) -> None:
    """List every request and where it stands, the open ones first."""
    requests = [each async for each in office.conversations()]
    for number, request in sorted(requests, key=lambda each: (each[1].status.is_over, each[0])):
        print(f"{number}  {request.opening['who']}: {request.opening['what']}")
        print(f"        {standing(request)}")


def standing(request: Conversation | None) -> str:
    """Where a request stands, in words."""
    if request is None:
        return "forgotten"
    if request.status is Status.COMPLETED:
        return f"{request.result['verdict']} by {request.result['by']}"
    if request.deadline is None:
        return str(request.status)
    until = datetime.fromtimestamp(request.deadline, UTC)
    return f"{request.status} until {until:%d %b %H:%M}: {request.waiting}"


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m examples.approval", description=__doc__)
    parser.add_argument("--file", default="approval.db", help="where requests are kept")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    request = commands.add_parser("request", help="ask for something: request ada a new laptop")
    request.add_argument("who")
    request.add_argument("what", nargs="+")
    for verb in ("approve", "reject"):
        decision = commands.add_parser(verb, help=f"{verb} a request")
        decision.add_argument("id")
        decision.add_argument("--by", default="the manager", help="who decides")
    commands.add_parser("status", help="list the requests, and where each of them waits")
    commands.add_parser("worker", help="send the reminders; stop it with Ctrl-C")
    return parser


if __name__ == "__main__":
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(act(command_line().parse_args()))
    except DialogsError as error:
        sys.exit(f"{error}")
