import itertools
import random

import pytest

from dialogs import (
    DialogStepDone,
    InMemoryPersistence,
    ReplayError,
    call,
    dialog,
    dialog_result,
    get_client_response,
    run,
    run_async_gen_dialog,
    send_message,
)
from tests.talking import refused, talk
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


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


@each_style
def test_a_finished_subdialog_is_one_record_and_is_not_run_again(kept, style):
    runs = []
    order = written(
        """
        def count(limit):
            runs.append(1)
            for number in range(limit):
                «send_message(f"Number {number}?")»
                «call(other, number)»
                «get_client_response()»
            return limit

        def order():
            counted = «count(30)»
            return counted, «get_client_response()», «get_client_response()»
        """,
        style,
        runs=runs,
        other=other,
    )()
    talk(order, kept, "", *range(29))
    while_open = len(kept.log)

    assert talk(order, kept, 29, "x", "y").return_value == (30, "x", "y")
    assert len(runs) == 31
    kept.log = None
    talk(order, kept, "", *range(30))
    assert len(kept.log) < while_open / 3


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
