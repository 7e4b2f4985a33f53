import asyncio
import contextvars
import itertools

import pytest
import trio

from dialogs import (
    AsyncInSyncRun,
    DialogStepDone,
    DialogStepNotDone,
    InMemoryPersistence,
    ReplayError,
    call,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
    send_message,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)
PAIRS = [*itertools.product(STYLES, repeat=2)]
RUNNERS = ["run_gen_dialog", "run_dialog", "run_async_gen_dialog"]


@pytest.fixture
def kept():
    return InMemoryPersistence()


def turn(runner, dialog, kept, response):
    """One turn with the runner of that name."""
    if runner == "run_async_gen_dialog":
        return asyncio.run(run_async_gen_dialog(dialog, kept, response))
    return {"run_gen_dialog": run_gen_dialog, "run_dialog": run_dialog}[runner](
        dialog, kept, response
    )


# --- one log ----------------------------------------------------------------------------------

# Every kind of step, an error caught, a finished and an open subdialog, a loop.
TRIP = """
    def ask(question):
        «send_message(question)»
        return «get_client_response()»

    def pay(amount):
        «call(fail, amount)»

    def leg(number):
        city = «ask(f"City {number}?")»
        days = «gather(call(len, city), call(str, number), gather(call(int)))»
        return {"city": city, "days": days}

    def trip():
        «send_message("Welcome!", name="welcome")»
        legs = []
        for number in range(2):
            if «patched("legs")»:
                legs.append(«leg(number)»)
        try:
            «pay(len(legs))»
        except ValueError as error:
            «send_message(f"Refused: {error}")»
            legs.append(error.args)
        «continue_as_new(thanks_for(legs))»

    def thanks_for(legs):
        name = «ask("Your name?")»
        «send_message({"thanks": (name, legs)})»
        return name, legs

    def root():
        return [«trip()», «get_client_response()»]
"""


def fail(amount):
    raise ValueError(f"no money for {amount}")


CONVERSATION = ["", "Rome", "Oslo", "Ada", "bye"]


def history(kept, turns, fail=fail):
    """The result and the log after each turn, where turns are (runner, style).

    Every turn compiles the code again, as a process of its own would.
    """
    return [
        (turn(runner, written(TRIP, style, fail=fail)(), kept, response), kept.log)
        for (runner, style), response in zip(turns, CONVERSATION, strict=True)
    ]


@pytest.fixture(scope="module")
def expected():
    return history(InMemoryPersistence(), [("run_gen_dialog", "generator")] * 5)


def test_the_conversation_of_these_tests_is_a_real_one(expected):
    results = [result for result, _ in expected]

    assert [result.messages for result in results] == [
        ["Welcome!", "City 0?"],
        ["City 1?"],
        ["Refused: no money for 2", "Your name?"],
        [{"thanks": ("Ada", results[-1].return_value[0][1])}],
        [],
    ]
    assert results[-1].return_value == [
        (
            "Ada",
            [
                {"city": "Rome", "days": [4, "0", [0]]},
                {"city": "Oslo", "days": [4, "1", [0]]},
                ("no money for 2",),
            ],
        ),
        "bye",
    ]


@each_style
@pytest.mark.parametrize("runner", RUNNERS)
def test_all_styles_write_byte_identical_logs_under_every_runner(kept, style, runner, expected):
    assert history(kept, [(runner, style)] * 5) == expected


@each_style
def test_async_functions_write_the_same_logs_as_sync_ones(kept, style, expected):
    async def afail(amount):
        await asyncio.sleep(0)
        fail(amount)

    afail.__name__ = "fail"

    assert history(kept, [("run_async_gen_dialog", style)] * 5, afail) == expected


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("handed_over", range(1, 5))
def test_each_style_may_finish_what_another_began(kept, first, second, handed_over, expected):
    styles = [first] * handed_over + [second] * (5 - handed_over)

    assert history(kept, [("run_gen_dialog", style) for style in styles]) == expected


@pytest.mark.parametrize("runners", [*itertools.permutations(RUNNERS)], ids=" > ".join)
@each_style
def test_a_log_written_by_one_runner_is_continued_by_another(kept, style, runners, expected):
    runners = itertools.islice(itertools.cycle(runners), 5)

    assert history(kept, [(runner, style) for runner in runners]) == expected


# --- nesting ----------------------------------------------------------------------------------


def nested(styles):
    """Dialogs of these styles around one another, which wait eight times."""
    inner = get_client_response
    for name, style in zip("cba", reversed(styles), strict=True):
        inner = written(
            f"""
            def {name}():
                «send_message("{name} in")»
                answers = [«inner()», «inner()»]
                «send_message("{name} out")»
                return answers
            """,
            style,
            inner=inner,
        )
    return inner()


def history_of(dialog, runner):
    kept = InMemoryPersistence()
    return [(turn(runner, dialog, kept, response), kept.log) for response in ["", *range(8)]]


@pytest.fixture(scope="module")
def uniform():
    return history_of(nested(["generator"] * 3), "run_gen_dialog")


@pytest.mark.parametrize("runner", ["run_gen_dialog", "run_async_gen_dialog"])
@pytest.mark.parametrize("styles", [*itertools.product(STYLES, repeat=3)], ids=" > ".join)
def test_styles_nest_in_any_mix_and_write_one_log(runner, styles, uniform):
    assert history_of(nested(styles), runner) == uniform
    assert uniform[-1][0].return_value == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]


@pytest.mark.filterwarnings("ignore::dialogs.UnrecordedAwait")
async def test_plain_in_coroutine_in_plain_may_await_for_real(kept):
    awaited = []

    async def fetch(name):
        await asyncio.sleep(0)
        awaited.append(name)
        return name

    @dialog
    def innermost():
        one = run(fetch("one"))
        run(send_message(f"got {one}"))
        two = run(call(fetch, "two"))
        answer = run(get_client_response())
        return one, two, answer, run(gather(fetch("three"), call(fetch, "four")))

    @dialog
    async def middle():
        await asyncio.sleep(0)
        result = await innermost()
        await asyncio.sleep(0)
        return result

    @dialog
    def outermost():
        run(send_message("begin"))
        result = run(middle())
        run(send_message("end"))
        return result, run(call(fetch, "five"))

    first = await run_async_gen_dialog(outermost(), kept, "")
    assert first == DialogStepNotDone(["begin", "got one"])
    assert await run_async_gen_dialog(outermost(), kept, "x") == DialogStepDone(
        (("one", "two", "x", ["three", "four"]), "five"), ["end"]
    )
    assert awaited == ["one", "two", "three", "four", "five"]


def test_all_styles_run_under_trio(kept):
    async def fetch(value):
        await trio.lowlevel.checkpoint()
        return value

    async def conversation(style):
        order = written(
            """
            def inner():
                one = «call(fetch, 1)»
                return one, «get_client_response()»

            def order():
                result = «inner()»
                return result, «gather(call(fetch, 2), inner_free())»
            """,
            style,
            fetch=fetch,
            inner_free=dialog(no_steps),
        )
        kept = InMemoryPersistence()
        assert not (await run_async_gen_dialog(order(), kept, "")).is_done
        return (await run_async_gen_dialog(order(), kept, "x")).return_value

    async def no_steps():
        return await fetch(3)

    for style in STYLES:
        assert trio.run(conversation, style) == ((1, "x"), [2, 3])


async def test_helper_coroutines_may_have_the_steps(kept):
    async def ask(question):
        await send_message(question)
        return await get_client_response()

    @dialog
    async def signup():
        return await ask("Name?"), await ask("Mail?")

    for response in ["", "Ada", "a@b"]:
        result = await run_async_gen_dialog(signup(), kept, response)
    assert result.return_value == ("Ada", "a@b")


async def test_a_step_awaited_in_an_async_generator_is_a_step(kept):
    async def ask(question):
        await send_message(question)
        return await get_client_response()

    @dialog
    async def signup():
        name = await ask("Name?")
        mail = yield get_client_response()
        yield dialog_result((name, mail, await call(int)))

    other = InMemoryPersistence()
    for response in ["", "Ada", "a@b"]:
        result = await run_async_gen_dialog(signup(), kept, response)
        assert run_gen_dialog(signup(), other, response) == result
    assert result.return_value == ("Ada", "a@b", 0)


# --- dialogs without steps --------------------------------------------------------------------


async def test_a_plain_or_coroutine_dialog_without_steps_is_a_recorded_step(kept):
    runs = []

    @dialog
    def plain(number):
        runs.append(number)
        return number * 2

    @dialog
    async def coroutine(number):
        await asyncio.sleep(0)
        runs.append(number)
        return number * 2

    @dialog
    def order():
        one = yield plain(1)
        two = yield coroutine(2)
        yield get_client_response()
        yield get_client_response()
        return one, two

    for response in ["", "a", "b"]:
        result = await run_async_gen_dialog(order(), kept, response)

    assert result.return_value == (2, 4)
    assert runs == [1, 2]


def test_a_coroutine_that_awaits_nothing_runs_in_a_sync_run(kept):
    @dialog
    async def coroutine(number):
        return number * 2

    @dialog
    def order():
        return (yield coroutine(1)), (yield gather(coroutine(2), coroutine(3)))

    assert run_gen_dialog(order(), kept, "") == DialogStepDone((2, [4, 6]), [])


def test_a_dialog_without_steps_can_be_the_root(kept):
    runs = []

    @dialog
    def plain():
        runs.append(1)
        return "once"

    assert run_dialog(plain(), kept, "") == DialogStepDone("once", [])
    assert run_dialog(plain(), kept, "x") == DialogStepDone("once", [])
    assert runs == [1]


# --- context variables ------------------------------------------------------------------------

language = contextvars.ContextVar("language", default="en")


@each_style
@pytest.mark.parametrize("runner", RUNNERS)
def test_dialogs_see_the_context_of_whoever_runs_them(kept, runner, style):
    order = written(
        """
        def inner():
            return language.get(), «call(language.get)»

        def order():
            return language.get(), «inner()», «get_client_response()»
        """,
        style,
        language=language,
    )()
    token = language.set("no")
    try:
        turn(runner, order, kept, "")
        result = turn(runner, order, kept, "x")
    finally:
        language.reset(token)

    assert result.return_value == ("no", ("no", "no"), "x")


# --- async in sync runs, by style -------------------------------------------------------------


@pytest.mark.parametrize("outer", [None, *STYLES])
@pytest.mark.parametrize("style", ["coroutine", "async generator"])
@pytest.mark.parametrize("in_loop", [False, True])
@pytest.mark.parametrize("seconds", [0, 60])
def test_an_await_of_the_event_loop_is_refused_in_a_sync_run(kept, outer, style, in_loop, seconds):
    order = written(
        f"""
        def order():
            await asyncio.sleep({seconds})
            «send_message("slept")»
        """,
        style,
        asyncio=asyncio,
    )
    if outer is not None:
        order = written("def outer():\n    return «order()»", outer, order=order)

    def refuse():
        with pytest.raises(AsyncInSyncRun, match="'order'"):
            run_gen_dialog(order(), kept, "")

    async def refuse_in_loop():
        refuse()

    asyncio.run(refuse_in_loop()) if in_loop else refuse()
    assert kept.log is None


@each_style
def test_a_style_does_not_matter_to_a_replay_error(kept, style):
    """Given an edit of the style and of a question; then the question is what is refused."""
    run_gen_dialog(
        written("def a():\n    «send_message('x')»\n    «get_client_response()»")(), kept, ""
    )
    edited = written("def a():\n    «send_message('y')»\n    «get_client_response()»", style)

    with pytest.raises(ReplayError, match=r"send_message\('y'\)"):
        run_gen_dialog(edited(), kept, "")
