"""Asking, before a deployment, which open conversations the new code would refuse."""

import pytest

from dialogs import (
    Interrupt,
    LogError,
    Orchestrator,
    ReplayError,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
)
from dialogs.stores import MemoryStore
from tests.orchestrator.bots import orchestrator
from tests.written import STYLES, written

ORDER = """
    def ask():
        «send_message("What?")»
        return «get_client_response()»

    def order():
        what = «ask()»
        «call(charge)»
        «send_message("Where to?")»
        where = «get_client_response()»
        return what, where
"""


def charge():
    charged.append(1)


charged = []


def edited(style, before="", after=""):
    return written(ORDER.replace(before, after), style, charge=charge)


async def misfits(bot):
    return {chat_id: error async for chat_id, error in bot.check()}


@pytest.fixture(params=STYLES)
def style(request):
    return request.param


@pytest.fixture
async def store(style):
    """Conversations at both questions, and one that is over."""
    store = MemoryStore()
    bot = orchestrator(edited(style), store=store)
    for chat_id, words in {"first": [], "second": ["tea"], "over": ["tea", "Rome"]}.items():
        await bot.start(chat_id)
        for word in words:
            await bot.handle_message(chat_id, word)
    charged.clear()
    return store


async def test_code_that_has_not_changed_fits_and_nothing_is_performed(store, style):
    bodies = [stored.body async for stored in store.scan(now=0.0)]
    assert await misfits(orchestrator(edited(style), store=store)) == {}
    assert charged == []
    assert [stored.body async for stored in store.scan(now=0.0)] == bodies


async def test_those_whom_an_edit_leaves_behind_are_named_with_their_error(store, style):
    code = edited(style, '«send_message("Where to?")»', '«send_message("Which town?")»')
    found = await misfits(orchestrator(code, store=store))
    assert list(found) == ["second"]
    assert isinstance(found["second"], ReplayError)
    assert "'second'" in str(found["second"])
    assert charged == []


async def test_an_edit_behind_where_they_wait_leaves_nobody_behind(store, style):
    code = edited(
        style, "return what, where", '«send_message("Thanks.")»\n        return what, where'
    )
    assert await misfits(orchestrator(code, store=store)) == {}


async def test_a_new_version_starts_those_anew_who_are_in_it(store, style):
    @dialog(version="2")
    def order():
        yield call(charge)
        return (yield get_client_response())

    assert await misfits(orchestrator(order, store=store)) == {"first": None, "second": None}
    assert charged == []


@dialog
def sorry():
    yield send_message("We have changed. Shall we begin again?")
    return (yield get_client_response())


async def test_a_fallback_starts_those_anew_whom_an_edit_would_leave_behind(store, style):
    code = edited(style, '«send_message("Where to?")»', '«send_message("Which town?")»')
    assert await misfits(orchestrator(code, store=store, fallback=sorry)) == {"second": None}


async def test_who_waits_in_the_fallback_goes_on_there_as_long_as_it_is_given(store, style):
    code = edited(style, '«send_message("Where to?")»', '«send_message("Which town?")»')
    bot = orchestrator(code, store=store, fallback=sorry)
    assert (await bot.handle_message("second", "Rome")).messages == [
        "We have changed. Shall we begin again?"
    ]
    assert await misfits(bot) == {}
    assert await misfits(orchestrator(code, store=store)) == {"second": None}


async def test_code_that_raises_where_it_is_replayed_is_told_of(store, style):
    code = edited(style, "what = «ask()»", "1 / 0\n        what = «ask()»")
    assert set(map(type, (await misfits(orchestrator(code, store=store))).values())) <= {
        ReplayError,
        ZeroDivisionError,
    }


async def test_an_interrupt_that_is_gone_ends_what_is_open_of_it():
    @dialog
    def helping():
        yield send_message("With what?")
        yield get_client_response()

    store = MemoryStore()
    bot = orchestrator(store=store, interrupts=[Interrupt("/help", helping)])
    await bot.start("c")
    await bot.handle_message("c", "/help")
    assert await misfits(bot) == {}
    assert await misfits(orchestrator(store=store)) == {"c": None}


async def test_a_conversation_that_cannot_be_read_is_raised_after_the_others():
    store = MemoryStore()
    bot = orchestrator(store=store)
    for chat_id in "ab":
        await bot.start(chat_id)
    claim = await store.claim("a", now=0.0, lease_s=1)
    await store.commit(claim, b"nonsense", now=0.0, status="ERROR")

    @dialog(name="greet")
    def other():
        yield sleep(1)

    found = []

    async def check():
        async for chat_id, _ in Orchestrator(other, store=store).check():
            found.append(chat_id)

    with pytest.raises(LogError):
        await check()
    assert found == ["b"]
