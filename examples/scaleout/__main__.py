"""Workers that are killed in the middle of many conversations, and nothing is lost.

python -m examples.scaleout --help
"""

import argparse
import asyncio
import contextlib
import random
import secrets
import signal
import sys
import time

from dialogs import DialogsError, Orchestrator, Status
from examples.scaleout.adding import ROUNDS, adding, screen_of
from examples.scaleout.crew import Crew
from examples.scaleout.lines import serve
from examples.scaleout.network import Network
from examples.scaleout.server import own_redis
from examples.scaleout.worker import store_at

STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


async def show(url: str, conversations: int, workers: int, kills: int) -> None:
    """Let people talk with the workers, kill some of these, and check what became of it."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    run = secrets.token_hex(4)  # the database may have conversations of earlier runs
    people = {
        f"{run}-{number}": [random.randint(1, 99) for _ in range(ROUNDS)]
        for number in range(conversations)
    }
    async with Orchestrator(adding, store=store_at(url)) as orchestrator:
        crew = Crew(url, say)
        network = Network(crew.ports)
        server, crew.network_port = await serve(network.deliver)
        async with server:
            try:
                await asyncio.gather(*[crew.hire() for _ in range(workers)])
                await converse(people, network, crew, kills)
            finally:
                await crew.dismiss()
        lost = await check(people, network, orchestrator)
    print(*lost, sep="\n", end="\n" if lost else "")
    if lost:
        sys.exit(f"{len(lost)} of {len(people)} conversations are not as they should be.")
    told(network, people)


async def converse(people: dict[str, list[int]], network: Network, crew: Crew, kills: int) -> None:
    """Let all people talk at once, and kill workers meanwhile."""
    messages = len(people) * (ROUNDS + 1)
    beside = [
        asyncio.create_task(tell_progress(network, messages)),
        asyncio.create_task(kill_some(network, crew, messages, kills)),
    ]
    if sys.stdin.isatty():
        say("Press Enter to kill a worker.")
        asyncio.get_running_loop().add_reader(sys.stdin, enter_pressed, crew)
    await asyncio.gather(*[network.person(*person) for person in people.items()])
    for task in beside:
        task.cancel()


def enter_pressed(crew: Crew) -> None:
    if sys.stdin.readline():
        crew.kill()
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin)


async def kill_some(network: Network, crew: Crew, messages: int, kills: int) -> None:
    """Kill workers, evenly spread over the conversations."""
    for number in range(1, kills + 1):
        due = messages * number / (kills + 1)
        while network.shown < due or not crew.ports():  # noqa: ASYNC110 - a look is cheap
            await asyncio.sleep(0.01)
        crew.kill()


async def tell_progress(network: Network, messages: int) -> None:
    before = 0
    while True:
        await asyncio.sleep(1)
        shares = ", ".join(f"{name}: {count}" for name, count in sorted(network.confirmed.items()))
        say(f"{network.shown:5} of {messages} messages, {network.shown - before}/s ({shares})")
        before = network.shown


async def check(
    people: dict[str, list[int]], network: Network, orchestrator: Orchestrator
) -> list[str]:
    """What is wrong with the conversations, if anything; deletes them."""
    lost = []
    for chat_id, answers in people.items():
        conversation = await orchestrator.conversation(chat_id)
        if conversation is None or conversation.status is not Status.COMPLETED:
            lost.append(f"{chat_id}: it did not come to its end.")
        elif conversation.result != sum(answers):
            lost.append(f"{chat_id}: the sum is {conversation.result}, and not {sum(answers)}.")
        elif network.screens[chat_id] != screen_of(answers):
            lost.append(f"{chat_id}: the screen shows {network.screens[chat_id]}.")
        await orchestrator.forget(chat_id)
    return lost


def told(network: Network, people: dict[str, list[int]]) -> None:
    print(f"""
{len(people)} of {len(people)} conversations came to their end, with the right sum.
{sum(map(len, people.values())) + len(people)} messages of people counted once each; \
{network.retries} times one was brought again.
{network.shown} messages of the bot were shown once each and in order; \
{network.repeated} came again and were dropped.
Nothing was lost.""")


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m examples.scaleout", description=__doc__)
    parser.add_argument("--conversations", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=2, help="how many workers to kill")
    parser.add_argument("--url", help="a Redis or PostgreSQL to use, in place of one of its own")
    return parser


def main() -> None:
    arguments = command_line().parse_args()
    with contextlib.nullcontext(arguments.url) if arguments.url else own_redis() as url:
        asyncio.run(show(url, arguments.conversations, arguments.workers, arguments.kills))


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("Stopped.")
    except DialogsError as error:
        sys.exit(str(error))
