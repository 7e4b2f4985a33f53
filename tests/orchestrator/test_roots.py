"""What opens a conversation: the root, its arguments, roots by name."""

import pytest

from dialogs import (
    NotAStep,
    Status,
    Turn,
    UnknownDialog,
    UsageError,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.bots import collect, greet, orchestrator
from tests.written import STYLES, written

GREET = """
    def greet():
        «send_message("Name?")»
        name = «get_client_response()»
        «send_message("Age?")»
        age = «get_client_response()»
        return name, age
"""
REPEAT = """
    def repeat(opening):
        «send_message(("opened", opening))»
        return opening, «get_client_response()»
"""


# --- roots ------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
async def test_a_conversation_goes_from_its_first_message_to_its_end(style):
    bot = orchestrator(written(GREET, style))

    turn = await bot.handle_message("c", "hi")
    assert turn == Turn(
        "c", ["Name?"], Status.WAITING_FOR_RESPONSE, prompt=turn.prompt, wake_at=None
    )
    assert turn.prompt is not None
    turn = await bot.handle_message("c", "Ada")
    assert (turn.messages, turn.status) == (["Age?"], Status.WAITING_FOR_RESPONSE)
    turn = await bot.handle_message("c", 36)
    assert turn == Turn("c", [], Status.COMPLETED, ("Ada", 36))


@pytest.mark.parametrize("style", STYLES)
async def test_a_root_may_take_the_opening_message(style):
    bot = orchestrator(written(REPEAT, style))

    assert (await bot.handle_message("c", "hi")).messages == [("opened", "hi")]
    assert (await bot.handle_message("c", "there")).result == ("hi", "there")


@pytest.mark.parametrize("style", STYLES)
async def test_a_root_that_takes_the_opening_message_gets_none_from_start(style):
    bot = orchestrator(written(REPEAT, style))

    assert (await bot.start("c")).messages == [("opened", None)]
    assert (await bot.handle_message("c", "there")).result == (None, "there")


async def test_each_run_is_opened_by_its_own_message():
    bot = orchestrator(written(REPEAT))
    for opening in ("one", {"two": [2]}, ("three",)):
        await bot.handle_message("c", opening)
        assert (await bot.handle_message("c", "x")).result == (opening, "x")


async def test_a_root_that_changes_its_opening_message_changes_only_a_copy():
    @dialog
    def order(opening):
        item = opening.pop("item")
        opening["seen"] = True
        yield send_message(f"{item}?")
        yes = yield get_client_response()
        return item, yes, opening

    bot, opening = orchestrator(order), {"item": "tea"}
    await bot.handle_message("c", opening)
    assert opening == {"item": "tea"}
    assert (await bot.conversation("c")).opening == {"item": "tea"}
    turn = await bot.handle_message("c", "yes")
    assert turn.result == ("tea", "yes", {"seen": True})


async def test_a_call_can_be_the_root_and_then_the_opening_message_is_not_given():
    @dialog
    def greet_in(language, polite=False):
        yield send_message((language, polite))
        return (yield get_client_response())

    bot = orchestrator(greet_in("en", polite=True))
    assert (await bot.handle_message("c", "hi")).messages == [("en", True)]
    assert (await bot.handle_message("c", "Ada")).result == "Ada"


async def test_an_argument_with_a_default_is_the_opening_message_too():
    @dialog
    def root(opening="nothing", *, other=1):
        return opening, other
        yield

    bot = orchestrator(root)
    assert (await bot.handle_message("c", "hi")).result == ("hi", 1)
    assert (await bot.start("c")).result == (None, 1)


async def test_a_function_without_steps_is_a_dialog_of_one_turn():
    @dialog
    def double(opening):
        return opening * 2

    assert (await orchestrator(double).handle_message("c", 21)).result == 42


def test_what_is_no_dialog_cannot_be_the_root():
    def undecorated():
        yield send_message("hi")

    for root in (undecorated, "greet", None, send_message("hi"), undecorated()):
        with pytest.raises(NotAStep, match="is not a dialog"):
            orchestrator(root)


def test_a_root_that_needs_more_than_the_opening_message_is_refused():
    @dialog
    def two(a, b):
        yield

    @dialog
    def named(*, a):
        yield

    for root in (two, named):
        with pytest.raises(UsageError, match="opening message"):
            orchestrator(root)


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(UsageError, match="on_completed"):
        orchestrator(on_completed="again")
    for option in ("lease", "ttl", "patience", "poll"):
        with pytest.raises(UsageError, match=option):
            orchestrator(**{option: 0})


# --- roots by name ----------------------------------------------------------------------------


async def test_a_conversation_may_be_begun_with_another_root():
    @dialog
    def order(opening):
        yield send_message(f"Order {opening}?")
        return "ordered", (yield get_client_response())

    store, clock = MemoryStore(), FakeClock()
    one, other = (orchestrator(store=store, clock=clock) for _ in range(2))
    one.add_root("order", order)
    turn = await one.handle_message("c", "tea", root="order")
    assert turn.messages == ["Order tea?"]
    # Another process needs it too, and says so.
    with pytest.raises(UnknownDialog, match="add_root"):
        await other.handle_message("c", "yes")
    other.add_root("order", order)
    # An open conversation stays with its own.
    assert (await other.handle_message("c", "yes", root="")).result == ("ordered", "yes")
    assert (await other.handle_message("c", "hi")).messages == ["Name?"]
    assert (await other.start("d", root="order")).messages == ["Order None?"]


async def test_a_message_that_may_begin_nothing_is_stale_where_nothing_is_open():
    store = MemoryStore()
    bot = orchestrator(store=store)
    assert (await bot.handle_message("c", "Ada", root=None)).stale
    assert await store.load("c", now=0.0) is None
    await bot.start("c")
    assert (await bot.handle_message("c", "Ada", root=None)).messages == ["Age?"]


def test_a_root_has_a_name_of_its_own():
    bot = orchestrator()
    bot.add_root("greet", greet)
    for name in ("", "greet"):
        with pytest.raises(UsageError, match="cannot name another root"):
            bot.add_root(name, collect)
    with pytest.raises(NotAStep):
        bot.add_root("other", "collect")
