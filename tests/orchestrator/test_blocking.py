"""The blocking face: the orchestrator's methods without await; opening and closing."""

import asyncio
import inspect
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dialogs import (
    BlockingOrchestrator,
    Orchestrator,
    Status,
    StoreUnavailable,
    UsageError,
    call,
    dialog,
    send_message,
    wait_for_signal,
)
from dialogs.stores import MemoryStore, SQLiteStore
from tests.orchestrator.blocked import blocking, collect, wait_for


@dialog
def order():
    yield send_message("Pay, please.")
    receipt = yield wait_for_signal("paid", timeout=60)
    return f"paid: {receipt}"


# --- the same methods -------------------------------------------------------------------------


def test_a_conversation_can_be_held_without_awaiting():
    with blocking(collect) as conversations:
        assert (
            conversations.handle_message("ada", "hi", message_id="1").status
            == "WAITING_FOR_RESPONSE"
        )
        turn = conversations.handle_message("ada", "one", message_id="2")
        assert turn.messages == ["1"]
        assert conversations.handle_message("ada", "one", message_id="2").duplicate
        stale = conversations.handle_message("ada", "two", in_reply_to="another prompt")
        assert stale.stale
        assert conversations.handle_message("ada", "stop", in_reply_to=turn.prompt).result == [
            "one"
        ]


def test_signals_start_cancel_and_forget_do_what_the_orchestrator_does():
    with blocking(order) as conversations:
        assert conversations.start("ada").messages == ["Pay, please."]
        assert conversations.signal("ada", "paid", "R-7", message_id="1").result == "paid: R-7"
        assert conversations.signal("ada", "paid", "R-7", message_id="1").duplicate
        conversations.start("bob")
        assert conversations.cancel("bob").status is Status.CANCELLED
        assert conversations.forget("bob")
        assert not conversations.forget("bob")


def test_conversations_can_be_looked_at_and_listed_by_status():
    with blocking(order) as conversations:
        conversations.start("ada")
        conversations.start("bob")
        conversations.signal("bob", "paid", "R-8")
        assert conversations.conversation("ada").waiting.startswith("wait_for_signal paid in order")
        assert conversations.conversation("eve") is None
        assert {chat_id for chat_id, _ in conversations.conversations()} == {"ada", "bob"}
        [(chat_id, conversation)] = conversations.conversations(Status.COMPLETED)
        assert (chat_id, conversation.result) == ("bob", "paid: R-8")
        with pytest.raises(UsageError, match="is no status"):
            conversations.conversations("SLEEPY")


def test_it_has_every_method_of_the_orchestrator_with_its_arguments():
    def methods(kind):
        return {
            name: str(inspect.signature(method).replace(return_annotation=None))
            for name, method in vars(kind).items()
            if not name.startswith("_")
        }

    # What sets an orchestrator up is called on it, before.
    expected = methods(Orchestrator)
    del expected["attach"], expected["add_root"]
    assert expected.items() <= methods(BlockingOrchestrator).items()


def test_a_dialogs_exception_comes_through_unchanged_and_the_next_call_works():
    class OutOfDough(Exception):
        pass

    error = OutOfDough("no more pizza")
    failing = True

    def bake():
        if failing:
            raise error

    @dialog
    def pizza():
        # Not inside of a step: the log would keep it.
        bake()
        yield send_message("Here it is.")

    with blocking(pizza) as conversations:
        with pytest.raises(OutOfDough) as caught:
            conversations.handle_message("ada", "hungry")
        assert caught.value is error
        assert conversations.conversation("ada").status is Status.ERROR
        failing = False
        assert conversations.handle_message("ada", "hungry").messages == ["Here it is."]


def test_a_stores_error_comes_through_from_a_call_and_from_opening(tmp_path):
    (tmp_path / "bot.db").write_text("my shopping list, which is no database at all")
    conversations = blocking(collect, store=SQLiteStore(tmp_path / "bot.db"))
    with pytest.raises(StoreUnavailable), conversations:
        pytest.fail("it opened")
    with pytest.raises(UsageError, match="is not open"):
        conversations.start("ada")

    (tmp_path / "bot.db").unlink()
    with conversations:
        conversations.start("ada")


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt])
def test_what_would_end_the_event_loop_ends_only_the_call(leaving):
    @dialog
    def leave(opening):
        if opening == "leave":
            raise leaving(3)
        yield send_message("Still here.")

    with blocking(leave) as conversations:
        with pytest.raises(leaving) as caught:
            conversations.handle_message("ada", "leave")
        assert caught.value.args == (3,)
        assert conversations.handle_message("bob", "stay").messages == ["Still here."]


# --- opening and closing ----------------------------------------------------------------------


def test_it_cannot_be_used_before_it_is_opened_nor_after_it_is_closed():
    conversations = blocking(collect)
    with pytest.raises(UsageError, match="used before open"):
        conversations.handle_message("ada", "hi")
    with conversations:
        conversations.handle_message("ada", "hi")
    for use in (lambda: conversations.handle_message("ada", "hi"), conversations.start_timers):
        with pytest.raises(UsageError, match="is not open"):
            use()


def test_it_can_be_opened_again_and_closed_twice(tmp_path):
    conversations = blocking(collect, store=SQLiteStore(tmp_path / "bot.db"))
    conversations.close()
    for number in range(3):
        conversations.open()
        if not number:
            conversations.start("ada")
        conversations.handle_message("ada", number)
        conversations.close()
        conversations.close()
    with conversations:
        assert conversations.handle_message("ada", "stop").result == [0, 1, 2]


def test_it_cannot_be_opened_twice():
    with blocking(collect) as conversations:
        with pytest.raises(UsageError, match="opened twice"):
            conversations.open()
        conversations.start("ada")


def test_closing_waits_for_the_calls_of_other_threads_and_closes_the_store_after_them():
    under_way, go_on = threading.Event(), threading.Event()

    async def think():
        under_way.set()
        await asyncio.to_thread(go_on.wait, 60)

    @dialog
    def thoughtful():
        yield call(think)
        return "thought"

    done = []

    class Watched(MemoryStore):
        async def commit(self, *args, **kwargs):
            done.append("commit")
            return await super().commit(*args, **kwargs)

        async def close(self):
            done.append("close")

    conversations = blocking(thoughtful, store=Watched())
    conversations.open()
    with ThreadPoolExecutor(2) as threads:
        turn = threads.submit(conversations.start, "ada")
        assert under_way.wait(60)
        closing = threads.submit(conversations.close)
        wait_for(lambda: is_closed(conversations))
        assert done == []
        go_on.set()
        assert turn.result(60).result == "thought"
        closing.result(60)
    assert done == ["commit", "close"]


def is_closed(conversations):
    try:
        conversations.conversation("bob")
    except UsageError as error:
        return "is not open" in str(error)
    return False


def test_a_dialog_that_calls_it_is_told_why_that_would_hang():
    @dialog
    def meddling():
        yield call(lambda: conversations.start("bob"))

    own_loop = pytest.raises(UsageError, match="would wait for its own event loop")
    with blocking(meddling) as conversations, own_loop:
        conversations.start("ada")


def test_an_exception_inside_of_the_block_closes_it_too():
    conversations = blocking(collect)
    with pytest.raises(ZeroDivisionError), conversations:
        raise ZeroDivisionError
    with pytest.raises(UsageError, match="is not open"):
        conversations.start("ada")


def test_without_anyio_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anyio", None)
    with pytest.raises(UsageError, match=r'pip install "resumable-dialogs\[blocking\]"'):
        blocking(collect)
