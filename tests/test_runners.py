import asyncio
import gc
import inspect

import pytest

from dialogs import (
    AsyncInSyncRun,
    DialogStepDone,
    DialogStepNotDone,
    InMemoryPersistence,
    NotAStep,
    NotSerializable,
    call,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    now,
    patched,
    randint,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
    send_message,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


async def awaited(runner, *args, **kwargs):
    """What a runner gives, awaited or not."""
    result = runner(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


each_runner = pytest.mark.parametrize(
    "runner", [run_gen_dialog, run_dialog, run_async_gen_dialog], ids=lambda fn: fn.__name__
)


@pytest.fixture
def kept():
    return InMemoryPersistence()


@dialog
def greet():
    yield send_message("Who is there?")
    name = yield get_client_response()
    yield send_message(f"Hello, {name}!")
    return name


# --- one turn after another -------------------------------------------------------------------


@each_runner
async def test_a_conversation_from_start_to_end(kept, runner):
    first = await awaited(runner, greet(), kept, "ignored")
    second = await awaited(runner, greet(), kept, "Ada")

    assert first == DialogStepNotDone(["Who is there?"])
    assert first.is_done is False
    assert second == DialogStepDone("Ada", ["Hello, Ada!"])
    assert second.is_done is True


@each_runner
async def test_the_first_response_answers_nothing(kept, runner):
    """Even one that the log could not keep."""
    assert not (await awaited(runner, get_client_response(), kept, object())).is_done
    assert (await awaited(runner, get_client_response(), kept, "x")).return_value == "x"


@each_runner
async def test_once_done_a_dialog_is_done_for_ever_and_silent(kept, runner):
    performed = []

    @dialog
    def order():
        yield call(performed.append, 1)
        yield send_message("Thank you!")
        return {"items": [1, (2, 3)]}

    done = await awaited(runner, order(), kept, "")
    log = kept.log

    for response in ["", "again", None, object()]:
        later = await awaited(runner, order(), kept, response)
        assert later == DialogStepDone({"items": [1, (2, 3)]}, [])
        assert type(later.return_value["items"][1]) is tuple
    assert done.messages == ["Thank you!"]
    assert performed == [1]
    assert kept.log == log


@each_runner
async def test_a_done_conversation_does_not_care_what_became_of_its_dialog(kept, runner):
    await awaited(runner, send_message("hi"), kept, "")

    @dialog(version="2")
    def other():
        yield send_message("never said")

    @dialog
    def fallback():
        yield send_message("never said either")

    assert await awaited(runner, other(), kept, "", fallback()) == DialogStepDone(None, [])


@each_runner
async def test_a_done_log_is_small_whatever_was_said_before(kept, runner):
    @dialog
    def order():
        for number in range(100):
            yield call(str, number)
        return "x"

    await awaited(runner, order(), kept, "")

    assert len(kept.log) < 50


# --- what a runner takes ----------------------------------------------------------------------

BARE = [
    (send_message("hi"), None, ["hi"]),
    (call(len, "abc"), 3, []),
    (randint(4, 4), 4, []),
    (patched("x"), True, []),
    (gather(send_message("a"), call(len, "abc"), send_message("b")), [None, 3, None], ["a", "b"]),
    (gather(), [], []),
]


@each_runner
@pytest.mark.parametrize(("step", "value", "messages"), BARE, ids=lambda value: repr(value)[:30])
async def test_a_bare_step_is_done_at_once(kept, runner, step, value, messages):
    assert await awaited(runner, step, kept, "") == DialogStepDone(value, messages)
    assert await awaited(runner, step, kept, "") == DialogStepDone(value, [])


@each_runner
async def test_a_bare_wait_takes_two_turns(kept, runner):
    assert await awaited(runner, get_client_response(), kept, "") == DialogStepNotDone([])
    assert await awaited(runner, get_client_response(), kept, "x") == DialogStepDone("x", [])


@each_runner
async def test_a_bare_now_is_recorded(kept, runner):
    first = await awaited(runner, now(), kept, "")

    assert (await awaited(runner, now(), kept, "")).return_value == first.return_value


async def test_a_bare_coroutine_is_a_step_too(kept):
    async def fetch():
        await asyncio.sleep(0)
        return 5

    assert await run_async_gen_dialog(fetch(), kept, "") == DialogStepDone(5, [])
    assert await run_async_gen_dialog(fetch(), kept, "") == DialogStepDone(5, [])
    with pytest.raises(AsyncInSyncRun, match="fetch"):
        run_gen_dialog(fetch(), InMemoryPersistence(), "")
    gc.collect()


@each_runner
@each_style
async def test_every_runner_takes_every_style_that_it_can_perform(kept, runner, style):
    order = written(
        """
        def order():
            «send_message("Item?")»
            return «get_client_response()»
        """,
        style,
    )

    assert await awaited(runner, order(), kept, "") == DialogStepNotDone(["Item?"])
    assert await awaited(runner, order(), kept, "tea") == DialogStepDone("tea", [])


@each_runner
async def test_a_dialog_may_be_handed_over_without_a_call(kept, runner):
    assert (await awaited(runner, greet, kept, "")).messages == ["Who is there?"]
    assert (await awaited(runner, greet(), kept, "Ada")).return_value == "Ada"


@each_runner
@pytest.mark.parametrize("value", [5, None, "text", print, [send_message("hi")], (x for x in [])])
async def test_anything_else_is_refused(kept, runner, value):
    with pytest.raises(NotAStep, match="@dialog"):
        await awaited(runner, value, kept, "")
    with pytest.raises(NotAStep, match="@dialog"):
        await awaited(runner, greet(), kept, "", value if value is not None else 5)
    assert kept.log is None


# --- what is raised ---------------------------------------------------------------------------


@each_runner
@each_style
async def test_an_exception_undoes_the_whole_turn_and_bricks_nothing(kept, runner, style):
    """Given a dialog that fails in its second turn, after steps and messages of that turn."""
    performed = []
    order = written(
        """
        def order():
            «send_message("Item?")»
            item = «get_client_response()»
            «call(performed.append, item)»
            «send_message("Thank you!")»
            if len(performed) < 3:
                raise LookupError(item)
            return item, «get_client_response()»
        """,
        style,
        performed=performed,
    )
    await awaited(runner, order(), kept, "")
    before = kept.log

    for _ in range(2):
        with pytest.raises(LookupError, match="tea"):
            await awaited(runner, order(), kept, "tea")
        assert kept.log == before

    assert await awaited(runner, order(), kept, "milk") == DialogStepNotDone(["Thank you!"])
    assert (await awaited(runner, order(), kept, "x")).return_value == ("milk", "x")
    assert performed == ["tea", "tea", "milk"]


@each_runner
async def test_the_exception_is_the_dialogs_own(kept, runner):
    error = LookupError("tea")

    @dialog
    def order():
        yield call(int)
        raise error

    with pytest.raises(LookupError) as caught:
        await awaited(runner, order(), kept, "")

    assert caught.value is error
    assert "order" in [entry.name for entry in caught.traceback]


@each_runner
async def test_a_result_that_the_log_cannot_keep_is_refused(kept, runner):
    @dialog
    def order():
        yield send_message("hi")
        return {"x": object()}

    with pytest.raises(NotSerializable, match="'order'") as caught:
        await awaited(runner, order(), kept, "")

    assert caught.value.path == "value['x']"
    assert kept.log is None


@each_runner
async def test_a_result_is_the_decoded_copy(kept, runner):
    shared = [1]

    @dialog
    def order():
        yield call(int)
        return shared

    result = await awaited(runner, order(), kept, "")
    shared.append(2)

    assert result.return_value == [1]


# --- async generators as roots ----------------------------------------------------------------


async def test_the_async_runner_by_its_name(kept):
    @dialog
    async def game():
        yield send_message("Guess!")
        await asyncio.sleep(0)
        guess = yield get_client_response()
        yield dialog_result(guess)

    assert await run_async_gen_dialog(game(), kept, "") == DialogStepNotDone(["Guess!"])
    with pytest.warns(UserWarning, match=r"asyncio|awaits"):
        result = await run_async_gen_dialog(game(), kept, "7")
    assert result == DialogStepDone("7", [])
