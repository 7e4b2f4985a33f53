import asyncio
import gc
import itertools
import random
import warnings

import pytest
import trio

from dialogs import (
    DialogStepDone,
    InMemoryPersistence,
    ReplayError,
    StepFailed,
    UnrecordedAwait,
    UsageError,
    call,
    continue_as_new,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    run,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
    serializable,
    step_key,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


def talk(dialog, kept, *responses):
    """Give a conversation one response after another; the result of the last."""
    for response in responses:
        result = run_gen_dialog(dialog, kept, response)
    return result


def refused(dialog, kept, response="go on"):
    """The ReplayError of the next turn, which left the log as it was."""
    before = kept.log
    with pytest.raises(ReplayError) as caught:
        run_gen_dialog(dialog, kept, response)
    assert kept.log == before
    return caught.value


# --- rule 1: code between steps runs again, steps do not --------------------------------------


@each_style
def test_code_between_steps_runs_again_and_steps_do_not(kept, style):
    lines, performed = [], []
    order = written(
        """
        def order():
            lines.append("before")
            «call(performed.append, 1)»
            lines.append("between")
            «get_client_response()»
            lines.append("after")
            «call(performed.append, 2)»
            return 5
        """,
        style,
        lines=lines,
        performed=performed,
    )

    talk(order(), kept, "")
    assert (lines, performed) == (["before", "between"], [1])

    talk(order(), kept, "go on")
    assert lines == ["before", "between", "before", "between", "after"]
    assert performed == [1, 2]


# --- rule 5: two questions that changed places ------------------------------------------------

QUESTIONS = ["Your name?", "Your mail?", "Your age?", "Your town?"]

# The ways to ask, and how an error names a question of each.
WAYS = {
    "words": (
        '«send_message("{0}")»\n    answers["{0}"] = «get_client_response()»',
        "send_message('{0}')",
    ),
    "names": (
        '«send_message("?", name="{0}")»\n    answers["{0}"] = «get_client_response()»',
        "send_message(..., name='{0}')",
    ),
    "dialogs": ('answers["{0}"] = «{1}()»', "the dialog '{1}'"),
    "one dialog": ('answers["{0}"] = «ask("{0}")»', "{0}"),
}


def signup(way, style, order):
    """A dialog that asks the questions in this order and returns the answers."""
    form, _ = WAYS[way]
    names = {question: question[5:-1] for question in QUESTIONS}
    asks = [
        f'def {name}():\n    «send_message("{question}")»\n    return «get_client_response()»\n'
        for question, name in names.items()
    ]
    ask = "def ask(question):\n    «send_message(question)»\n    return «get_client_response()»\n"
    lines = [form.format(QUESTIONS[at], names[QUESTIONS[at]]) for at in order]
    body = "\n    ".join(["def signup():", "answers = {}", *lines, "return answers"])
    return written("\n".join([*asks, ask, body]), style)()


SWAPS = [
    (answered, first, second)
    for answered in range(4)
    for first, second in itertools.combinations(range(4), 2)
]


@each_style
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("swap", SWAPS, ids=str)
def test_swapped_questions_never_swap_their_answers(kept, style, way, swap):
    """Given some answers, and a question pending; when two questions change places in the code."""
    answered, first, second = swap
    talk(signup(way, style, range(4)), kept, "", *QUESTIONS[:answered])
    order = list(range(4))
    order[first], order[second] = second, first
    edited = signup(way, style, order)

    if first > answered:  # Neither was asked yet, so this is no change of what was said.
        result = talk(edited, kept, *(QUESTIONS[at] for at in order[answered:]))
        assert result.return_value == {question: question for question in QUESTIONS}
        return

    error = refused(edited, kept, QUESTIONS[answered])
    _, shown = WAYS[way]
    for at in first, second:
        assert shown.format(QUESTIONS[at], QUESTIONS[at][5:-1]) in str(error)
    unedited = signup(way, style, range(4))
    result = talk(unedited, kept, *QUESTIONS[answered:])
    assert result.return_value == {question: question for question in QUESTIONS}


@each_style
def test_swapped_questions_of_an_open_subdialog_are_refused_as_well(kept, style):
    outer = """
        def shop():
            «send_message("Welcome!")»
            return «signup()»
    """

    def make(order):
        return written(outer, style, signup=lambda: signup("words", style, order))()

    talk(make([0, 1, 2, 3]), kept, "", "Ada", "a@b")

    error = refused(make([1, 0, 2, 3]), kept)

    assert (error.dialog, error.record) == ("signup", 0)
    assert "'Your name?'" in str(error)
    assert "'Your mail?'" in str(error)
    assert not talk(make([0, 1, 2, 3]), kept, "36").is_done


def same_mark():
    """Two questions that the log cannot tell apart by their marks."""
    from dialogs.marks import mark

    seen = {}
    questions = (f"Question {number}?" for number in itertools.count())
    return next(
        (other, question)
        for question in questions
        if (other := seen.setdefault(mark(question.encode()), question)) != question
    )


@each_style
def test_questions_whose_marks_are_equal_are_told_apart_all_the_same(kept, style):
    one, two = same_mark()
    order = """
        def order():
            «send_message(first)»
            one = «get_client_response()»
            «send_message(second)»
            two = «get_client_response()»
            return {first: one, second: two}
    """
    talk(written(order, style, first=one, second=two)(), kept, "", "1")

    error = refused(written(order, style, first=two, second=one)(), kept, "2")

    assert one in str(error) or two in str(error)
    assert talk(written(order, style, first=one, second=two)(), kept, "2").return_value == {
        one: "1",
        two: "2",
    }


# --- rule 5: other differences of kind and name -----------------------------------------------


def other(value):
    return value


BEFORE = """
    def order():
        «send_message("What?")»
        item = «get_client_response()»
        price = «call(int, 5)»
        amount = «get_client_response()»
        return item, price, amount
"""

# line of the file: what stands there after the edit, the record, how both are named
EDITS = {
    "another kind": (2, "«now()»", 0, "send_message(", "now()"),
    "another kind of wait": (3, "item = «now()»", 1, "get_client_response()", "now()"),
    "another function": (4, "price = «call(other, 5)»", 2, "call(int)", "call(other)"),
    "another pending step": (5, "amount = «call(other, 5)»", 3, "get_client_resp", "call(other)"),
    "other words": (2, "«send_message('Which?')»", 0, "a message with other words", "'Which?'"),
    "computed words": (2, "«send_message('W' + 'ho?')»", 0, "a message with", "'Who?'"),
    "a call for a dialog": (4, "price = «sub()»", 2, "call(int)", "the dialog 'sub'"),
    "a call for a gather": (4, "price = «gather(call(int))»", 2, "call(int)", "gather(call int)"),
    "a removed step": (4, "price = 5", 2, "call(int)", "get_client_response()"),
    "an inserted step": (4, "price = «now()»; «call(int)»", 2, "call(int)", "now()"),
    "a step before the wait": (5, "«now()»; amount = «get_client_response()»", 3, "get_", "now()"),
    "a message before it": (5, "«send_message('!')»; «get_client_response()»", 3, "get_", "'!'"),
    "an early return": (4, "return 5", 2, "call(int)", "returned"),
    "an early return at the wait": (5, "return 5", 3, "get_client_response()", "returned"),
    "an early raise": (4, "raise OSError(7)", 2, "call(int)", "raised OSError"),
    "an early raise at the wait": (5, "raise OSError(7)", 3, "get_client_", "raised OSError"),
}


def edit(text, line, replacement):
    lines = text.strip("\n").splitlines()
    indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
    lines[line - 1] = indent + replacement
    return "\n".join(lines)


@dialog
def sub():
    yield send_message("sub")


@each_style
@pytest.mark.parametrize("change", EDITS)
def test_an_edit_is_refused_and_names_both_and_the_place(kept, style, change):
    line, replacement, record, logged, found = EDITS[change]
    order = written(BEFORE, style)()
    edited = written(edit(BEFORE, line, replacement), style, other=other, sub=sub)()
    talk(order, kept, "", "tea")

    error = refused(edited, kept, "2")

    assert (error.dialog, error.version, error.record) == ("order", "1.0", record)
    assert error.conversation == kept.conversation_id
    assert error.logged.startswith(logged)
    if style == "async generator" and found == "returned":
        found = "dialog_result()"
    assert found in error.found
    if "words" not in change and "return" not in change and "raise" not in change:
        expected_line = 5 if change == "a removed step" else line
        assert error.location == f"shop.py:{expected_line}"
    # The code from before, or its repair, goes on as if nothing had been.
    assert talk(order, kept, "2").return_value == ("tea", 5, "2")


@each_style
@pytest.mark.parametrize("change", ["an early raise", "an early raise at the wait"])
def test_a_raise_where_a_step_was_shows_where_it_came_from(kept, style, change):
    line, replacement, *_ = EDITS[change]
    talk(written(BEFORE, style)(), kept, "", "tea")

    error = refused(written(edit(BEFORE, line, replacement), style)(), kept)

    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.__traceback__ is not None


@each_style
def test_nothing_new_is_performed_or_said_before_a_difference_is_found(kept, style):
    performed = []
    nested = """
        def inner():
            «send_message("Size?")»
            «get_client_response()»
            «call(performed.append, "inner")»

        def outer():
            «send_message("{welcome}")»
            «inner()»
            «call(performed.append, "outer")»
    """
    before = written(nested.replace("{welcome}", "Welcome!"), style, performed=performed)()
    talk(before, kept, "")

    refused(written(nested.replace("{welcome}", "Go away!"), style, performed=performed)(), kept)

    assert performed == []
    assert talk(before, kept, "S").is_done
    assert performed == ["inner", "outer"]


@each_style
def test_steps_after_the_pending_one_may_change(kept, style):
    talk(written(BEFORE, style)(), kept, "", "tea")
    edited = """
        def order():
            «send_message("What?")»
            item = «get_client_response()»
            price = «call(int, 5)»
            amount = «get_client_response()»
            «send_message("New!")»
            return «call(other, "new result")»
    """

    result = talk(written(edited, style, other=other)(), kept, "2")

    assert result == DialogStepDone("new result", ["New!"])


@each_style
def test_the_words_and_arguments_of_calls_may_be_anything(kept, style):
    """What is compared of a call is its kind and name, as rule 5 says."""
    text = """
        def order():
            first = «call(other, {value})»
            «get_client_response()»
            return first
    """
    talk(written(text.format(value=1), style, other=other)(), kept, "")

    assert talk(written(text.format(value=2), style, other=other)(), kept, "x").return_value == 1


# --- messages that got or changed a name ------------------------------------------------------

NAMED = """
    def order():
        «send_message({first})»
        «get_client_response()»
        «send_message({second})»
        return «get_client_response()»
"""


@each_style
def test_the_words_of_a_named_message_may_change(kept, style):
    before = NAMED.format(first='"Hi!", name="greeting"', second='"Item?"')
    edited = NAMED.format(first='"Good day!", name="greeting"', second='"Item?"')
    talk(written(before, style)(), kept, "", "hello")

    assert talk(written(edited, style)(), kept, "tea").return_value == "tea"


@each_style
def test_a_name_may_be_given_later_and_then_the_words_may_change(kept, style):
    before = NAMED.format(first='"Hi!"', second='"Item?"')
    edited = NAMED.format(first='"Good day!", name="greeting"', second='"Item?"')
    talk(written(before, style)(), kept, "", "hello")

    assert talk(written(edited, style)(), kept, "tea").return_value == "tea"


@each_style
@pytest.mark.parametrize(
    ("before", "edited"),
    [
        # The name was changed, or taken away.
        (('"Hi!", name="a"', '"Item?"'), ('"Hi!", name="b"', '"Item?"')),
        (('"Hi!", name="a"', '"Item?"'), ('"Hi!"', '"Item?"')),
        # One message got a name and the other one changed its words.
        (('"Hi!"', '"Item?"'), ('"Hi!", name="a"', '"What?"')),
    ],
)
def test_other_changes_of_names_and_words_are_refused(kept, style, before, edited):
    def make(first, second):
        return written(NAMED.format(first=first, second=second), style)()

    talk(make(*before), kept, "", "hello")

    refused(make(*edited), kept)


def test_the_remedy_of_changed_words_is_a_name(kept):
    before = NAMED.format(first='"Hi!"', second='"Item?"')
    edited = NAMED.format(first='"Hello!"', second='"Item?"')
    talk(written(before)(), kept, "")

    assert "give it a name: send_message(..., name=...)" in str(refused(written(edited)(), kept))


# --- calls of dialogs -------------------------------------------------------------------------

ASK = """
    def ask(question, form=None):
        «send_message(question, name="question")»
        return «get_client_response()»

    def order():
        answer = «{0}»
        return answer, «get_client_response()»
"""
LONG = "How " + "very " * 20

# How a call was written, how it is written now, and whether that is the same call.
CALLS = [
    ('ask("Name?")', 'ask("Name?")', True),
    ('ask("Name?", 1)', 'ask("Name?", form=[2])', True),
    ("ask(1)", "ask(2)", True),
    ('ask("Name?")', 'ask("Mail?")', False),
    ('ask("Name?")', 'ask(Message("Mail?"))', False),
    ('ask("Name?")', 'ask(Message("Name?"))', True),
    ('ask("Name?")', 'ask("Name?", "short")', False),
    ('ask("?", form="a")', 'ask("?", form="b")', False),
    (f'ask("{LONG} good?")', f'ask("{LONG} bad?")', False),
    (f'ask("{LONG} good?")', f'ask("{LONG} good?")', True),
    ('ask("Name?").named("name")', 'ask("Your name?").named("name")', True),
    ('ask("Name?")', 'ask("Your name?").named("name")', True),
    ('ask("Name?").named("name")', 'ask("Name?").named("mail")', False),
    ('ask("Name?").named("name")', 'ask("Name?")', False),
]


@each_style
@pytest.mark.parametrize("answered", [0, 1], ids=["open", "finished"])
@pytest.mark.parametrize("calls", CALLS, ids=str)
def test_a_call_of_a_dialog_is_known_by_its_texts_or_its_name(kept, style, answered, calls):
    before, edited, same = calls
    responses = ["", "Ada", "bye"]
    talk(written(ASK.format(before), style)(), kept, *responses[: answered + 1])
    order = written(ASK.format(edited), style)()

    if same:
        assert talk(order, kept, *responses[answered + 1 :]).return_value == ("Ada", "bye")
    else:
        error = refused(order, kept)
        assert "ask" in error.logged
        assert "ask" in error.found
        assert error.logged not in error.found


# --- what differs between runs ----------------------------------------------------------------


@each_style
def test_a_counter_outside_the_log_is_detected(kept, style):
    order = written(
        """
        def order():
            number = next(numbers)
            if number:
                «call(other, number)»
            else:
                «send_message("the first")»
            «get_client_response()»
        """,
        style,
        numbers=itertools.count(),
        other=other,
    )()
    talk(order, kept, "")

    error = refused(order, kept)

    assert "send_message(" in error.logged
    assert "call(other)" in error.found


@each_style
def test_words_that_change_from_run_to_run_are_detected(kept, style):
    order = written(
        """
        def order():
            «send_message(f"Your number is {random.random()}")»
            «get_client_response()»
        """,
        style,
        random=random,
    )()
    talk(order, kept, "")

    assert "send_message('Your number is" in refused(order, kept).found


@each_style
def test_a_loop_that_runs_more_or_less_often_than_it_did_is_detected(kept, style):
    text = """
        def order():
            for number in range(next(rounds)):
                «call(other, number)»
            return «get_client_response()»
    """

    for less_or_more in [2, 4]:
        kept.log = None
        order = written(text, style, rounds=iter([3, less_or_more, 3]), other=other)()
        talk(order, kept, "")
        refused(order, kept)
        assert talk(order, kept, "tea").return_value == "tea"


async def test_a_plain_function_called_twice_in_one_async_turn_is_checked_too(kept):
    async def fetch():
        return 5

    @dialog
    def order():
        run(call(other if next(numbers) else int, 1))
        return run(call(fetch))

    numbers = itertools.count()
    with pytest.raises(ReplayError, match=r"call\(int\) but .* call\(other\)"):
        await run_async_gen_dialog(order(), kept, "")
    assert kept.log is None


# --- patched ----------------------------------------------------------------------------------

OLD_LOOP = """
    def order():
        answers = []
        for number in range(4):
            «send_message(f"Question {number}?")»
            answers.append(«get_client_response()»)
        return answers
"""

# Where the change stands in the loop; in a running turn it is reached new right after it.
NEW_LOOPS = {
    "before the question": """
    def order():
        answers = []
        for number in range(4):
            answers.append(«patched("new")»)
            «send_message(f"Question {number}?")»
            answers.append(«get_client_response()»)
        return answers
    """,
    "before the wait": """
    def order():
        answers = []
        for number in range(4):
            «send_message(f"Question {number}?")»
            answers.append(«patched("new")»)
            answers.append(«get_client_response()»)
        return answers
    """,
    "after the wait": """
    def order():
        answers = []
        for number in range(4):
            «send_message(f"Question {number}?")»
            answer = «get_client_response()»
            answers.append(«patched("new")»)
            answers.append(answer)
        return answers
    """,
}


@each_style
@pytest.mark.parametrize("place", NEW_LOOPS)
@pytest.mark.parametrize("before_edit", range(5))
def test_patched_is_false_where_the_log_passed_before_the_change(kept, style, place, before_edit):
    """Given some turns of the old code; when the new code takes over."""
    old, new = written(OLD_LOOP, style)(), written(NEW_LOOPS[place], style)()
    responses = ["", "a", "b", "c", "d"]
    for response in responses[:before_edit]:
        talk(old, kept, response)
    result = None
    for response in responses[before_edit:]:
        result = talk(new, kept, response)
    if before_edit == 5:
        return

    # The last wait of the old code is pending, and the log has passed all that stands before it.
    passed = before_edit - 1 if place == "after the wait" else before_edit
    expected = []
    for number, answer in enumerate("abcd"):
        expected += [number >= passed, answer]
    assert result.return_value == expected


@each_style
def test_patched_says_the_same_on_every_replay(kept, style):
    seen = []
    order = written(
        """
        def order():
            seen.append(«patched("new")»)
            «get_client_response()»
            seen.append(«patched("newer")»)
            «get_client_response()»
        """,
        style,
        seen=seen,
    )()

    talk(order, kept, "", "a", "b")

    assert seen == [True, True, True, True, True]


@each_style
def test_code_guarded_by_patched_may_have_steps_on_both_sides(kept, style):
    old = """
        def order():
            «send_message("Item?")»
            item = «get_client_response()»
            amount = «get_client_response()»
            return item, amount
    """
    new = """
        def order():
            if «patched("greeting")»:
                «send_message("Welcome!")»
            «send_message("Item?")»
            item = «get_client_response()»
            if not «patched("no amount")»:
                amount = «get_client_response()»
            else:
                amount = «call(int, 1)»
            return item, amount
    """
    fresh = InMemoryPersistence()
    talk(written(old, style)(), kept, "", "tea")

    assert talk(written(new, style)(), kept, "2").return_value == ("tea", "2")
    assert run_gen_dialog(written(new, style)(), fresh, "").messages == ["Welcome!", "Item?"]
    assert talk(written(new, style)(), fresh, "tea").return_value == ("tea", 1)


@each_style
def test_several_changes_at_one_point_are_told_apart(kept, style):
    text = """
        def order():
            changes = []
            {0}
            «send_message("Item?")»
            «get_client_response()»
            {0}
            return changes
    """
    line = "changes.append(«patched({0!r})»)"
    only_b = written(text.format(line.format("b")), style)()
    all_three = written(text.format("; ".join(line.format(each) for each in "abc")), style)()
    talk(only_b, kept, "")

    assert talk(all_three, kept, "x").return_value == [False, True, False, True, True, True]


@each_style
def test_taking_away_a_change_that_a_log_has_is_refused(kept, style):
    text = """
        def order():
            {0}
            «send_message("Item?")»
            «get_client_response()»
    """
    talk(written(text.format('«patched("new")»'), style)(), kept, "")

    error = refused(written(text.format("pass"), style)(), kept)

    assert error.logged == "patched('new')"


@each_style
def test_patched_works_in_open_and_in_finished_subdialogs(kept, style):
    old = """
        def size():
            «send_message("Size?")»
            return «get_client_response()»

        def order():
            return «size()», «size()»
    """
    new = """
        def size():
            new = «patched("new size")»
            «send_message("Size?")»
            return new, «get_client_response()»

        def order():
            return «size()», «size()»
    """
    talk(written(old, style)(), kept, "")

    result = talk(written(new, style)(), kept, "S", "M")

    assert result.return_value == ((False, "S"), (True, "M"))


# --- rule 3: the errors of steps --------------------------------------------------------------


class OutOfStock(Exception):
    """An exception that nobody registered."""


@serializable
class CardRefused(Exception):
    def __init__(self, reason, *, code):
        super().__init__(reason)
        self.code = code


ERRORS = [
    ValueError("text", 5),
    KeyError("key"),
    ZeroDivisionError(),
    FileNotFoundError(2, "No such file", "a.txt"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
    TimeoutError("late"),
    CardRefused("no money", code=51),
    OutOfStock("tea"),
    OutOfStock(),
    ValueError(object),
    StopIteration(4),
    StopAsyncIteration(4),
    ExceptionGroup("several", [ValueError(1)]),
    asyncio.QueueFull("full"),
    StepFailed("Earlier", "failed twice"),
]

CATCHES = """
    def order():
        try:
            «call(fail)»
        except Exception as error:
            seen.append(error)
        «send_message("Sorry!")»
        «get_client_response()»
        return «call(int, 7)»
"""


@each_style
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_replays_as_the_same_error(kept, style, error):
    calls, seen = [], []

    def fail():
        calls.append(1)
        raise error

    order = written(CATCHES, style, fail=fail, seen=seen)()

    assert run_gen_dialog(order, kept, "").messages == ["Sorry!"]
    assert run_gen_dialog(order, kept, "x") == DialogStepDone(7, [])
    first, replayed = seen
    assert calls == [1]
    assert type(first) is type(replayed)
    assert (first.args, str(first), vars(first)) == (replayed.args, str(replayed), vars(replayed))
    assert first.__cause__ is error


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_becomes_of_an_error_is_the_closed_list(kept, error):
    def fail():
        raise error

    with pytest.raises((type(error), StepFailed)) as caught:
        run_gen_dialog(call(fail), kept, "")

    builtin_or_registered = type(error).__module__ == "builtins" or type(error) is CardRefused
    unfit = (StopIteration, StopAsyncIteration, ExceptionGroup)
    if builtin_or_registered and not isinstance(error, unfit) and error.args != (object,):
        assert type(caught.value) is type(error)
        assert caught.value.args == error.args
    elif type(error) is StepFailed:
        assert caught.value.type_name == "Earlier"
    else:
        assert type(caught.value) is StepFailed
        assert caught.value.type_name == type(error).__name__
        assert caught.value.message == str(error)


def test_a_registered_error_keeps_its_attributes(kept):
    def pay():
        raise CardRefused("no money", code=51)

    @dialog
    def order():
        try:
            yield call(pay)
        except CardRefused as error:
            yield get_client_response()
            return error.args, error.code

    assert talk(order(), kept, "", "x").return_value == (("no money",), 51)


def test_an_error_without_a_text_of_its_own_is_recorded_too(kept):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    def fail():
        raise Mute

    @dialog
    def order():
        try:
            yield call(fail)
        except StepFailed as error:
            return error.type_name

    assert talk(order(), kept, "").return_value == "Mute"


@each_style
def test_an_error_that_nobody_catches_leaves_the_root_with_its_cause(kept, style):
    def fail():
        raise OutOfStock("tea")

    order = written("def order():\n    «send_message('Hi!')»\n    «call(fail)»", style, fail=fail)

    with pytest.raises(StepFailed, match=r"OutOfStock.*tea") as caught:
        run_gen_dialog(order(), kept, "")

    assert isinstance(caught.value.__cause__, OutOfStock)
    assert kept.log is None


@each_style
def test_steps_go_on_after_errors_were_caught(kept, style):
    def fail(number):
        raise ValueError(number)

    order = written(
        """
        def order():
            seen = []
            for number in range(3):
                try:
                    «call(fail, number)»
                except ValueError as error:
                    seen.append(error.args)
                seen.append(«call(other, number)»)
                seen.append(«get_client_response()»)
            return seen
        """,
        style,
        fail=fail,
        other=other,
    )()

    result = talk(order, kept, "", "a", "b", "c")

    assert result.return_value == [(0,), 0, "a", (1,), 1, "b", (2,), 2, "c"]


@each_style
def test_a_recorded_error_for_another_step_is_refused(kept, style):
    def fail():
        raise ValueError

    order = written(CATCHES, style, fail=fail, seen=[])()
    edited = written(CATCHES.replace("fail", "other"), style, other=other, seen=[])()
    talk(order, kept, "")

    error = refused(edited, kept)

    assert (error.logged, error.record) == ("call(fail)", 0)


@each_style
def test_an_error_crosses_open_frames_as_the_same_error(kept, style):
    """Given a dialog three deep that fails after its third answer; when it is caught outside."""
    failures, seen = [], []

    def fail(answer):
        failures.append(answer)
        raise OutOfStock(answer)

    order = written(
        """
        def pay():
            «send_message("Card?")»
            card = «get_client_response()»
            «call(fail, card)»

        def checkout():
            try:
                «get_client_response()»
                «pay()»
            finally:
                seen.append("checkout")

        def order():
            «get_client_response()»
            try:
                «checkout()»
            except StepFailed as error:
                seen.append((error.type_name, error.message))
            «send_message("Sorry!")»
            return «get_client_response()»
        """,
        style,
        fail=fail,
        seen=seen,
    )()

    result = talk(order, kept, "", "a", "b")
    assert result.messages == ["Card?"]
    assert "checkout" in seen
    seen.clear()
    assert run_gen_dialog(order, kept, "visa").messages == ["Sorry!"]
    assert seen == ["checkout", ("OutOfStock", "visa")]
    assert run_gen_dialog(order, kept, "bye") == DialogStepDone("bye", [])
    assert seen[2:] == [("OutOfStock", "visa")]
    assert failures == ["visa"]


@each_style
def test_an_error_of_a_subdialog_is_treated_like_any_steps_error(kept, style):
    seen = []
    order = written(
        """
        def pay():
            «get_client_response()»
            raise OutOfStock("tea")

        def order():
            try:
                «pay()»
            except Exception as error:
                seen.append(error)
            return «get_client_response()»
        """,
        style,
        OutOfStock=OutOfStock,
        seen=seen,
    )()

    assert talk(order, kept, "", "visa", "x").return_value == "x"

    first, replayed = seen
    assert type(first) is type(replayed) is StepFailed
    assert str(first) == str(replayed)
    assert isinstance(first.__cause__, OutOfStock)


# --- rule 9: awaits that are no steps ---------------------------------------------------------


async def pause():
    await asyncio.sleep(0)


@dialog
async def coroutine_that_sleeps():
    await send_message("one")
    await asyncio.sleep(0)
    first = await get_client_response()
    await asyncio.sleep(0)
    return first, await get_client_response()


@dialog
async def async_generator_that_sleeps():
    yield send_message("one")
    await asyncio.sleep(0)
    first = yield get_client_response()
    await asyncio.sleep(0)
    second = yield get_client_response()
    yield dialog_result((first, second))


def line_of(dialog, text):
    """The line of this file where a dialog has this text first."""
    import inspect

    lines, first = inspect.getsourcelines(dialog.__wrapped__)
    return first + next(at for at, line in enumerate(lines) if text in line)


async def turn(dialog, kept, response):
    """A turn of an async run, and the places of its warnings about awaits."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = await run_async_gen_dialog(dialog, kept, response)
    assert all(warning.category is UnrecordedAwait for warning in caught)
    return result, [(warning.filename, warning.lineno) for warning in caught]


@pytest.mark.parametrize("sleeper", [coroutine_that_sleeps, async_generator_that_sleeps])
async def test_an_await_that_runs_again_is_reported_with_file_and_line(kept, sleeper):
    sleeps = line_of(sleeper, "asyncio.sleep")

    assert (await turn(sleeper(), kept, ""))[1] == []
    assert (await turn(sleeper(), kept, "a"))[1] == [(__file__, sleeps)]
    result, places = await turn(sleeper(), kept, "b")

    assert result.return_value == ("a", "b")
    assert places == [(__file__, sleeps), (__file__, sleeps + 2)]


def test_an_await_that_runs_again_is_reported_under_trio_too(kept):
    @dialog
    async def sleeper():
        await trio.lowlevel.checkpoint()
        return await get_client_response()

    async def turns():
        assert (await turn(sleeper(), kept, ""))[1] == []
        return await turn(sleeper(), kept, "a")

    result, places = trio.run(turns)

    assert result.return_value == "a"
    assert set(places) == {(__file__, line_of(sleeper, "trio.lowlevel"))}


async def test_an_await_of_many_parts_is_reported_once(kept):
    @dialog
    async def sleeper():
        for _ in range(2):
            await call(int)
        await asyncio.wait_for(several(), timeout=60)
        return await get_client_response()

    async def several():
        for _ in range(5):
            await asyncio.sleep(0)

    await turn(sleeper(), kept, "")

    assert (await turn(sleeper(), kept, "a"))[1] == [(__file__, line_of(sleeper, "wait_for"))]


async def test_the_report_says_whose_await_it_is_and_how_to_record_it(kept):
    await run_async_gen_dialog(coroutine_that_sleeps(), kept, "", conversation_id="web:42")

    with pytest.warns(UnrecordedAwait) as caught:
        await run_async_gen_dialog(coroutine_that_sleeps(), kept, "a", conversation_id="web:42")

    text = str(caught[0].message)
    assert "'coroutine_that_sleeps' of conversation 'web:42'" in text
    assert "await call(fn" in text


async def test_a_report_made_an_error_leaves_the_log_as_it_was(kept):
    await run_async_gen_dialog(coroutine_that_sleeps(), kept, "")
    before = kept.log

    with pytest.raises(UnrecordedAwait):
        await run_async_gen_dialog(coroutine_that_sleeps(), kept, "a")
    assert kept.log == before


async def test_a_foreign_await_in_a_subdialog_names_the_subdialogs_line(kept):
    @dialog
    async def inner():
        await asyncio.sleep(0)
        return await get_client_response()

    @dialog
    def outer():
        return run(inner())

    await turn(outer(), kept, "")

    result, places = await turn(outer(), kept, "a")
    assert result.return_value == "a"
    assert places == [(__file__, line_of(inner, "sleep"))]


async def test_awaits_that_are_steps_are_not_reported(kept):
    @dialog
    async def recorded():
        await call(pause)
        await gather(call(pause), pause())
        return await get_client_response()

    await run_async_gen_dialog(recorded(), kept, "")

    assert (await run_async_gen_dialog(recorded(), kept, "x")).return_value == "x"


# --- coroutines that were answered from the log -----------------------------------------------


async def test_coroutines_answered_from_the_log_are_closed_quietly(kept):
    awaited = []

    async def fetch(number):
        awaited.append(number)
        return number

    @dialog
    def order():
        one = yield fetch(1)
        several = yield gather(fetch(2), call(fetch, 3), gather(fetch(4)))
        return one, several, (yield get_client_response())

    await run_async_gen_dialog(order(), kept, "")
    gc.collect()
    result = await run_async_gen_dialog(order(), kept, "x")
    gc.collect()

    assert result.return_value == (1, [2, 3, [4]], "x")
    assert sorted(awaited) == [1, 2, 3, 4]


def test_a_sync_run_may_replay_coroutines_that_an_async_run_awaited(kept):
    async def fetch():
        return 5

    @dialog
    def order():
        return (yield fetch()), (yield gather(fetch())), (yield get_client_response())

    asyncio.run(run_async_gen_dialog(order(), kept, ""))
    result = run_gen_dialog(order(), kept, "x")
    gc.collect()

    assert result.return_value == (5, [5], "x")


async def test_coroutines_of_a_refused_run_are_closed_quietly(kept):
    async def fetch():
        return 5

    @dialog
    def order(edited):
        yield send_message("!") if edited else fetch()
        yield gather(fetch(), fetch())
        yield get_client_response()

    @dialog
    def wrong():
        yield gather(fetch(), 5, fetch())

    await run_async_gen_dialog(order(False), kept, "")
    with pytest.raises(ReplayError):
        await run_async_gen_dialog(order(True), kept, "x")
    with pytest.raises(Exception, match="5 is not a step"):
        await run_async_gen_dialog(wrong(), InMemoryPersistence(), "")
    gc.collect()


# --- the result of an async generator ---------------------------------------------------------


def test_an_async_generator_ends_at_its_dialog_result(kept):
    @dialog
    async def order():
        yield send_message("before")
        yield dialog_result(5)
        yield send_message("after")
        pytest.fail("it went on")

    assert talk(order(), kept, "") == DialogStepDone(5, ["before"])


def test_an_async_generator_without_dialog_result_returns_none(kept):
    @dialog
    async def silent():
        yield get_client_response()

    @dialog
    async def early():
        if (yield get_client_response()):
            return
        yield dialog_result("late")

    assert talk(silent(), kept, "", "x") == DialogStepDone(None, [])
    assert talk(early(), InMemoryPersistence(), "", "x") == DialogStepDone(None, [])
    assert talk(early(), InMemoryPersistence(), "", "") == DialogStepDone("late", [])


@pytest.mark.parametrize("value", [None, 0, [], {"a": (1,)}])
def test_dialog_result_gives_its_value_to_a_dialog_around_it(kept, value):
    @dialog
    async def inner():
        yield dialog_result(value)

    @dialog
    async def outer():
        result = yield inner()
        yield dialog_result([result])

    assert talk(outer(), kept, "").return_value == [value]


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


def test_a_plain_dialog_without_steps_is_a_step_and_has_a_key(kept, keys):
    @dialog
    def charge():
        keys.append(step_key())
        if len(keys) == 1:
            raise ConnectionError

    @dialog
    def order():
        yield charge()
        yield charge()

    with pytest.raises(ConnectionError):
        run_gen_dialog(order(), kept, "")
    run_gen_dialog(order(), kept, "")

    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]


def test_a_plain_dialogs_own_key_stays_the_same_from_turn_to_turn(kept, keys):
    @dialog
    def inner():
        keys.append(("inner", step_key()))
        run(get_client_response())
        run(get_client_response())

    @dialog
    def order():
        keys.append(("order", step_key()))
        run(inner())

    talk(order(), kept, "", "a", "b")

    assert len(keys) == 6
    assert len(set(keys)) == 2


@pytest.mark.parametrize("style", ["generator", "coroutine", "async generator"])
@pytest.mark.parametrize("outer", [None, "plain"])
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
