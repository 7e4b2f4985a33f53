"""What is said and heard, and which step comes next; what variables are meanwhile."""

import functools
from datetime import date

import pytest

from dialogs import Button, Message
from tests.workflows.documents import act, conversing, listen, say, slot

# --- response, wait_input, goto ---------------------------------------------------------------


def test_a_response_says_its_text_with_what_the_names_stand_for():
    step = say("a", "{name} has {count}, {{so}} {more.0.x}{nothing}.")
    variables = {"name": "Ada", "count": 3.0, "more": [{"x": True}], "nothing": None}

    conversing(step, variables=variables).start().expect("Ada has 3, {so} yes.").expect_done()


def test_a_response_takes_a_template_of_the_document_or_of_the_host():
    steps = [
        {"id": "a", "type": "response", "template": "own"},
        {"id": "b", "type": "response", "template": "hosts"},
    ]
    host = {"templates": {"hosts": "The host's {x}.", "own": "never"}}

    conversation = conversing(
        *steps, templates={"own": "My {x}."}, variables={"x": "one"}, host=host
    ).start()

    conversation.expect("My one.").expect("The host's one.").expect_done()


def test_a_response_has_buttons():
    step = say("a", "Well?", buttons=["Yes, {x}", "No"])

    said = conversing(step, variables={"x": "please"}).start().said

    assert said == [Message("Well?", buttons=(Button("Yes, please"), Button("No")))]


def test_wait_input_hears_the_text_and_keeps_it_in_a_slot():
    conversation = conversing(
        listen("a", prompt="Your turn.", slot="word"), say("b", "{word} = {text}.")
    )

    conversation.start().expect("Your turn.")
    conversation.say("Hello").expect("Hello = Hello.").expect_done()


def test_steps_follow_each_other_or_go_where_they_say():
    steps = [
        say("a", next_step="c"),
        say("b", next_step="end"),
        {"id": "c", "type": "goto", "next_step": "b"},
    ]

    result = conversing(*steps).start().expect("This is a.").expect("This is b.").result

    assert [entry["step"] for entry in result["history"]] == ["a", "c", "b"]


# --- condition, loop --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("variables['amount'] > 0 and variables['amount'] <= 50000", True),
        ("intent == 'confirm' or 'yes' in text.lower()", True),
        ("amount > 100", False),
        ("confidence < 0.5 and entities['to'] == 'Ada'", True),
        ("unset is None", True),
        ("sum == 5 and max([1, 2]) == 2", True),
    ],
)
def test_a_condition_goes_one_of_two_ways(expression, holds):
    conversation = conversing(
        {
            "id": "c",
            "type": "condition",
            "condition": expression,
            "if_true": "right",
            "if_false": "wrong",
        },
        say("right", next_step="end"),
        say("wrong"),
        variables={"amount": 100, "unset": None, "sum": 5},
        message={"text": "Oh YES", "entities": {"to": "Ada"}},
    )

    conversation.start().expect("This is right." if holds else "This is wrong.").expect_done()


def test_a_condition_that_raises_fails_like_any_step():
    conversation = conversing(
        {"id": "c", "type": "condition", "condition": "amount > 1", "on_error": "sorry"},
        say("never", next_step="end"),
        say("sorry", "{error.step}: {error.type}"),
        variables={"amount": None},
    )

    conversation.start().expect("c: TypeError")


def test_a_loop_runs_while_its_condition_holds():
    conversation = conversing(
        {
            "id": "l",
            "type": "loop",
            "loop_condition": "text != 'stop'",
            "loop_steps": ["hear", "echo"],
        },
        listen("hear"),
        say("echo", "{text}!"),
        say("done"),
    ).start()

    conversation.say("a").expect("a!")
    conversation.say("stop").expect("stop!").expect("This is done.").expect_done()


def test_a_loop_ends_after_its_last_round_and_begins_anew_when_it_is_reached_again():
    loop = {"id": "l", "type": "loop", "max_iterations": 2, "loop_steps": ["x"]}
    conversation = conversing(loop, say("x"), listen("again", next_step="l")).start()

    conversation.expect("This is x.").expect("This is x.").expect_nothing()
    conversation.say("more").expect("This is x.").expect("This is x.").expect_nothing()


def test_loops_nest_and_a_jump_outside_leaves_them():
    conversation = conversing(
        {"id": "outer", "type": "loop", "max_iterations": 2, "loop_steps": ["inner", "ask"]},
        {"id": "inner", "type": "loop", "max_iterations": 2, "loop_steps": ["x"]},
        say("x"),
        listen("ask"),
        say("after", next_step="end"),
    ).start()

    assert conversation.said == ["This is x."] * 2
    conversation.say("go on")
    assert conversation.said == ["This is x."] * 4
    conversation.say("enough").expect_done()
    assert conversation.said[-1] == "This is after."


# --- variables --------------------------------------------------------------------------------


def test_a_variable_that_nothing_has_set_yet_is_nothing():
    steps = [
        say("a", "[{x}]"),
        {"id": "c", "type": "condition", "condition": "x is None and variables['x'] is None"},
        slot("x"),
    ]

    conversing(*steps).start().expect("[]").expect("x?")


def test_values_that_the_sandbox_does_not_take_are_texts_there():
    deep = functools.reduce(lambda inside, _: [inside], range(60), "x")
    values = {"day": date(2024, 1, 2), "deep": deep, "far": float("inf"), "pair": (1, 2)}
    condition = "got['day'] == '2024-01-02' and got['far'] == 'inf' and got['pair'][1] == 2"
    steps = [
        act("got", "get"),
        {"id": "c", "type": "condition", "condition": condition, "if_false": "end"},
        say("b"),
    ]

    conversing(*steps, host={"actions": {"get": lambda: values}}).start().expect("This is b.")
