"""Return and raise inside try and finally mean what they mean in Python."""

import contextlib
import re

import pytest

from dialogs import YieldInFinally, run_gen_dialog
from tests.leaving.calls import fail, step
from tests.talking import talk
from tests.written import each_style, written

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
