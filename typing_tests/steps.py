"""What each step answers, as a type checker sees it. Checked by mypy, never run."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, assert_type
from uuid import UUID

from dialogs import (
    DialogGen,
    Message,
    Step,
    call,
    choice,
    continue_as_new,
    dialog,
    gather,
    get_client_response,
    now,
    patched,
    randint,
    run,
    send_message,
    uuid4,
)


def price(item: str, amount: int = 1) -> float:
    return amount * 1.5


async def fetch(item: str) -> bytes:
    return item.encode()


def fetch_later(item: str) -> asyncio.Future[bytes]:
    return asyncio.ensure_future(fetch(item))


class Till:
    def add(self, amount: float) -> int:
        return int(amount)

    async def __call__(self, amount: float) -> str:
        return str(amount)


@dialog
def ask(question: str) -> DialogGen[str]:
    yield send_message(question)
    answer = yield from get_client_response()
    return str(answer)


# --- yield from -------------------------------------------------------------------------------


@dialog
def generator() -> DialogGen[None]:
    assert_type((yield from get_client_response()), Any)
    assert_type((yield from get_client_response(timeout=1.5)), Any)
    assert_type((yield from get_client_response(timeout=timedelta(hours=1))), Any)
    assert_type((yield from now()), datetime)
    assert_type((yield from randint(1, 6)), int)
    assert_type((yield from choice("abc")), str)
    assert_type((yield from choice([1, 2])), int)
    assert_type((yield from choice((b"a", b"b"))), bytes)
    assert_type((yield from uuid4()), UUID)
    assert_type((yield from patched("new-price")), bool)
    three = yield from gather(call(price, "tea"), fetch("tea"), ask("?"))
    assert_type(three, tuple[float, bytes, str])
    assert_type((yield from gather(now(), now(), now(), now(), now(), now())), list[datetime])
    assert_type((yield from call(price, "tea")), float)
    assert_type((yield from call(price, "tea", amount=2)), float)
    assert_type((yield from call(fetch, "tea")), bytes)
    assert_type((yield from call(fetch_later, "tea")), bytes)
    assert_type((yield from call(Till().add, 1.5)), int)
    assert_type((yield from call(Till(), 1.5)), str)
    assert_type((yield from call(lambda: 5)), int)
    assert_type((yield from call(len, "abc")), int)
    assert_type((yield from call(int)), int)
    assert_type((yield from call(sorted, [2, 1], reverse=True)), list[int])
    assert_type((yield from ask("Name?")), str)
    # What a plain `yield` is sent can have any type.
    assert_type((yield now()), Any)


# --- await ------------------------------------------------------------------------------------


@dialog
async def coroutine() -> None:
    assert_type(await get_client_response(), Any)
    assert_type(await now(), datetime)
    assert_type(await choice([1, 2]), int)
    assert_type(await patched("new-price"), bool)
    assert_type(await gather(now(), fetch("tea")), tuple[datetime, bytes])
    assert_type(await call(price, "tea"), float)
    assert_type(await call(fetch, "tea"), bytes)
    assert_type(await ask("Name?"), str)
    assert_type(await fetch("tea"), bytes)


# --- run --------------------------------------------------------------------------------------


@dialog
def plain() -> None:
    assert_type(run(get_client_response()), Any)
    assert_type(run(now()), datetime)
    assert_type(run(call(price, "tea")), float)
    assert_type(run(call(fetch, "tea")), bytes)
    assert_type(run(gather(now())), tuple[datetime])
    assert_type(run(ask("Name?")), str)
    assert_type(run(fetch("tea")), bytes)


# --- steps that end something, and steps as values --------------------------------------------


@dialog
def loop(number: int = 0) -> DialogGen[str]:
    if (yield from get_client_response()) == "stop":
        return "stopped"
    # It never comes back, so whatever is to be returned, this is.
    return (yield from continue_as_new(loop(number + 1)))


greeting: Step[None] = send_message(Message("Hello!"))
named: Step[None] = send_message("Hello!", name="greeting")
anything: Step[None] = send_message({"any": "value"})
price_of: Step[float] = call(price, "tea")
wider: Step[float | None] = call(price, "tea")
question: Step[str] = ask("Name?")
questions: list[Step[Any]] = [greeting, question, get_client_response(), now()]
everything = gather(*questions)
assert_type(everything, Step[list[Any]])
maker: Callable[[str], Step[str]] = ask


# --- mistakes ---------------------------------------------------------------------------------

call(price, 5)  # type: ignore[call-overload]
call(price)  # type: ignore[call-overload]
call(fetch, "tea", "milk")  # type: ignore[call-overload]
call("price")  # type: ignore[call-overload]
ask(5)  # type: ignore[arg-type]
ask()  # type: ignore[call-arg]
gather(5)  # type: ignore[call-overload]
run(5)  # type: ignore[call-overload]
randint("1", 6)  # type: ignore[arg-type]
choice(5)  # type: ignore[arg-type]
patched(5)  # type: ignore[arg-type]
get_client_response(timeout="soon")  # type: ignore[arg-type]
send_message("Hello!", name=5)  # type: ignore[arg-type]
continue_as_new(5)  # type: ignore[arg-type]
wrong: Step[str] = call(price, "tea")  # type: ignore[call-overload]


@dialog
def wrong_answer() -> DialogGen[str]:
    amount: int = yield from ask("How many?")  # type: ignore[assignment]
    return amount  # type: ignore[return-value]


@dialog
async def wrong_await() -> str:
    return await now()  # type: ignore[return-value]
