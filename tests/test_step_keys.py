import asyncio

import pytest

from dialogs import (
    InMemoryPersistence,
    UsageError,
    call,
    continue_as_new,
    dialog,
    gather,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_gen_dialog,
    step_key,
)
from tests.talking import talk
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


# --- step_key ---------------------------------------------------------------------------------


@pytest.fixture
def keys():
    return []


def test_a_steps_key_is_the_same_when_its_turn_is_tried_again(kept, keys):
    def charge():
        keys.append(step_key())
        if len(keys) < 3:
            raise ConnectionError

    @dialog
    def pay():
        yield call(int)
        yield call(charge)

    @dialog
    def order():
        yield get_client_response()
        yield pay()

    talk(order(), kept, "")
    for _ in range(2):
        with pytest.raises(ConnectionError):
            run_gen_dialog(order(), kept, "yes")
    assert talk(order(), kept, "yes").is_done

    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_steps_key_is_the_same_when_the_log_could_not_be_saved(kept, keys):
    class Full(InMemoryPersistence):
        def save(self, log):
            raise OSError(28, "No space left on device")

    full = Full()
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            run_gen_dialog(call(lambda: keys.append(step_key())), full, "")

    assert len(set(keys)) == 1


def test_another_step_at_the_same_place_has_another_key(kept, keys):
    """Given a failed turn; when another answer leads to another step in the turn tried again."""

    def charge():
        keys.append(step_key())
        raise ConnectionError

    def refund():
        keys.append(step_key())

    @dialog
    def order():
        if (yield get_client_response()) == "charge":
            yield call(charge)
        yield call(refund)

    talk(order(), kept, "")
    with pytest.raises(ConnectionError):
        run_gen_dialog(order(), kept, "charge")
    talk(order(), kept, "refund")

    assert len(set(keys)) == 2


@each_style
def test_every_step_of_a_conversation_has_its_own_key(kept, keys, style):
    def note():
        keys.append(step_key())

    order = written(
        """
        def leaf():
            «call(note)»
            «gather(call(note), gather(call(note), call(note)), call(note))»
            «call(note)»

        def branch():
            «call(note)»
            «leaf()»
            «leaf()»
            «get_client_response()»
            «gather(leaf(), leaf())»
            «call(note)»

        def order():
            «branch()»
            «call(note)»
            «branch()»
            «call(note)»
        """,
        style,
        note=note,
    )()

    assert talk(order, kept, "", "a", "b").is_done

    leaf = 6
    branch = 1 + leaf + leaf + 2 * leaf + 1
    assert len(keys) == 2 * (branch + 1)
    assert len(set(keys)) == len(keys)


def test_conversations_have_different_keys(keys):
    step = call(lambda: keys.append(step_key()))
    for _ in range(3):
        run_gen_dialog(step, InMemoryPersistence(), "")
    for conversation_id in ["a", "b", "a/0", "a/0.0"]:
        run_gen_dialog(step, InMemoryPersistence(), "", conversation_id=conversation_id)

    assert len(set(keys)) == len(keys) == 7


def test_a_conversation_that_starts_anew_has_new_keys(kept, keys):
    def order(version):
        @dialog(version=version)
        def order():
            yield call(lambda: keys.append(step_key()))
            yield get_client_response()

        return order()

    @dialog
    def fallback():
        yield call(lambda: keys.append(step_key()))

    for version in ["1", "2", "3"]:
        run_gen_dialog(order(version), kept, "")
    run_gen_dialog(order("4"), kept, "", fallback())

    assert len(keys) == 5
    assert len(set(keys)) == 5


def test_a_subdialog_that_starts_anew_has_new_keys(kept, keys):
    def order(version):
        @dialog(version=version)
        def inner():
            yield call(lambda: keys.append(step_key()))
            yield get_client_response()

        @dialog
        def order():
            yield inner()

        return order()

    for version in ["1", "2", "3"]:
        run_gen_dialog(order(version), kept, "")

    assert len(set(keys)) == len(keys) == 3


def test_each_round_of_continue_as_new_has_new_keys(kept, keys):
    @dialog
    def loop(number):
        yield call(lambda: keys.append(step_key()))
        yield get_client_response()
        yield continue_as_new(loop(number + 1))

    @dialog
    def outer():
        yield loop(0)

    for responses in [("", "a", "b"), ("", "a", "b")]:
        kept.log = None
        kept.conversation_id += "x"
        talk(loop(0), kept, *responses)
    other = InMemoryPersistence()
    talk(outer(), other, "", "a", "b")

    assert len(set(keys)) == len(keys) == 9


async def test_concurrent_steps_have_their_own_keys(kept, keys):
    started = [asyncio.Event() for _ in range(3)]

    async def note(number):
        started[number].set()
        for event in started:
            await event.wait()
        keys.append((number, step_key()))

    @dialog
    def order():
        yield gather(*(call(note, number) for number in range(3)))

    await run_async_gen_dialog(order(), kept, "")

    assert len({key for _, key in keys}) == 3


async def test_coroutines_and_plain_functions_in_async_runs_have_keys(kept, keys):
    async def note():
        await asyncio.sleep(0)
        keys.append(step_key())

    @dialog
    def order():
        run(note())
        run(call(note))
        run(gather(note(), note()))

    await run_async_gen_dialog(order(), kept, "")

    assert len(set(keys)) == len(keys) == 4


@each_style
@pytest.mark.parametrize("outer", [None, "generator", "plain"])
def test_code_between_steps_has_no_key(kept, style, outer):
    order = written("def order():\n    step_key()\n    «get_client_response()»", style)
    if outer is not None:
        order = written("def outer():\n    return «order()»", outer, order=order)

    with pytest.raises(UsageError, match="where no step is being performed"):
        run_gen_dialog(order(), kept, "")
    with pytest.raises(UsageError, match="where no step is being performed"):
        step_key()


def test_a_key_starts_with_the_conversations_id(kept):
    step = call(step_key)

    assert run_gen_dialog(step, kept, "").return_value.startswith(f"{kept.conversation_id}/")
    named = run_gen_dialog(step, InMemoryPersistence(), "", conversation_id="web:42")
    assert named.return_value.startswith("web:42/")
