"""`ask`: what is taken, what is refused, and what is said then."""

import enum
from decimal import Decimal
from functools import partial

import pytest

from dialogs import (
    Button,
    Message,
    UsageError,
    serializable,
)
from dialogs.prompts import ask
from dialogs.testing import DialogTester
from tests.prompts.asked import only


def test_the_answer_is_the_clients_text():
    only(ask("Name?")).start().expect("Name?").say(" Ada ").expect_nothing().expect_done(" Ada ")


def test_a_prompt_can_be_run_without_a_dialog_around_it():
    DialogTester(ask("Name?")).start().expect("Name?").say("Ada").expect_done("Ada")


@pytest.mark.parametrize(
    ("parse", "response", "answer"),
    [
        (str, 5, "5"),
        (str, 2.5, "2.5"),
        (str, True, "True"),
        (int, " 42 ", 42),
        (int, "-7", -7),
        (int, 42, 42),
        (int, 42.0, 42),
        (float, "2.5", 2.5),
        (float, 3, 3.0),
        (Decimal, "2.50", Decimal("2.50")),
        (Decimal, 0.1, Decimal("0.1")),
        (str.upper, "ada", "ADA"),
        ({"red": 1}.__getitem__, "red", 1),
        (lambda response: response["id"], {"id": 7}, 7),
    ],
)
def test_a_response_is_parsed(parse, response, answer):
    only(ask("?", parse)).say(response).expect_done(answer)


@pytest.mark.parametrize(
    ("parse", "response"),
    [
        (str, None),
        (int, "forty"),
        (int, ""),
        (int, 4.5),
        (int, "4.5"),
        (int, True),
        (int, None),
        (int, [1]),
        (float, "nan"),
        (float, "inf"),
        (float, False),
        (Decimal, "ten"),
        (Decimal, "NaN"),
        (Decimal, True),
        ({"red": 1}.__getitem__, "green"),
        ([1, 2].__getitem__, 9),
        (str.upper, 5),
        (lambda text: 1 / int(text), "0"),
        (lambda text: text.split(), 5),
    ],
)
def test_a_response_that_cannot_be_parsed_is_asked_for_again(parse, response):
    tester = only(ask("Again?", parse, retry_message="No.")).start()
    tester.say(response).expect("No.").expect_nothing().expect_waiting()


@pytest.mark.parametrize(
    ("parse", "hint"),
    [
        (int, "Please answer with a whole number."),
        (float, "Please answer with a number."),
        (Decimal, "Please answer with a number."),
        ({}.__getitem__, "Sorry, that is not a valid answer."),
    ],
)
def test_a_refused_response_is_followed_by_a_hint_and_the_question(parse, hint):
    only(ask("How much?", parse)).say("?!").expect(f"{hint} How much?")


def test_an_enum_parses_its_values():
    @serializable(name="test_ask.Size")
    class Size(enum.Enum):
        SMALL = "s"

    only(ask("Size?", Size)).say("x").expect_waiting().say("s").expect_done(Size.SMALL)


def test_a_function_that_is_no_answer_to_be_hashed_parses_too():
    class Doubling:
        __hash__ = None

        def __call__(self, text):
            return 2 * int(text)

    only(ask("?", Doubling())).say("4").expect_done(8)


def test_a_mistake_in_parse_is_no_refusal():
    with pytest.raises(TypeError, match="argument"):
        only(ask("?", lambda: 1)).say("text")


def test_validate_refuses_by_what_it_returns():
    tester = only(ask("Age?", int, lambda age: age >= 18)).say("17")
    tester.expect("Sorry, that is not a valid answer. Age?").say("18").expect_done(18)


def test_validate_refuses_by_a_value_error_whose_text_is_said():
    def grown_up(age):
        if age < 18:
            raise ValueError("Come back later")
        return True

    only(ask("Age?", int, grown_up)).say("17").expect("Come back later. Age?")
    only(ask("Age?", int, grown_up, retry_message="18!")).say("17").expect("18!")


def test_a_function_makes_the_retry_message_of_the_response_and_the_error():
    def words(response, error):
        return f"{response!r}: {error}"

    only(ask("Age?", int, retry_message=words)).say("x").expect_containing("'x': invalid literal")


def test_a_retry_message_shows_the_buttons_of_the_question_unless_it_has_its_own():
    question = Message("Age?", buttons=(Button("18", 18),))
    own = Message("No!", buttons=(Button("19", 19),))
    again = Message("No!", buttons=(Button("18", 18),))
    only(ask(question, int, retry_message="No!")).say("x").expect(again).press("18").expect_done(18)
    only(ask(question, int, retry_message=own)).say("x").expect(own)
    only(ask(question, int, retry_message=Message("No!"))).say("x").expect(again)
    only(ask(question, int)).say("x").expect_containing("Age?").press("18").expect_done(18)


async def later(answer):
    return answer


@pytest.mark.parametrize("arguments", [{"parse": later}, {"validate": later}])
def test_a_coroutine_function_cannot_parse_or_validate(arguments):
    with pytest.raises(UsageError, match=r"later\) would have to be awaited.*call\(later, answer"):
        only(ask("?", **arguments)).start()


@pytest.mark.parametrize("argument", ["parse", "validate"])
def test_a_function_that_returns_a_coroutine_is_refused_once_it_does(argument):
    tester = only(ask("?", **{argument: partial(lambda wait, text: wait(text), later)})).start()
    with pytest.raises(UsageError, match=f"{argument}=later.* would have to be awaited"):
        tester.say("x")


def test_bool_is_no_way_to_parse():
    with pytest.raises(UsageError, match="Use confirm"):
        only(ask("?", bool)).start()


@pytest.mark.parametrize("argument", ["parse", "validate"])
def test_only_functions_parse_and_validate(argument):
    with pytest.raises(UsageError, match=f"{argument}=5"):
        only(ask("?", **{argument: 5})).start()
