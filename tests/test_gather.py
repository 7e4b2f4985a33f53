import asyncio
import itertools

import pytest
import trio

from dialogs import (
    AsyncInSyncRun,
    DialogStepDone,
    InMemoryPersistence,
    NotAStep,
    NotSerializable,
    ReplayError,
    StepFailed,
    UsageError,
    call,
    dialog,
    gather,
    get_client_response,
    now,
    patched,
    randint,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


@pytest.fixture
def performed():
    return []


def talk(dialog, kept, *responses):
    for response in responses:
        result = run_gen_dialog(dialog, kept, response)
    return result


def turn(runner, dialog, kept, response):
    """One turn, as "sync", "asyncio" or "trio"."""
    if runner == "sync":
        return run_gen_dialog(dialog, kept, response)
    if runner == "asyncio":
        return asyncio.run(run_async_gen_dialog(dialog, kept, response))
    return trio.run(run_async_gen_dialog, dialog, kept, response)


# --- answers ----------------------------------------------------------------------------------


@each_style
def test_a_gather_is_answered_with_a_list_in_the_order_given(kept, style):
    order = written(
        """
        def size(number):
            «send_message(f"size {number}")»
            return number * 10

        def order():
            answers = «gather(call(str, 1), size(2), gather(), send_message("hi"), size(3))»
            return answers, «get_client_response()»
        """,
        style,
    )

    first = run_gen_dialog(order(), kept, "")

    assert first.messages == ["size 2", "hi", "size 3"]
    assert talk(order(), kept, "x").return_value == (["1", 20, [], None, 30], "x")


def test_every_kind_of_step_that_does_not_wait_can_be_gathered(kept):
    @dialog
    def order():
        return (yield gather(now(), randint(3, 3), patched("x"), call(int), *[call(str, 1)] * 2))

    answers = run_gen_dialog(order(), kept, "").return_value

    assert answers[1:] == [3, True, 0, "1", "1"]


def test_each_step_of_a_gather_is_performed_once(kept, performed):
    @dialog
    def order():
        yield gather(*(call(performed.append, number) for number in range(3)))
        yield get_client_response()
        yield get_client_response()

    talk(order(), kept, "", "a", "b")

    assert performed == [0, 1, 2]


def test_a_gather_is_one_record_known_by_what_it_gathers(kept):
    def order(*steps):
        @dialog
        def order():
            answers = yield gather(*steps)
            yield get_client_response()
            return answers

        return order()

    talk(order(call(str), call(int), call(int)), kept, "")

    for edited in [
        order(call(int), call(str), call(int)),
        order(call(str), call(int)),
        order(call(str), call(int), call(int), call(int)),
        order(call(str), call(int), call(float)),
        order(gather(call(str), call(int), call(int))),
        order(),
    ]:
        with pytest.raises(ReplayError, match=r"the log has gather\(call str, call int \*2\)"):
            run_gen_dialog(edited, kept, "x")
    same = order(call(str), call(int), call(int))
    assert talk(same, kept, "x").return_value == ["", 0, 0]


def test_questions_said_by_a_gather_do_not_change_places_unseen(kept):
    def order(*steps):
        @dialog
        def order():
            yield gather(*steps)
            yield get_client_response()

        return order()

    @dialog
    def say(words):
        yield send_message(words)

    talk(order(say("one"), say("two")), kept, "")

    with pytest.raises(ReplayError, match=r"two.*one"):
        run_gen_dialog(order(say("two"), say("one")), kept, "x")


# --- in turn, or at the same time -------------------------------------------------------------


def test_a_sync_run_performs_the_steps_one_after_another(kept, performed):
    @dialog
    def noted(number):
        yield call(performed.append, ("in", number))
        yield gather(call(performed.append, ("a", number)), call(performed.append, ("b", number)))
        yield call(performed.append, ("out", number))

    run_gen_dialog(gather(noted(1), noted(2)), kept, "")

    assert performed == [(name, number) for number in [1, 2] for name in ["in", "a", "b", "out"]]


class Meeting:
    """Lets nobody go on before all have arrived: proof that they are there at the same time."""

    def __init__(self, count, event):
        self.events = [event() for _ in range(count)]

    async def meet(self, number):
        self.events[number].set()
        for event in self.events:
            await event.wait()
        return number


def meeting_of(meeting, style):
    """Four who meet: a call, a coroutine, a dialog, and one in a gather in a dialog."""
    return written(
        """
        def guest(number):
            «send_message(f"guest {number}")»
            return «call(meeting.meet, number)»

        def host(number):
            return «gather(guest(number), call(str, number))»

        def party():
            return «gather(call(meeting.meet, 0), meeting.meet(1), guest(2), host(3))»
        """,
        style,
        meeting=meeting,
    )()


@each_style
async def test_an_async_run_performs_the_steps_at_the_same_time(kept, style):
    party = meeting_of(Meeting(4, asyncio.Event), style)

    result = await run_async_gen_dialog(party, kept, "")

    assert result == DialogStepDone([0, 1, 2, [3, "3"]], ["guest 2", "guest 3"])


@each_style
def test_an_async_run_under_trio_performs_the_steps_at_the_same_time(kept, style):
    party = meeting_of(Meeting(4, trio.Event), style)

    result = trio.run(run_async_gen_dialog, party, kept, "")

    assert result == DialogStepDone([0, 1, 2, [3, "3"]], ["guest 2", "guest 3"])


@each_style
async def test_sync_and_async_runs_write_the_same_log(kept, style):
    other = InMemoryPersistence()
    order = written(
        """
        def inner(number):
            «send_message(number)»
            return «call(str, number)»

        def order():
            answers = «gather(inner(1), gather(inner(2), call(fetch, 3)), inner(4))»
            return answers, «get_client_response()»
        """,
        style,
        fetch=str,
    )()

    for response in ["", "x"]:
        result = run_gen_dialog(order, kept, response)
        assert await run_async_gen_dialog(order, other, response) == result
        assert kept.log == other.log


# --- messages ---------------------------------------------------------------------------------


async def test_messages_are_in_the_order_given_whoever_is_first(kept):
    """Given three dialogs that finish in the opposite order."""
    finished = [asyncio.Event() for _ in range(4)]
    finished[3].set()

    async def wait_for_the_next(number):
        await finished[number + 1].wait()

    @dialog
    async def say(number):
        await send_message(("begin", number))
        await call(wait_for_the_next, number)
        await send_message(("end", number))
        finished[number].set()

    @dialog
    def order():
        yield send_message("before")
        yield gather(say(0), say(1), say(2))
        yield send_message("after")

    result = await run_async_gen_dialog(order(), kept, "")

    spoken = [(word, number) for number in range(3) for word in ["begin", "end"]]
    assert result.messages == ["before", *spoken, "after"]


# --- failures ---------------------------------------------------------------------------------


def fail(number):
    raise ValueError(number)


@each_style
@pytest.mark.parametrize("failing", [{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}])
def test_the_first_failure_in_the_order_given_is_thrown_when_all_have_ended(
    kept, performed, style, failing
):
    def perform(number):
        performed.append(number)
        if number in failing:
            raise ValueError(number)

    order = written(
        """
        def order():
            try:
                «gather(call(perform, 0), call(perform, 1), call(perform, 2))»
            except ValueError as error:
                return error.args, «get_client_response()»
        """,
        style,
        perform=perform,
    )

    assert talk(order(), kept, "", "x").return_value == ((min(failing),), "x")
    assert performed == [0, 1, 2]


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_the_first_in_order_is_thrown_even_if_it_fails_last(kept, performed, library):
    """Given two that fail, the later one in the order at once; and one that goes on for longer."""

    async def main():
        late_failed, done = (asyncio.Event(), asyncio.Event())
        if library == "trio":
            late_failed, done = trio.Event(), trio.Event()

        async def fail_last():
            await late_failed.wait()
            raise ValueError("first in order")

        async def fail_at_once():
            late_failed.set()
            raise KeyError("second in order")

        async def go_on():
            await late_failed.wait()
            performed.append("went on")
            done.set()

        @dialog
        def order():
            try:
                yield gather(call(fail_last), call(fail_at_once), call(go_on))
            except ValueError as error:
                return error.args

        return await run_async_gen_dialog(order(), kept, "")

    result = asyncio.run(main()) if library == "asyncio" else trio.run(main)

    assert result.return_value == ("first in order",)
    assert performed == ["went on"]


@each_style
def test_a_failed_gather_replays_as_the_same_failure(kept, performed, style):
    class OutOfStock(Exception):
        pass

    def reserve(number):
        performed.append(number)
        raise OutOfStock(number)

    order = written(
        """
        def pay():
            «call(reserve, 2)»

        def order():
            errors = []
            for step in [call(reserve, 1), pay()]:
                try:
                    «gather(call(int), step)»
                except StepFailed as error:
                    errors.append((error.type_name, error.message))
                «get_client_response()»
            return errors
        """,
        style,
        reserve=reserve,
    )

    result = talk(order(), kept, "", "a", "b")

    assert result.return_value == [("OutOfStock", "1"), ("OutOfStock", "2")]
    assert performed == [1, 2]


def test_messages_of_a_failed_gather_were_said(kept):
    @dialog
    def order():
        try:
            yield gather(send_message("one"), call(fail, 1), send_message("two"))
        except ValueError:
            yield send_message("Sorry!")

    assert run_gen_dialog(order(), kept, "").messages == ["one", "two", "Sorry!"]


def test_a_failure_caught_inside_a_branch_is_none_of_the_gather(kept):
    @dialog
    def careful(number):
        try:
            yield call(fail, number)
        except ValueError:
            return "caught"

    assert run_gen_dialog(gather(careful(1), call(int)), kept, "").return_value == ["caught", 0]


def test_a_failure_in_a_nested_gather_goes_outwards(kept, performed):
    @dialog
    def order():
        try:
            yield gather(
                gather(call(performed.append, 1), gather(call(fail, 2), call(performed.append, 3))),
                call(performed.append, 4),
            )
        except ValueError as error:
            return error.args

    assert run_gen_dialog(order(), kept, "").return_value == (2,)
    assert performed == [1, 3, 4]


# --- what cannot be gathered ------------------------------------------------------------------


@dialog
def ask():
    yield send_message("Name?")
    return (yield get_client_response())


@dialog
def asks_deep():
    return (yield gather(ask()))


@pytest.mark.parametrize("runner", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize(
    "step", [get_client_response(), get_client_response(timeout=5), ask(), asks_deep()], ids=repr
)
def test_waiting_for_the_client_inside_a_gather_is_a_clear_error(kept, runner, step):
    @dialog
    def order():
        yield get_client_response()
        try:
            yield gather(call(int), step)
        except UsageError:
            pytest.fail("an author's code could catch it")

    talk(order(), kept, "")
    before = kept.log

    with pytest.raises(UsageError, match=r"gather\(\) waits") as caught:
        turn(runner, order(), kept, "x")

    assert "before or after gather()" in str(caught.value)
    assert kept.log == before


def test_a_wait_that_stands_in_the_gather_itself_is_refused_before_anything_is_performed(
    kept, performed
):
    with pytest.raises(UsageError, match="waits"):
        run_gen_dialog(gather(call(performed.append, 1), get_client_response()), kept, "")
    assert performed == []


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_the_other_branches_are_stopped_when_one_is_refused(kept, performed, library):
    async def main():
        event = asyncio.Event() if library == "asyncio" else trio.Event()

        async def wait_for_ever():
            try:
                await event.wait()
            finally:
                performed.append("stopped")

        with pytest.raises(UsageError, match="waits"):
            await run_async_gen_dialog(gather(call(wait_for_ever), ask()), kept, "")

    asyncio.run(main()) if library == "asyncio" else trio.run(main)
    assert performed == ["stopped"]


@pytest.mark.parametrize("value", [5, None, "text", [call(int)], ask])
def test_gathering_what_is_no_step_is_refused(kept, value):
    with pytest.raises(NotAStep):
        gather(call(int), value)

    @dialog
    def order():
        yield gather(call(int), value)

    with pytest.raises(NotAStep):
        run_gen_dialog(order(), kept, "")


def test_an_answer_that_the_log_cannot_keep_is_refused_by_its_step(kept):
    with pytest.raises(NotSerializable, match=r"call\(object\)"):
        run_gen_dialog(gather(call(int), call(object)), kept, "")


def test_a_sync_run_refuses_a_gather_with_something_to_await_at_once(kept, performed):
    async def fetch():
        performed.append("fetched")

    for step in [call(fetch), gather(call(fetch)), gather(gather(fetch()))]:
        with pytest.raises(AsyncInSyncRun, match="fetch"):
            run_gen_dialog(gather(call(performed.append, 1), step), kept, "")
    assert performed == []


class Alarm(BaseException):
    pass


@pytest.mark.parametrize("runner", ["sync", "asyncio", "trio"])
def test_an_interrupt_in_a_branch_is_raised_as_it_is(kept, runner):
    def alarm():
        raise Alarm

    step = gather(call(int), call(alarm), call(int))

    with pytest.raises(Alarm):
        turn(runner, step, kept, "")
    assert kept.log is None


def test_a_gather_made_once_serves_many_conversations(performed):
    numbers = itertools.count()
    both = gather(call(next, numbers), call(next, numbers))

    results = [run_gen_dialog(both, InMemoryPersistence(), "").return_value for _ in range(2)]

    assert results == [[0, 1], [2, 3]]


def test_a_failed_gather_without_a_catch_undoes_the_turn(kept):
    with pytest.raises(ValueError, match="7") as caught:
        run_gen_dialog(gather(call(int), call(fail, 7)), kept, "")

    assert not isinstance(caught.value, StepFailed)
    assert kept.log is None
