"""States from a JSON file: dotted paths and inline code, checked when they are loaded."""

from __future__ import annotations

import json
import sys

import pytest

from dialogs import InMemoryPersistence, Orchestrator, Status, UsageError, run_dialog
from dialogs.stores import MemoryStore
from dialogs.workflows import RefusedCode, StateError, StateFailed, StateSteps, workers
from dialogs.workflows.sandbox import TIME_S
from tests.workflows.patience import PATIENT_S, allowed

pytest.importorskip("pydantic_monty")

HEADER = "def start(chat_id, user_input, context, sender):\n"
INLINE = """\
def start(chat_id, user_input, context, sender):
    sender.send_message(chat_id, "Hello! What's your name?")
    return "get_name", {"asked": 1}
"""


def get_name(chat_id, user_input, context, sender):
    sender.send_message(chat_id, f"Nice to meet you, {user_input}!")
    return None, {**context, "name": user_input}


def two(chat_id, user_input):
    return None


NO_FUNCTION = 3
HERE = __name__


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Writes a file of states, and loads it."""
    monkeypatch.setitem(sys.modules, "my_app_states", sys.modules[HERE])

    def load(states, **options) -> StateSteps:
        file = tmp_path / "steps.json"
        file.write_text(states if isinstance(states, str) else json.dumps(states))
        steps = StateSteps(initial="start")
        steps.register_from_json(file, **options)
        return steps

    return load


async def test_inline_code_and_dotted_paths_make_a_conversation(load):
    steps = load({"start": INLINE, "get_name": "my_app_states.get_name"})
    bot = Orchestrator(steps.dialog(), store=MemoryStore())
    assert (await bot.handle_message("u/1", "hi")).messages == ["Hello! What's your name?"]
    turn = await bot.handle_message("u/1", "Ada")
    assert turn.messages == ["Nice to meet you, Ada!"]
    assert turn.result == {"asked": 1, "name": "Ada"}


async def test_inline_code_may_be_a_list_of_its_lines(load):
    steps = load({"start": INLINE.split("\n"), "get_name": "my_app_states.get_name"})
    bot = Orchestrator(steps.dialog(), store=MemoryStore())
    assert (await bot.handle_message("u", "hi")).messages == ["Hello! What's your name?"]


async def test_what_is_wrong_is_told_in_its_authors_words(load):
    with pytest.raises(RefusedCode, match=r"line 2: it is no Python: .*\. Correct it"):
        load({"start": HEADER + "    return None,, 1"})
    steps = load({"start": HEADER + "    return 'strat', {}"})
    with pytest.raises(StateError, match="'strat', which state 'start' returned; is 'start' meant"):
        await Orchestrator(steps.dialog(), store=MemoryStore()).start("c")
    endless = load({"start": HEADER + "    while True: pass"})
    with (
        allowed(TIME_S),
        pytest.raises(StateFailed, match=r"TimeoutError: it computed for longer than 0\.5 seconds"),
    ):
        await Orchestrator(endless.dialog(), store=MemoryStore()).start("c")


async def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    file = tmp_path / "steps.json"
    file.write_text(json.dumps({"start": INLINE}), encoding="utf-8-sig")
    steps = StateSteps(initial="start")

    steps.register_from_json(file)

    assert steps.states == ["start"]


async def test_a_bare_runner_waits_for_inline_code_even_inside_an_event_loop(load):
    run = load({"start": INLINE, "get_name": "my_app_states.get_name"}).dialog()
    persistence = InMemoryPersistence()
    assert run_dialog(run(), persistence, None).messages == ["Hello! What's your name?"]
    assert run_dialog(run(), persistence, "Ada").return_value["name"] == "Ada"


async def test_inline_code_runs_once_for_each_message(load):
    code = (
        "def start(chat_id, user_input, context, sender):\n"
        "    n = context.get('n', 0) + 1\n"
        "    sender.send_message(chat_id, f'{n}: {user_input}')\n"
        "    return 'start', {'n': n}\n"
    )
    bot = Orchestrator(load({"start": code}).dialog(), store=MemoryStore())
    said = [(await bot.handle_message("u", word)).messages for word in "abc"]
    assert said == [["1: a"], ["2: b"], ["3: c"]]


async def test_inline_code_that_fails_names_its_state_and_line_and_loses_nothing(load):
    code = (
        "def start(chat_id, user_input, context, sender):\n"
        "    sender.send_message(chat_id, 'got it')\n"
        "    return {'fine': (None, 'done')}[user_input]\n"
    )
    bot = Orchestrator(load({"start": code}).dialog(), store=MemoryStore())
    with pytest.raises(StateFailed) as caught:
        await bot.handle_message("u", "no")
    error = caught.value
    assert (error.state, error.type_name) == ("start", "KeyError")
    assert error.message == "'no' (line 3 of its code)"
    assert (await bot.conversation("u")).status is Status.ERROR
    turn = await bot.handle_message("u", "fine")
    assert (turn.messages, turn.result) == (["got it"], "done")


@pytest.mark.parametrize(
    ("body", "type_name"),
    [
        ("while True: pass", "TimeoutError"),
        ("return 'a' * 10**10", "MemoryError"),
        ("return 'start', {'f': print}", "TypeError"),
        ("sender.send_message('somebody else', 'psst')", "ValueError"),
    ],
)
async def test_inline_code_that_goes_too_far_fails_and_the_next_conversation_works(
    load, body, type_name
):
    head = "def start(chat_id, user_input, context, sender):\n    if user_input == 'go':\n        "
    steps = load({"start": f"{head}{body}\n    return None, 'well'\n"})
    bot = Orchestrator(steps.dialog(), store=MemoryStore())
    time_s = TIME_S if type_name == "TimeoutError" else PATIENT_S
    with allowed(time_s), pytest.raises(StateFailed) as caught:
        await bot.handle_message("u", "go")
    assert caught.value.type_name == type_name
    assert (await bot.handle_message("v", "hello")).result == "well"


@pytest.mark.parametrize("returned", ["'start'", "1", "('start',)", "{}", "(3, {})", "('no', {})"])
async def test_a_wrong_return_value_of_inline_code_names_the_state(load, returned):
    code = f"def start(chat_id, user_input, context, sender):\n    return {returned}\n"
    bot = Orchestrator(load({"start": code}).dialog(), store=MemoryStore())
    with pytest.raises(StateError, match="'start'"):
        await bot.handle_message("u", "hi")


# --- what is refused when a file is loaded ----------------------------------------------------


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("my_app_states.nothing", "which cannot be imported: AttributeError"),
        ("no_such_module_at_all.start", "which cannot be imported: ModuleNotFoundError"),
        ("my_app_states.NO_FUNCTION", "which cannot be called"),
        ("my_app_states.two", "does not take four arguments"),
        (3, "is of type int"),
        (None, "is of type NoneType"),
        ({"code": "x"}, "is of type dict"),
        ([1, 2], "is of type list"),
    ],
)
def test_a_state_that_cannot_be_had_is_named_when_it_is_loaded(load, value, says):
    with pytest.raises(StateError) as caught:
        load({"start": INLINE, "odd": value})
    assert caught.value.state == "odd"
    assert "'odd'" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize("value", ["", "start", "not a function", "1 + 1", "a..b", ".a.b", "a.b "])
def test_what_is_neither_a_path_nor_a_function_is_refused(load, value):
    with pytest.raises(RefusedCode, match="state 'odd'"):
        load({"odd": value})


def test_a_module_that_fails_as_it_is_imported_is_an_error_of_its_state(
    load, tmp_path, monkeypatch
):
    (tmp_path / "module_that_fails.py").write_text("raise RuntimeError('not today')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StateError, match=r"'odd'.*RuntimeError: not today"):
        load({"odd": "module_that_fails.start"})


def test_refused_code_names_its_state_its_line_and_the_reason(load):
    with pytest.raises(RefusedCode) as caught:
        load({"odd": INLINE + "    import os\n"})
    error = caught.value
    assert (error.subject, error.line, error.reason) == ("state 'odd'", 4, "it imports something")
    assert "The code of state 'odd' is refused, line 4: it imports something." in str(error)


def test_a_file_with_one_bad_state_registers_none(load, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({"start": INLINE, "odd": "import os"}))
    steps = StateSteps(initial="start")
    with pytest.raises(RefusedCode):
        steps.register_from_json(file)
    assert steps.states == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "JSONDecodeError"),
        ("{", "JSONDecodeError"),
        ("[]", "of type list"),
        ('"my_app_states.get_name"', "of type str"),
        ("[" * 100_000, "nests too deep"),
        (" " * 1_048_577, "1,048,577 bytes"),
    ],
)
def test_a_file_that_is_no_object_of_states_is_refused(load, text, says):
    with pytest.raises(UsageError, match=r"steps\.json cannot be read") as caught:
        load(text)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: FileNotFoundError"):
        StateSteps(initial="start").register_from_json(tmp_path / "none.json")


def test_a_file_that_has_a_state_twice_is_refused(load):
    with pytest.raises(StateError, match="'start' is in the file twice"):
        load('{"start": "my_app_states.get_name", "start": "my_app_states.get_name"}')


def test_a_state_that_is_registered_already_is_refused(load, tmp_path):
    steps = load({"start": INLINE})
    with pytest.raises(StateError, match="'start' is registered already"):
        steps.register_from_json(tmp_path / "steps.json")


def test_dotted_paths_can_be_held_to_some_modules(load):
    states = {"start": "my_app_states.get_name"}
    assert load(states, modules=["my_app_states"]).states == ["start"]
    for modules in ([], ["my_app"], ["my_app_states.inner"]):
        with pytest.raises(StateError, match="not in the modules that it may name"):
            load(states, modules=modules)
    with pytest.raises(StateError, match="not in the modules"):
        load({"start": "subprocess.call"}, modules=["my_app_states"])


def test_without_the_sandbox_inline_code_is_refused_and_dotted_paths_are_not(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    workers.load_monty.cache_clear()
    try:
        assert load({"start": "my_app_states.get_name"}).states == ["start"]
        with pytest.raises(UsageError, match=r"resumable-dialogs\[workflows\]"):
            load({"start": INLINE})
    finally:
        monkeypatch.undo()
        workers.load_monty.cache_clear()
