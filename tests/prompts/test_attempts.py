"""How often and how long a prompt asks."""

import pytest
from pydantic import BaseModel

from dialogs import (
    ResponseTimeout,
    UsageError,
    dialog,
    get_client_response,
    send_message,
    serializable,
)
from dialogs.prompts import NoValidAnswer, ask, choose, confirm, form
from dialogs.testing import DialogTester
from tests.prompts.asked import only


@dialog
def patient():
    try:
        age = yield from ask("Age?", int, attempts=2)
    except NoValidAnswer as error:
        yield send_message(f"{error.question} {error.attempts}")
        age = None
    yield get_client_response()
    return age


def test_a_prompt_that_got_no_valid_answer_throws_an_error_that_is_recorded():
    tester = DialogTester(patient()).start().say("a").expect_waiting().say("b")
    tester.expect("Age? 2").expect_nothing().say("go on").expect_done(None)


def test_the_error_says_what_to_do():
    with pytest.raises(NoValidAnswer) as caught:
        only(ask("Age?", int, attempts=1)).say("x")
    assert str(caught.value) == (
        "'Age?' got no valid answer in 1 attempt. That is as many as the prompt was given. Catch "
        "NoValidAnswer around the prompt, or leave `attempts` out to ask until a valid answer "
        "comes."
    )


@serializable(name="test_attempts.Age")
class Age(BaseModel):
    age: int


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        (ask("Age?", int), 5),
        (ask("Age?", int, attempts=None), 5),
        (choose("Age?", {"4": 4, "5": 5}), 5),
        (confirm("Age?", yes="5"), True),
        (form(Age), Age(age=5)),
    ],
)
def test_a_prompt_asks_until_a_valid_answer_comes(prompt, answer):
    tester = only(prompt).start()
    for _ in range(20):
        tester.say("x").expect_waiting()
    tester.say("5").expect_done(answer)


@pytest.mark.parametrize(
    "prompt", [ask, confirm, lambda question, **k: choose(question, ["a"], **k)]
)
def test_a_prompt_must_allow_one_attempt(prompt):
    with pytest.raises(UsageError, match="attempts=0 could take no answer"):
        only(prompt("?", attempts=0)).start()


def test_a_prompt_leaves_one_record_however_often_it_asked():
    @dialog
    def two():
        yield ask("One?", int)
        yield ask("Two?", int)

    asked_once = DialogTester(two()).start().say("1").log_size
    tester = DialogTester(two()).start()
    for _ in range(50):
        tester.say("x")
    # The name of the retry message stays in the log's table, once.
    assert asked_once <= tester.say("1").log_size <= asked_once + 30


def test_a_prompt_waits_no_longer_than_its_timeout():
    tester = only(ask("Age?", int, timeout=60)).start().say("x")
    with pytest.raises(ResponseTimeout):
        tester.time_out()
