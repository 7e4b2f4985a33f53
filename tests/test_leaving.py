import asyncio
import contextlib
import gc
import itertools
import re

import pytest

from dialogs import (
    AsyncInSyncRun,
    DialogStepDone,
    InMemoryPersistence,
    ReplayError,
    YieldInFinally,
    call,
    dialog,
    dialog_result,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
)
from tests.talking import talk
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


@pytest.fixture
def seen():
    return []


# --- rule 4: suspension is not an exception ---------------------------------------------------


@each_style
def test_a_suspension_is_no_exception_of_the_dialog(kept, style, seen):
    order = written(
        """
        def order():
            while True:
                try:
                    answer = «get_client_response()»
                except Exception as error:
                    seen.append(error)
                else:
                    if answer == "stop":
                        return seen
        """,
        style,
        seen=seen,
    )

    assert talk(order(), kept, "", "a", "b", "stop") == DialogStepDone([], [])


@each_style
def test_a_suspension_deeper_down_is_no_exception_either(kept, style, seen):
    order = written(
        """
        def inner():
            try:
                return «get_client_response()»
            except Exception as error:
                seen.append(error)

        def order():
            try:
                return «inner()»
            except Exception as error:
                seen.append(error)
        """,
        style,
        seen=seen,
    )

    assert talk(order(), kept, "", "a") == DialogStepDone("a", [])
    assert seen == []


# --- rule 4: finally and with run, innermost first --------------------------------------------


@contextlib.contextmanager
def noting(seen, name):
    seen.append(f"{name} in")
    try:
        yield
    finally:
        seen.append(f"{name} out")


INNERMOST_FIRST = """
    def {name}():
        try:
            with noting(seen, "{name} with"):
                try:
                    return {inner}
                finally:
                    seen.append("{name} finally")
        finally:
            seen.append("{name} last")
"""


@pytest.mark.parametrize("styles", [*itertools.product(STYLES, repeat=3)], ids=" > ".join)
def test_dialogs_are_left_innermost_first_in_any_mix_of_styles(kept, seen, styles):
    inner = get_client_response
    for name, style in zip(["c", "b", "a"], reversed(styles), strict=True):
        text = INNERMOST_FIRST.format(name=name, inner="«inner()»")
        inner = written(text, style, inner=inner, seen=seen, noting=noting)

    run_gen_dialog(inner(), kept, "")

    out = [[f"{name} finally", f"{name} with out", f"{name} last"] for name in "cba"]
    assert seen == ["a with in", "b with in", "c with in", *itertools.chain(*out)]

    seen.clear()
    assert run_gen_dialog(inner(), kept, "x").return_value == "x"
    assert seen == ["a with in", "b with in", "c with in", *itertools.chain(*out)]


@each_style
def test_blocks_run_on_every_suspension_as_the_docs_say(kept, style, seen):
    order = written(
        """
        def order():
            with noting(seen, "file"):
                «get_client_response()»
                «get_client_response()»
        """,
        style,
        seen=seen,
        noting=noting,
    )

    talk(order(), kept, "", "a", "b")

    assert seen == ["file in", "file out"] * 3


@each_style
def test_nothing_is_left_open_for_the_garbage_collector(kept, style, seen):
    order = written(
        """
        def order():
            try:
                «get_client_response()»
            finally:
                seen.append("left")
        """,
        style,
        seen=seen,
    )

    gc.disable()
    try:
        run_gen_dialog(order(), kept, "")
        assert seen == ["left"]
    finally:
        gc.enable()


# --- rule 4: a step in a finally that a suspension runs ---------------------------------------

IN_FINALLY = {
    "finally": """
        def order():
            try:
                «get_client_response()»
            finally:
                «{step}»
    """,
    "except BaseException": """
        def order():
            try:
                «get_client_response()»
            except BaseException:
                «{step}»
                raise
    """,
    "finally further out": """
        def inner():
            «get_client_response()»

        def order():
            try:
                «inner()»
            finally:
                «{step}»
    """,
}


@each_style
@pytest.mark.parametrize(("form", "line"), [*zip(IN_FINALLY, [5, 5, 8], strict=True)])
@pytest.mark.parametrize("step", ["send_message('bye')", "get_client_response()", "call(note)"])
def test_a_step_while_a_dialog_is_left_is_a_named_error(kept, style, form, line, step):
    order = written(IN_FINALLY[form].format(step=step), style, note=pytest.fail)

    with pytest.raises(YieldInFinally, match=rf"'order'.* at shop\.py:{line} ") as caught:
        run_gen_dialog(order(), kept, "")

    assert "Move the step out of the `finally`" in str(caught.value)
    assert kept.log is None


@each_style
def test_a_step_in_a_finally_of_a_later_turn_leaves_the_log_as_it_was(kept, style):
    order = written(
        """
        def order():
            first = «get_client_response()»
            try:
                return first, «get_client_response()»
            finally:
                if first == "clumsy":
                    «send_message("bye")»
        """,
        style,
    )
    talk(order(), kept, "")
    before = kept.log

    with pytest.raises(YieldInFinally):
        run_gen_dialog(order(), kept, "clumsy")

    assert kept.log == before
    assert talk(order(), kept, "careful", "x").return_value == ("careful", "x")


@each_style
def test_a_dialog_that_catches_everything_is_left_all_the_same(kept, style, seen):
    order = written(
        """
        def order():
            try:
                «get_client_response()»
            except BaseException as error:
                seen.append(type(error).__name__)
            return "caught"
        """,
        style,
        seen=seen,
    )

    if style == "async generator":  # Its return is a yield, which cannot be answered here.
        with pytest.raises(YieldInFinally):
            run_gen_dialog(order(), kept, "")
        return

    assert not run_gen_dialog(order(), kept, "").is_done
    assert len(seen) == 1
    assert run_gen_dialog(order(), kept, "x").return_value == "caught"
    assert len(seen) == 1


def test_a_plain_function_cannot_swallow_the_suspension_of_what_it_runs(kept, seen):
    @dialog
    def inner():
        yield send_message("Size?")
        return (yield get_client_response())

    @dialog
    def order():
        for _ in range(3):
            try:
                seen.append(run(inner()))
            except:  # noqa: E722 - what an author may write
                seen.append("caught")
        return seen

    with pytest.raises(YieldInFinally):
        run_gen_dialog(order(), kept, "")
    assert kept.log is None


# --- return and raise inside try and finally --------------------------------------------------

# Each is the body of a dialog. As plain Python, a step gives its argument; in a conversation,
# the client answers ask(x) with x.
FLOWS = {
    "return in try": """
        try:
            return «ask(1)»
        finally:
            seen.append("finally")
    """,
    "a step in finally": """
        try:
            return «call(step, 1)»
        finally:
            seen.append(«ask(2)»)
    """,
    "return in finally": """
        try:
            raise ValueError(«call(step, 1)»)
        finally:
            return «ask(2)»
    """,
    "return in finally after return": """
        try:
            return «call(step, 1)»
        finally:
            return «ask(2)»
    """,
    "raise in finally": """
        try:
            return «call(step, 1)»
        finally:
            raise KeyError(«ask(2)»)
    """,
    "a loop with else and finally": """
        for number in range(4):
            try:
                if number == 1:
                    continue
                if number == 3:
                    break
                «call(fail_at_two, number)»
            except ValueError:
                seen.append("except")
            else:
                seen.append("else")
            finally:
                seen.append(«ask(number)»)
        return seen
    """,
    "raise in except": """
        try:
            try:
                «call(fail, "inner")»
            except ValueError as error:
                raise KeyError(«call(step, 5)») from error
            finally:
                seen.append(«call(step, 6)»)
        except KeyError as error:
            return error.args, error.__cause__.args, «ask(7)»
    """,
    "raise again": """
        try:
            try:
                «call(fail, 1)»
            except ValueError:
                seen.append(«call(step, 2)»)
                raise
        finally:
            seen.append(«ask(3)»)
    """,
    "nested finally": """
        try:
            try:
                «call(fail, 1)»
            finally:
                seen.append(«call(step, 2)»)
        except ValueError as error:
            seen.append(error.args)
        finally:
            seen.append(«ask(3)»)
        return seen
    """,
    "a with that swallows": """
        with suppress(ValueError):
            seen.append(«ask(1)»)
            «call(fail, 2)»
            seen.append("never")
        return «ask(3)»
    """,
}


RETURNS_BEFORE_A_STEP = {"a step in finally", "raise in finally", "return in finally after return"}


def step(value):
    return value


def fail(value):
    raise ValueError(value)


def fail_at_two(value):
    return fail(value) if value == 2 else value


def ending_of(function, seen):
    """How a function ended, and what it did on the way."""
    seen.clear()
    try:
        ending = "returned", function()
    except (ValueError, KeyError) as error:
        ending = "raised", repr(error)
    return *ending, list(seen)


@pytest.mark.filterwarnings("ignore:.*finally:SyntaxWarning")
@each_style
@pytest.mark.parametrize("flow", FLOWS)
def test_return_and_raise_mean_what_they_mean_in_python(kept, style, flow, seen):
    asked = []

    def ask(value):
        asked.append(value)
        return value

    text = "def order():" + FLOWS[flow].rstrip().replace("\n    ", "\n")
    names = {"step": step, "fail": fail, "fail_at_two": fail_at_two, "seen": seen}
    names["suppress"] = contextlib.suppress
    plain = re.sub(r"«call\((\w+), ", r"\1(", text).replace("«", "").replace("»", "")
    scope = {**names, "ask": ask}
    exec(plain, scope)
    expected = ending_of(scope["order"], seen)
    order = written(re.sub(r"ask\(\w+\)", "get_client_response()", text), style, **names)()

    if style == "async generator" and flow in RETURNS_BEFORE_A_STEP:
        # It returns by a yield, and is left there.
        with pytest.raises(YieldInFinally):
            talk(order, kept, "", *asked)
        return
    for response in ["", *asked[:-1]]:
        assert not run_gen_dialog(order, kept, response).is_done

    def last_turn():
        return run_gen_dialog(order, kept, asked[-1]).return_value

    assert ending_of(last_turn, seen) == expected


# --- exceptions while a dialog is left --------------------------------------------------------


@pytest.mark.parametrize("styles", [*itertools.product(STYLES, repeat=2)], ids=" > ".join)
def test_an_exception_in_a_finally_during_a_suspension_undoes_the_turn(kept, seen, styles):
    """Given a dialog whose cleanup fails; then nobody outside of it takes that for a step's."""
    outer, inner = styles
    inner_dialog = written(
        """
        def inner():
            «send_message("Size?")»
            try:
                return «get_client_response()»
            finally:
                if next(failing):
                    raise OSError("disk full")
        """,
        inner,
        failing=iter([True, False, False]),
    )
    order = written(
        """
        def order():
            try:
                return «inner()»
            except Exception as error:
                seen.append(error)
                «send_message("went on")»
            finally:
                seen.append("left")
            return «get_client_response()»
        """,
        outer,
        inner=inner_dialog,
        seen=seen,
    )

    with pytest.raises(OSError, match="disk full"):
        run_gen_dialog(order(), kept, "")

    assert kept.log is None
    assert seen == ["left"] or outer == "plain"
    assert run_gen_dialog(order(), kept, "").messages == ["Size?"]
    assert run_gen_dialog(order(), kept, "S").return_value == "S"


@each_style
def test_a_replay_error_is_what_one_sees_even_if_leaving_fails(kept, style):
    text = """
        def order():
            try:
                «call({0}, 5)»
            finally:
                «send_message("bye")»
            «get_client_response()»
    """
    talk(written(text.format("step"), style, step=step)(), kept, "")

    with pytest.raises(ReplayError, match=r"call\(step\) but .* call\(fail\)"):
        run_gen_dialog(written(text.format("fail"), style, fail=fail)(), kept, "x")


class Alarm(BaseException):
    """Something that no `except Exception` catches."""


@pytest.mark.parametrize("styles", [*itertools.product(STYLES, repeat=2)], ids=" > ".join)
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, Alarm])
def test_an_interrupt_in_a_called_function_ends_the_run_and_loses_nothing(
    kept, seen, styles, error
):
    outer, inner = styles
    interrupted = itertools.count()

    def work():
        if next(interrupted) == 0:
            raise error
        return "worked"

    order = written(
        """
        def order():
            try:
                «send_message("Go?")»
                answer = «get_client_response()»
                return answer, «inner()»
            except Exception:
                seen.append("caught")
            finally:
                seen.append("order left")
        """,
        outer,
        seen=seen,
        inner=written(
            """
            def inner():
                try:
                    return «call(work)»
                finally:
                    seen.append("inner left")
            """,
            inner,
            seen=seen,
            work=work,
        ),
    )
    run_gen_dialog(order(), kept, "")
    before = kept.log
    seen.clear()

    with pytest.raises(error):
        run_gen_dialog(order(), kept, "yes")

    assert seen == ["inner left", "order left"]
    assert kept.log == before
    assert run_gen_dialog(order(), kept, "yes").return_value == ("yes", "worked")


@pytest.mark.parametrize("handler", ["except KeyboardInterrupt:", "except:"])
def test_a_plain_function_cannot_go_on_after_an_interrupt(kept, seen, handler):
    def work():
        raise KeyboardInterrupt

    @dialog
    def inner():
        yield send_message("Working.")
        yield call(work)

    order = written(
        f"""
        def order():
            try:
                «inner()»
            {handler}
                seen.append("caught")
            return "went on"
        """,
        "plain",
        inner=inner,
        seen=seen,
    )

    with pytest.raises(KeyboardInterrupt):
        run_gen_dialog(order(), kept, "")
    assert kept.log is None


# --- cleanup that awaits ----------------------------------------------------------------------


class Connection:
    """Something opened and closed by awaiting."""

    def __init__(self, seen):
        self.seen = seen

    async def __aenter__(self):
        await asyncio.sleep(0)
        self.seen.append("opened")

    async def __aexit__(self, *error):
        await asyncio.sleep(0)
        self.seen.append("closed")


def with_connection(style, seen):
    @dialog
    async def coroutine():
        async with Connection(seen):
            await send_message("Open.")
            return await get_client_response()

    @dialog
    async def async_generator():
        async with Connection(seen):
            yield send_message("Open.")
            answer = yield get_client_response()
            yield dialog_result(answer)

    return {"coroutine": coroutine, "async generator": async_generator}[style]()


@pytest.mark.filterwarnings("ignore::dialogs.UnrecordedAwait")
@pytest.mark.parametrize("outer", [None, *STYLES])
@pytest.mark.parametrize("style", ["coroutine", "async generator"])
async def test_cleanup_may_await_in_an_async_run(kept, style, outer, seen):
    order = with_connection(style, seen)
    if outer is not None:
        text = "def outer():\n    return «order»"
        order = written(text, outer, order=order)()

    assert (await run_async_gen_dialog(order, kept, "")).messages == ["Open."]
    assert seen == ["opened", "closed"]
    assert (await run_async_gen_dialog(order, kept, "x")).return_value == "x"
    assert seen == ["opened", "closed"] * 2


@pytest.mark.parametrize("style", ["coroutine", "async generator"])
def test_cleanup_that_awaits_is_refused_in_a_sync_run(kept, style):
    closed = []

    async def close():
        await asyncio.sleep(0)
        closed.append(True)

    order = written(
        """
        def order():
            try:
                «get_client_response()»
            finally:
                await close()
        """,
        style,
        close=close,
    )

    with pytest.raises(AsyncInSyncRun, match=r"shop\.py:5"):
        run_gen_dialog(order(), kept, "")
    gc.collect()

    assert kept.log is None
    assert closed == []


@pytest.mark.parametrize("style", ["coroutine", "plain"])
async def test_a_step_in_an_exit_method_is_a_step_in_a_finally(kept, style):
    class Farewell:
        def __exit__(self, *error):
            run(send_message("bye"))

        def __enter__(self):
            pass

        async def __aexit__(self, *error):
            await send_message("bye")

        async def __aenter__(self):
            pass

    order = written(
        f"""
        def order():
            {"with" if style == "plain" else "async with"} Farewell():
                «get_client_response()»
        """,
        style,
        Farewell=Farewell,
    )

    with pytest.raises(YieldInFinally):
        await run_async_gen_dialog(order(), kept, "")
    assert kept.log is None
