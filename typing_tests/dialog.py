"""What `@dialog` makes of a function, as a type checker sees it. Checked by mypy, never run."""

from collections.abc import AsyncGenerator, Generator
from typing import Any, assert_type

from dialogs import (
    Dialog,
    DialogGen,
    dialog,
    dialog_result,
    get_client_response,
    run,
    send_message,
)

# --- the four styles --------------------------------------------------------------------------


@dialog
def generator(item: str, amount: int = 1) -> DialogGen[float]:
    yield send_message(item)
    return amount * 1.5


@dialog
def full_generator(item: str) -> Generator[Any, Any, float]:
    yield send_message(item)
    return 1.5


@dialog
async def coroutine(item: str, *, gift: bool = False) -> bytes:
    await send_message(item)
    return item.encode()


@dialog
async def async_generator(item: str) -> AsyncGenerator[Any, Any]:
    answer = yield get_client_response()
    yield dialog_result((item, answer))


@dialog
def plain(item: str) -> list[int]:
    run(send_message(item))
    return [1]


assert_type(generator("tea"), Dialog[float])
assert_type(generator("tea", amount=2), Dialog[float])
assert_type(full_generator("tea"), Dialog[float])
assert_type(coroutine("tea", gift=True), Dialog[bytes])
assert_type(async_generator("tea"), Dialog[Any])
assert_type(plain("tea"), Dialog[list[int]])
assert_type(generator("tea").name, str)
assert_type(generator("tea").version, str)
assert_type(generator("tea").named("drink"), Dialog[float])


# --- with arguments ---------------------------------------------------------------------------


@dialog()
def called() -> DialogGen[float]:
    yield send_message("hi")
    return 1.5


@dialog(version="1.1", name="order")
async def versioned(item: str) -> bytes:
    return item.encode()


@dialog(version="2")
def versioned_plain(item: str) -> int:
    return len(item)


@dialog(name="agen")
async def named_async_generator() -> AsyncGenerator[Any, Any]:
    yield dialog_result(5)


assert_type(called(), Dialog[float])
assert_type(versioned("tea"), Dialog[bytes])
assert_type(versioned_plain("tea"), Dialog[int])
assert_type(named_async_generator(), Dialog[Any])


# --- methods ----------------------------------------------------------------------------------


class Shop:
    @dialog
    def order(self, item: str) -> DialogGen[float]:
        assert_type((yield from self.count(item)), int)
        return 1.5

    @dialog(version="2")
    async def count(self, item: str) -> int:
        return len(item)

    @staticmethod
    @dialog
    def greet(who: str) -> DialogGen[str]:
        yield send_message(who)
        return who


assert_type(Shop().order("tea"), Dialog[float])
assert_type(Shop().count("tea"), Dialog[int])
assert_type(Shop.order(Shop(), "tea"), Dialog[float])
assert_type(Shop.greet("Ada"), Dialog[str])


# --- dialogs inside dialogs -------------------------------------------------------------------


@dialog
def outer() -> DialogGen[tuple[float, bytes, Any, list[int]]]:
    one = yield from generator("tea")
    two = yield from coroutine("tea")
    three = yield from async_generator("tea")
    four = yield from plain("tea")
    return one, two, three, four


@dialog
async def async_outer() -> tuple[float, bytes, list[int]]:
    return await generator("tea"), await coroutine("tea"), await plain("tea")


@dialog
def plain_outer() -> tuple[float, bytes, list[int]]:
    return run(generator("tea")), run(coroutine("tea")), run(plain("tea"))


# --- mistakes ---------------------------------------------------------------------------------

generator(5)  # type: ignore[arg-type]
generator("tea", price=5)  # type: ignore[call-arg]
coroutine()  # type: ignore[call-arg]
Shop().order(5)  # type: ignore[arg-type]
versioned(5)  # type: ignore[arg-type]
dialog(5)  # type: ignore[call-overload]
dialog(version=2)  # type: ignore[call-overload]
dialog(name=b"order")  # type: ignore[call-overload]
wrong: Dialog[str] = generator("tea")  # type: ignore[assignment]
