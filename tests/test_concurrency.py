import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio

from dialogs import (
    DialogStepDone,
    InMemoryPersistence,
    call,
    dialog,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
    send_message,
    step_key,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


@dialog
def greet():
    yield send_message("Who is there?")
    name = yield get_client_response()
    yield send_message(f"Hello, {name}!")
    return name


def many_turns(style):
    """A dialog whose every message and answer carries its number, three deep."""
    return written(
        """
        def ask(number, question):
            «send_message((number, question))»
            return «call(tag, number)», «get_client_response()»

        def ask_twice(number):
            return [«ask(number, "a")», «ask(number, "b")»]

        def order(number):
            return [«ask_twice(number)», «ask(number, "c")»]
        """,
        style,
        tag=lambda number: ("tag", number),
    )


def expected_turns(number):
    def answers(*questions):
        return [(("tag", number), (number, question)) for question in questions]

    return (
        [[(number, question)] for question in "abc"],
        [answers("a", "b"), *answers("c")],
    )


@each_style
def test_conversations_in_many_threads_never_mix(style):
    order = many_turns(style)
    threads = 8
    together = threading.Barrier(threads)

    def conversation(number):
        kept, messages = InMemoryPersistence(), []
        together.wait()
        for response in [None, *((number, question) for question in "abc")]:
            result = run_gen_dialog(order(number), kept, response)
            messages += [result.messages] if result.messages else []
        return messages, result.return_value

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(conversation, range(8 * threads)))

    assert results == [expected_turns(number) for number in range(8 * threads)]


@each_style
async def test_conversations_in_many_tasks_never_mix(style):
    """Given async functions that all wait for one another in the middle of their steps."""
    tasks = 20
    everybody = [asyncio.Event() for _ in range(tasks)]

    async def meet(number):
        everybody[number].set()
        await everybody[(number + 1) % tasks].wait()
        return step_key(), number

    order = written(
        """
        def inner(number):
            «send_message(number)»
            key, met = «call(meet, number)»
            return key, met, «get_client_response()»

        def order(number):
            return «inner(number)»
        """,
        style,
        meet=meet,
    )

    async def conversation(number):
        kept = InMemoryPersistence()
        first = await run_async_gen_dialog(order(number), kept, "", conversation_id=str(number))
        await asyncio.sleep(0)
        result = await run_async_gen_dialog(
            order(number), kept, number, conversation_id=str(number)
        )
        return first.messages, result.return_value

    results = await asyncio.gather(*map(conversation, range(tasks)))

    for number, (messages, (key, met, answer)) in enumerate(results):
        assert (messages, met, answer) == ([number], number, number)
        assert key.startswith(f"{number}/")


def test_conversations_in_many_trio_tasks_never_mix():
    order = many_turns("plain")
    results = {}

    async def conversation(number):
        kept, messages = InMemoryPersistence(), []
        for response in [None, *((number, question) for question in "abc")]:
            await trio.lowlevel.checkpoint()
            result = await run_async_gen_dialog(order(number), kept, response)
            messages += [result.messages] if result.messages else []
        results[number] = messages, result.return_value

    async def main():
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(conversation, number)

    trio.run(main)

    assert results == {number: expected_turns(number) for number in range(10)}


async def test_plain_functions_of_threads_and_tasks_interleave(kept):
    """Given a plain function that blocks in a thread while another runs in this one."""
    inside, go_on = threading.Event(), threading.Event()

    def block():
        inside.set()
        assert go_on.wait(60)
        return "from the thread"

    @dialog
    def blocked():
        run(send_message("blocked"))
        return run(call(block))

    @dialog
    def free():
        run(send_message("free"))
        return run(call(str, "from the loop"))

    in_thread = asyncio.to_thread(run_dialog, blocked(), kept, "")
    task = asyncio.create_task(in_thread)
    await asyncio.to_thread(inside.wait, 60)
    result = await run_async_gen_dialog(free(), InMemoryPersistence(), "")
    go_on.set()

    assert result == DialogStepDone("from the loop", ["free"])
    assert await task == DialogStepDone("from the thread", ["blocked"])


def test_one_persistence_per_conversation_keeps_them_apart():
    keepers = [InMemoryPersistence() for _ in range(3)]
    names = ["Ada", "Bob", "Eve"]
    for kept in keepers:
        run_gen_dialog(greet(), kept, "")

    results = [run_gen_dialog(greet(), *each) for each in zip(keepers, names, strict=True)]

    assert [result.return_value for result in results] == names
