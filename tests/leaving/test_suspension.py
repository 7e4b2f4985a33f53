"""Rule 4: a suspension is no exception; blocks run, innermost first; a step in one is an error."""

import contextlib
import gc
import itertools

import pytest

from dialogs import (
    DialogStepDone,
    YieldInFinally,
    dialog,
    get_client_response,
    run,
    run_gen_dialog,
    send_message,
)
from tests.talking import talk
from tests.written import STYLES, each_style, written

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
