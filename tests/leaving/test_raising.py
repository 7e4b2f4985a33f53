"""Exceptions and interrupts that come while a dialog is left."""

import itertools

import pytest

from dialogs import ReplayError, call, dialog, run_gen_dialog, send_message
from tests.leaving.calls import fail, step
from tests.talking import talk
from tests.written import STYLES, each_style, written


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
