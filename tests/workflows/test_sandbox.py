"""The sandbox: one call each, plain data in and out, workers of the process's own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from textwrap import dedent

import pytest

from dialogs import Message, UsageError
from dialogs.workflows import RefusedCode, SandboxError, sandbox, workers
from dialogs.workflows.inspection import check_expression, check_function
from dialogs.workflows.plain_data import MAX_CHARACTERS, MAX_DEPTH, MAX_VALUES, fault
from dialogs.workflows.sandbox import aevaluate, arun_function, evaluate, run_function
from tests.workflows.patience import PATIENT_S, allowed

pytest.importorskip("pydantic_monty")


def run(body: str, user_input="Ada", context=None):
    source = "def start(chat_id, user_input, context, sender):\n" + body
    assert check_function(source) == "start"
    return run_function(source, "start", "c/1", user_input, context or {})


# --- functions --------------------------------------------------------------------------------

# Everything that the inspection lets through should run, too.
WORKING = {
    "match user_input:\n case 'a': return 1\n case ['x', *r]: return r\n case _ if 1: return 2": 2,
    "match [1, 2]:\n case [a, b] if a < b: return b": 2,
    "match {'k': 3}:\n case {'k': v, **rest}: return [v, rest]": [3, {}],
    "match None:\n case None | 1: return 'none'": "none",
    "n = 0\ndef f():\n nonlocal n\n n += 1\nf()\nreturn n": 1,
    "try: 1 / 0\nexcept (ValueError, ZeroDivisionError) as e: return str(e)": "division by zero",
    "try: pass\nexcept ValueError: pass\nelse: x = 1\nfinally: y = 2\nreturn [x, y]": [1, 2],
    "a, *b = [1, 2, 3]\nreturn b": [2, 3],
    "if (y := 5) > 3: return y": 5,
    "x: int = 3\nreturn x": 3,
    "for i in []: pass\nelse: return 1": 1,
    "while True: break\nreturn 1": 1,
    "for i in [1, 2]: continue\nreturn i": 2,
    "return {**context, 'b': [*range(3)]}": {"b": [0, 1, 2]},
    "return f'{user_input!r:>6} {3.14159:.2f}'": " 'Ada' 3.14",
    "return {k: v for k, v in {'a': 1}.items() if v}": {"a": 1},
    "return sorted({n % 2 for n in range(5)})": [0, 1],
    "return any(c.isupper() for c in user_input)": True,
    "return [1, 2, 3][::-1]": [3, 2, 1],
    "return 1 < 2 < 3 and not False": True,
    "f = lambda a, b=2: a + b\nreturn f(1)": 3,
    "assert user_input, 'no'\nreturn -1 if user_input else ~1": -1,
    "def g(a, *b, c=1, **d) -> list: return [a, *b, c, d]\nreturn g(1, 2, c=3, e=4)[:3]": [1, 2, 3],
    "x = {'a': {'b': 1}}\nx['a']['b'] += 1\nreturn x": {"a": {"b": 2}},
    "return 'Hi {}, {n}'.format(user_input, n=3)": "Hi Ada, 3",
    "return (1, 2.5, None, b'x', 'ü')": (1, 2.5, None, b"x", "ü"),
}


@pytest.mark.parametrize("body", WORKING, ids=range(len(WORKING)))
def test_ordinary_python_works(body):
    indented = "".join(f"    {line}\n" for line in body.split("\n"))
    assert run(indented) == (WORKING[body], [])


def test_what_a_function_sends_comes_out_with_its_result():
    body = "    sender.send_message(chat_id, f'Hi {user_input}')\n    return 'next', {'n': 1}\n"
    assert run(body) == (("next", {"n": 1}), ["Hi Ada"])


def test_calls_share_nothing():
    body = "    context['a'].append(1)\n    return context\n"
    given = {"a": []}
    assert run(body, context=given)[0] == {"a": [1]}
    assert run(body, context=given)[0] == {"a": [1]}
    assert given == {"a": []}


def test_an_error_has_its_type_its_text_and_its_line():
    with pytest.raises(SandboxError) as caught:
        run("    x = 1\n    return {}['no']\n")
    error = caught.value
    assert (error.type_name, error.message, error.line) == ("KeyError", "'no'", 3)
    with pytest.raises(SandboxError) as caught:
        run("    raise ValueError('no ' * 10000)\n")
    assert len(caught.value.message) <= 300


@pytest.mark.parametrize(
    "value",
    [datetime.now(UTC), Message("hi"), {1, 2}, object(), {1: 2}, 10**100, "\ud800", ["\ud800"]],
)
def test_only_plain_data_gets_in(value):
    with pytest.raises(SandboxError, match=r"user_input has .* cannot get into a sandbox"):
        run("    return user_input\n", user_input=value)


def test_how_much_may_cross_is_bounded():
    deep: list = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert fault(deep) is None
    assert fault([deep]) == "values that nest too deep"
    assert fault([1] * (MAX_VALUES - 1)) is None
    assert fault([1] * MAX_VALUES) == "too many values"
    assert fault(["a" * MAX_CHARACTERS]) is None
    assert fault(["a" * MAX_CHARACTERS, "b"]) == "too much text"
    twice = []
    for _ in range(30):
        twice = [twice, twice]
    assert fault(twice) == "too many values"


def test_a_text_that_python_cannot_write_does_not_become_another_one():
    with pytest.raises(SandboxError):
        evaluate("x", {"x": "\udc80"})


# --- expressions ------------------------------------------------------------------------------

VARIABLES = {
    "variables": {"amount": 100, "name": "Ada"},
    "amount": 100,
    "intent": "confirm",
    "entities": {"iban": None},
    "text": "Yes, please",
    "confidence": 0.9,
    "list": [3, 1],
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("variables['amount'] > 0 and variables['amount'] <= 50000", True),
        ("intent == 'confirm' or 'yes' in text.lower()", True),
        ("intent == 'deny' or 'yes' in text.lower()", True),
        ("amount * 2 + 1", 201),
        ("confidence >= 0.95", False),
        ("not entities['iban']", True),
        ("len(text) if text else 0", 11),
        ("[n for n in range(4) if n % 2]", [1, 3]),
        ("sorted(list)", [1, 3]),
        ("max(list) + sum(n for n in list)", 7),
        ("f'{amount} for {variables[\"name\"]}'", "100 for Ada"),
        ("{'a': (1, None)}", {"a": (1, None)}),
        ("variables.get('nothing')", None),
        ("  1 +\t1  # two", 2),
        ("(1 +\n1)", 2),
        ("'{names} {expression} {limits}'", "{names} {expression} {limits}"),
        ("str(amount).isdigit()", True),
    ],
)
def test_expressions_have_values(expression, value):
    assert evaluate(expression, VARIABLES) == value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "no Python"),
        ("x = 1", "no Python"),
        ("import os", "no Python"),
        ("1) or (1", "no Python"),
        ("1; 2", "no Python"),
        ("lambda: 1", "a lambda"),
        ("(x := 1)", "assigns a name"),
        ("(yield)", "generator"),
        ("await x", "async"),
        ("text.__class__", "dunder"),
        ("__import__('os')", "dunder"),
        ("eval('1')", "'eval'"),
        ("open('/etc/passwd')", "'open'"),
        ("print(1)", "'print', which is not known"),
        ("chr(1)", "'chr', which is not known"),
        ("type(text)", "'type', which is not known"),
        ("nothing", "'nothing', which is not known"),
        ("'{0.__class__}'.format(1)", "dunder"),
        ("'a'.format_map(variables)", "'format_map'"),
        ("[x async for x in list]", "async"),
        ("1" + " + 1" * 2000, "longer than"),
        ("1" + " + 1" * 200, "nests deeper"),
        (3, "no text"),
        (None, "no text"),
    ],
)
def test_what_is_no_harmless_expression_is_refused(expression, reason):
    with pytest.raises(RefusedCode) as caught:
        evaluate(expression, VARIABLES)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("expression", "type_name"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("variables['nothing']", "KeyError"),
        ("text + amount", "TypeError"),
        ("'a' * 10**10", "MemoryError"),
        ("sum(range(10**12))", "TimeoutError"),
        ("[[0] * 200] * 200", "TypeError"),
        ("{1, 2}", "TypeError"),
        ("len", "TypeError"),
        ("2**10000", "TypeError"),
    ],
)
def test_expressions_that_fail_say_how(expression, type_name):
    time_s = sandbox.TIME_S if type_name == "TimeoutError" else PATIENT_S
    with allowed(time_s), pytest.raises(SandboxError) as caught:
        evaluate(expression, VARIABLES)
    assert caught.value.type_name == type_name
    assert caught.value.line is None


def test_only_what_an_expression_names_goes_into_the_sandbox():
    assert evaluate("amount", {"amount": 1, "other": object(), "no identifier": 2}) == 1


def test_checking_an_expression_tells_its_names():
    assert check_expression("len(a) + b[0] and [c for c in d]") == {"a", "b", "d"}
    assert check_expression("len(a)", {"a", "len"}) == {"a", "len"}
    with pytest.raises(RefusedCode, match="'b', which is not known here"):
        check_expression("a + b", {"a"})


def test_a_name_may_be_one_of_the_insides():
    assert evaluate("fault_of + names", {"fault_of": 1, "names": 2}) == 3


def test_an_expression_that_met_a_machine_standing_still_is_evaluated_once_more(monkeypatch):
    run, moments = sandbox._run, [1e-6, 1e-6, 60.0]

    def standing_still(*given):
        with allowed(moments.pop(0)):
            return run(*given)

    monkeypatch.setattr(sandbox, "_run", standing_still)
    with pytest.raises(SandboxError, match="TimeoutError"):
        evaluate("n + 1", {"n": 1})
    moments.insert(0, 1e-6)
    assert evaluate("n + 1", {"n": 1}) == 2


# --- waiting ----------------------------------------------------------------------------------

LOOP = "def start(chat_id, user_input, context, sender):\n    while True: pass\n"


async def test_an_event_loop_runs_on_while_a_sandbox_computes():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    with allowed(sandbox.TIME_S), pytest.raises(SandboxError, match="TimeoutError"):
        await arun_function(LOOP, "start", "c", None, {})
    ticking.cancel()
    assert ticks > 5


async def test_many_can_wait_at_once():
    assert await asyncio.gather(*[aevaluate("n + 1", {"n": n}) for n in range(40)]) == [
        *range(1, 41)
    ]


def test_trio_can_wait_too():
    trio = pytest.importorskip("trio")
    assert trio.run(aevaluate, "1 + 1", {}) == 2


def test_threads_can_call_at_once():
    came: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: came.append(evaluate("n", {"n": n}))) for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == [*range(16)]


# --- processes --------------------------------------------------------------------------------


PATIENCE = f"""
from tests.workflows.patience import allowed
allowed({PATIENT_S}).start()
"""


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PATIENCE + dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_forked_after_the_first_call_is_told_so_and_does_not_hang():
    assert (
        python("""
        import os
        from dialogs import UsageError
        from dialogs.workflows.sandbox import evaluate
        assert evaluate("1 + 1", {}) == 2
        for end in (lambda: os._exit(0), lambda: os.sys.exit(0)):
            child = os.fork()
            if child == 0:
                try:
                    evaluate("2 + 2", {})
                except UsageError as error:
                    assert "was forked from one that had run code" in str(error)
                    end()
                os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
            assert evaluate("3 + 3", {}) == 6
        print("well")
        """)
        == "well\n"
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_processes_forked_before_the_first_call_share_nothing():
    assert (
        python("""
        import os
        from dialogs.workflows.sandbox import evaluate
        children = []
        for number in range(2):
            child = os.fork()
            if child == 0:
                assert all(evaluate("n", {"n": n}) == n for n in range(20))
                os._exit(0)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        print("well")
        """)
        == "well\n"
    )


def test_importing_starts_no_process_and_loads_no_sandbox():
    assert (
        python("""
        import sys
        from dialogs.workflows import StateSteps, sandbox, workers
        assert "pydantic_monty" not in sys.modules
        assert workers._workers is None
        print("well")
        """)
        == "well\n"
    )


def test_without_monty_code_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    workers.load_monty.cache_clear()
    try:
        assert not sandbox.is_installed()
        with pytest.raises(UsageError, match=r'pip install "resumable-dialogs\[workflows\]"'):
            evaluate("1 + 1", {})
    finally:
        monkeypatch.undo()
        workers.load_monty.cache_clear()
    assert sandbox.is_installed()
