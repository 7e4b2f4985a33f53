"""Questions that insist on an answer."""

import enum
import subprocess
import sys
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, Literal

import pytest
from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

from dialogs import (
    Attachment,
    Button,
    Message,
    NotSerializable,
    ReplayError,
    ResponseTimeout,
    UsageError,
    dialog,
    dialog_result,
    get_client_response,
    run,
    send_message,
    serializable,
)
from dialogs.prompts import NoValidAnswer, ask, choose, confirm, form
from dialogs.testing import DialogTester


def only(prompt):
    """A dialog that is one prompt."""

    @dialog(name="only")
    def asks():
        return (yield prompt)

    return DialogTester(asks())


# --- ask --------------------------------------------------------------------------------------


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
    @serializable(name="test_prompts.Size")
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


# --- attempts ---------------------------------------------------------------------------------


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
        "'Age?' got no valid answer in 1 attempt. A prompt does not ask for ever. Catch "
        "NoValidAnswer around the prompt, or allow any number of attempts with attempts=None."
    )


def test_a_prompt_gives_up_after_three_attempts_by_default():
    tester = only(ask("Age?", int)).say("a").say("b")
    with pytest.raises(NoValidAnswer):
        tester.say("c")


def test_a_prompt_without_a_number_of_attempts_never_gives_up():
    tester = only(ask("Age?", int, attempts=None)).start()
    for _ in range(20):
        tester.say("x").expect_waiting()
    tester.say("5").expect_done(5)


@pytest.mark.parametrize(
    "prompt", [ask, confirm, lambda question, **k: choose(question, ["a"], **k)]
)
def test_a_prompt_must_allow_one_attempt(prompt):
    with pytest.raises(UsageError, match="attempts=0 could take no answer"):
        only(prompt("?", attempts=0)).start()


def test_a_prompt_leaves_one_record_however_often_it_asked():
    @dialog
    def two():
        yield ask("One?", int, attempts=None)
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


# --- what cannot be asked ---------------------------------------------------------------------


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


# --- what a prompt is known by ----------------------------------------------------------------


def version(*prompts):
    @dialog(name="sign_up")
    def sign_up():
        answers = []
        for prompt in prompts:
            answers += [(yield prompt)]
        yield get_client_response()
        return answers

    return sign_up()


@pytest.mark.parametrize("answers", [["Ada"], ["Ada", "ada@example.org"]])
def test_two_prompts_that_changed_places_are_noticed(answers):
    tester = DialogTester(version(ask("Your name?"), ask("Your e-mail?"))).start()
    for answer in answers:
        tester.say(answer)
    kept = tester.bytes
    tester.upgrade(version(ask("Your e-mail?"), ask("Your name?")))
    with pytest.raises(ReplayError) as caught:
        tester.say("next")
    assert "Your name?" in caught.value.logged
    assert "Your e-mail?" in caught.value.found
    assert tester.bytes == kept


def test_two_open_prompts_that_changed_places_are_noticed():
    tester = DialogTester(
        version(choose("Drink?", ["a", "b"]), choose("Food?", ["a", "b"]))
    ).start()
    tester.upgrade(version(choose("Food?", ["a", "b"]), choose("Drink?", ["a", "b"])))
    with pytest.raises(ReplayError, match=r"Drink\?.*Food\?"):
        tester.say("a")


def test_two_long_questions_are_told_apart_by_their_ends():
    one, two = "Well, " * 50 + "one?", "Well, " * 50 + "two?"
    tester = DialogTester(version(ask(one), ask(two))).start().say("1").say("2")
    tester.upgrade(version(ask(two), ask(one)))
    with pytest.raises(ReplayError):
        tester.say("next")


def test_a_question_may_be_reworded_where_the_prompt_has_a_name():
    tester = DialogTester(version(ask("Name?", name="name"), ask("Age?", int))).start().say("Ada")
    tester.upgrade(version(ask("Who are you?", name="name"), ask("How old are you?", int)))
    with pytest.raises(ReplayError):
        tester.say("36")
    tester.upgrade(version(ask("Who are you?", name="name"), ask("Age?", int)))
    tester.say("36").say("end").expect_done(["Ada", 36])


def test_a_name_may_be_added_while_the_question_waits():
    tester = DialogTester(version(ask("Name?"))).start()
    tester.upgrade(version(ask("Who are you?", name="name"))).say("Ada").say("end")
    tester.expect_done(["Ada"])


def test_the_other_words_of_a_prompt_may_change_while_it_waits():
    tester = DialogTester(version(ask("Age?", int, retry_message="No."))).start().say("x")
    tester.upgrade(version(ask("Age?", int, retry_message="A number!", attempts=5)))
    tester.say("y").expect("A number!").say("5").say("end").expect_done([5])


def test_a_response_that_was_refused_must_be_refused_again():
    tester = DialogTester(version(ask("Age?", int))).start().say("old")
    tester.upgrade(version(ask("Age?")))
    with pytest.raises(ReplayError):
        tester.say("36")


def test_a_prompt_that_is_done_may_change_in_everything_but_its_name():
    tester = DialogTester(version(ask("Age?", int), ask("Name?"))).start().say("old").say("36")
    tester.upgrade(version(ask("Age?", float, attempts=1), ask("Name?"))).say("Ada").say("end")
    tester.expect_done([36, "Ada"])


# --- all styles -------------------------------------------------------------------------------


@dialog(name="styled")
def as_generator():
    name = yield from ask("Name?")
    return name, (yield confirm("Sure?"))


@dialog(name="styled")
async def as_coroutine():
    name = await ask("Name?")
    return name, await confirm("Sure?")


@dialog(name="styled")
async def as_async_generator():
    name = yield ask("Name?")
    sure = yield confirm("Sure?")
    yield dialog_result((name, sure))


@dialog(name="styled")
def as_plain_function():
    return run(ask("Name?")), run(confirm("Sure?"))


STYLES = [as_generator, as_coroutine, as_async_generator, as_plain_function]


@pytest.mark.parametrize("asks", STYLES)
def test_prompts_are_steps_in_every_style(asks):
    tester = DialogTester(asks())
    tester.play(
        """
        bot: Name?
        you: Ada
        bot: Sure? [Yes] [No]
        you: perhaps
        bot: Please answer Yes or No. Sure? [Yes] [No]
        you: [Yes]
        (done: ('Ada', True))
        """
    )


def test_a_prompt_goes_on_in_another_style():
    tester = DialogTester(as_generator()).start()
    for asks, response in zip(STYLES[1:], ["Ada", "perhaps", "y"], strict=True):
        tester.upgrade(asks()).say(response)
    tester.expect_done(("Ada", True))


# --- choose -----------------------------------------------------------------------------------


def test_options_are_shown_as_buttons_with_their_values():
    options = [Button("Small", 1), "Large"]
    question = Message("Size?", attachments=(Attachment("sizes.png"),))
    only(choose(question, options)).start().expect(
        Message(
            "Size?",
            buttons=(Button("Small", 1), Button("Large", "Large")),
            attachments=(Attachment("sizes.png"),),
        )
    )


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("Tea", "Tea"),
        ("tea", "Tea"),
        ("  IRISH   coffee ", "Irish Coffee"),
        ("2", "Irish Coffee"),
        ("2.", "Irish Coffee"),
        ("2)", "Irish Coffee"),
        (1, "Tea"),
    ],
)
def test_an_option_is_chosen_by_its_text_or_its_number(response, answer):
    only(choose("Drink?", ["Tea", "Irish Coffee"])).say(response).expect_done(answer)


@pytest.mark.parametrize(
    "response", ["", "0", "3", "-1", "t", 0, 3, True, None, 1.0, "9" * 999, []]
)
def test_what_is_no_option_is_refused(response):
    tester = only(choose("Drink?", ["Tea", "Coffee"])).say(response)
    tester.expect("Please answer Tea or Coffee. Drink?").press("Tea").expect_done("Tea")


def test_more_than_two_options_are_listed_when_a_response_is_refused():
    tester = only(choose("Drink?", ["Tea", "Coffee", "Milk"])).say("beer")
    tester.expect("Please choose one of these: Tea, Coffee, Milk. Drink?")


def test_a_mapping_gives_the_value_of_the_chosen_text():
    prices = {"Tea": 2, "Coffee": 1, "Nothing": None}
    only(choose("Drink?", prices)).say("tea").expect_done(2)
    only(choose("Drink?", prices)).start().press("Coffee").expect_done(1)
    only(choose("Drink?", prices)).start().press("Nothing").expect_done(None)


def test_the_value_of_a_button_counts_before_the_number_of_an_option():
    prices = {"Tea": 2, "Coffee": 1}
    only(choose("Drink?", prices)).say(1).expect_done(1)
    only(choose("Drink?", prices)).say("1").expect_done(2)


def test_the_text_of_an_option_counts_before_its_number():
    only(choose("How many?", ["3", "2", "1"])).say("3").expect_done("3")


def test_a_value_of_another_type_is_another_value():
    only(choose("?", {"Yes": True, "No": False})).say(1).expect_done(True)
    only(choose("?", {"No": False, "Yes": True})).say(1).expect_done(False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "one option or more"),
        ({}, "one option or more"),
        ("", "one option or more"),
        (["Tea", "tea "], "Two options have the text 'tea '"),
        ([1, 2], "int has no text"),
        ({1: "a"}, "int has no text"),
    ],
)
def test_options_that_cannot_be_offered_are_refused_before_anything_is_asked(options, message):
    tester = only(choose("?", options))
    with pytest.raises(UsageError, match=message):
        tester.start()
    assert tester.said == []


def test_a_value_that_the_log_cannot_keep_is_refused_before_anything_is_asked():
    with pytest.raises(NotSerializable):
        only(choose("?", {"a": object()})).start()


# --- confirm ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("yes", True),
        ("Y", True),
        ("sure", True),
        (" OK ", True),
        ("1", True),
        (True, True),
        ("No", False),
        ("n", False),
        ("2", False),
        (False, False),
    ],
)
def test_yes_and_no_are_said_in_many_ways(response, answer):
    only(confirm("Go on?")).say(response).expect_done(answer)


@pytest.mark.parametrize("response", ["", "perhaps", "yesterday", None, 0, 3])
def test_what_is_neither_yes_nor_no_is_refused(response):
    only(confirm("Go on?")).say(response).expect("Please answer Yes or No. Go on?")


def test_yes_and_no_have_buttons():
    message = Message("Go on?", buttons=(Button("Yes", True), Button("No", False)))
    only(confirm("Go on?")).start().expect(message).press("No").expect_done(False)


def test_yes_and_no_may_be_words_of_another_language():
    tester = only(confirm("Weiter?", yes=("Ja", "j"), no="Nein", retry_message="Ja oder nein?"))
    tester.say("yes").expect("Ja oder nein?").say("J").expect_done(True)
    only(confirm("Weiter?", yes="Ja", no="Nein")).start().press("Nein").expect_done(False)


@pytest.mark.parametrize("words", [{"yes": ()}, {"yes": "ok", "no": ["no", "OK"]}])
def test_yes_and_no_need_words_of_their_own(words):
    with pytest.raises(UsageError):
        only(confirm("?", **words)).start()


# --- form -------------------------------------------------------------------------------------


@serializable(name="test_prompts.Plan")
class Plan(enum.Enum):
    BASIC = "basic"
    FULL_TIME = "full"


@serializable(name="test_prompts.Address")
class Address(BaseModel):
    street: str
    zip: Annotated[int, Field(ge=10_000, lt=100_000)]


@serializable(name="test_prompts.SignUp")
class SignUp(BaseModel):
    name: str = Field(min_length=2, description="What is your name?")
    age: int = Field(title="Age", ge=18, le=120)
    plan: Plan
    newsletter: bool = False
    colour: Literal["red", "green"] | None = None
    tags: list[str] = Field(default=[], max_length=2)
    address: Address = Field(title="Home")

    @field_validator("name")
    @classmethod
    def is_no_number(cls, name):
        if name.isdecimal():
            raise ValueError("That is a number")
        return name.strip()


def test_a_form_asks_for_each_field_and_returns_the_model():
    tester = only(form(SignUp))
    tester.play(
        """
        bot: What is your name? (at least 2 characters)
        you: 12
        bot: That is a number. What is your name? (at least 2 characters)
        you: Ada
        bot: Age (a whole number, at least 18, at most 120)
        you: old
        bot: Please answer with a whole number. Age (a whole number, at least 18, at most 120)
        you: 17
        bot: Input should be greater than or equal to 18. Age (a whole number, ...)
        you: 36
        bot: Plan [Basic] [Full time]
        you: half
        bot: Please answer Basic or Full time. Plan [Basic] [Full time]
        you: [Full time]
        bot: Newsletter (default No) [Yes] [No] [Skip]
        you: y
        bot: Colour (optional) [red] [green] [Skip]
        you: 2
        bot: Tags (several, with commas between them, at most 2, optional) [Skip]
        you: a, b, c
        bot: List should have at most 2 items after validation, not 3. Tags (...) [Skip]
        you: a, b
        bot: Home: Street
        you: Main St. 1
        bot: Home: Zip (a whole number, at least 10000, below 100000)
        you: 12345
        """
    )
    tester.expect_done(
        SignUp(
            name="Ada",
            age=36,
            plan=Plan.FULL_TIME,
            newsletter=True,
            colour="green",
            tags=["a", "b"],
            address=Address(street="Main St. 1", zip=12345),
        )
    )


@pytest.mark.parametrize(
    ("kind", "field", "question"),
    [
        (str, Field(), "Home town"),
        (str, Field(title="Town"), "Town"),
        (str, Field(title="Town", description="Where do you live?"), "Town: Where do you live?"),
        (str, Field(min_length=1, max_length=9), "(at least 1 character, at most 9 characters)"),
        (str, Field(default=""), "(optional)"),
        (float, Field(gt=0, lt=1.5), "(a number, above 0, below 1.5)"),
        (Decimal, Field(), "(a number)"),
        (date, Field(), "(a date, such as 2024-05-31)"),
        (bool, Field(default=True), "(default Yes)"),
        (Plan, Field(default=Plan.FULL_TIME), "(default Full time)"),
        (int, Field(default=3), "(a whole number, default 3)"),
        (int, Field(default_factory=int), "(a whole number, optional)"),
        (Annotated[int, Field(ge=3)] | None, Field(), "(a whole number, at least 3, optional)"),
        (Annotated[int, Ge(3)] | None, Field(), "(a whole number, at least 3, optional)"),
        (list[Annotated[int, Ge(3)]], Field(), "(several, with commas between them)"),
        (set[Literal["a", "b"]], Field(), "(several, with commas between them)"),
        (tuple[int, ...] | None, Field(), "(several, with commas between them, optional)"),
        (int | str, Field(), "Home town"),
    ],
)
def test_a_question_tells_what_the_field_takes(kind, field, question):
    made = type("Made", (BaseModel,), {"__annotations__": {"home_town": kind}, "home_town": field})
    tester = only(form(serializable(name="test_prompts.Made")(made))).start()
    [message] = tester.messages
    assert str(message) == question or str(message).removeprefix("Home town ") == question


def test_a_skipped_field_has_its_default_and_is_not_set():
    tester = only(
        form(SignUp, known={"name": "Ada", "age": 20, "address": {"street": "", "zip": 10000}})
    )
    tester.say("full").say("skip").press("Skip").say("")
    assert tester.result.newsletter is False
    assert tester.result.colour is None
    assert tester.result.tags == []
    assert not {"newsletter", "colour", "tags"} & tester.result.model_fields_set


def test_the_text_that_skips_may_be_of_another_language():
    @serializable(name="test_prompts.Skips")
    class Skips(BaseModel):
        nick: str = "?"
        note: str | None

    tester = only(form(Skips, skip="Weiter")).start().expect("Nick (default ?)")
    tester.say("Skip").say("weiter").expect_done(Skips(nick="Skip", note=None))


def test_responses_that_are_no_text_are_taken():
    @serializable(name="test_prompts.Data")
    class Data(BaseModel):
        text: str
        number: int
        flag: bool
        items: list[int]
        when: Annotated[str | None, Field(max_length=3)] = None

    tester = only(form(Data)).say(5).say(6).say("1").say([1, 2]).say(None)
    tester.expect_containing("not a valid answer").say("").expect_done(
        Data(text="5", number=6, flag=True, items=[1, 2])
    )


def test_fields_are_filled_by_their_aliases():
    @serializable(name="test_prompts.Aliased")
    class Aliased(BaseModel):
        name: str = Field(alias="userName", min_length=2)
        age: int = Field(validation_alias="years", gt=0)

    tester = only(form(Aliased)).start().expect_containing("Name").say("A").say("Ada")
    tester.expect_containing("Age").say("0").say("7")
    tester.expect_done(Aliased(userName="Ada", years=7))


def test_a_strict_model_takes_text_too():
    @serializable(name="test_prompts.Strict")
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        age: int

    only(form(Strict)).say("7").expect_done(Strict(age=7))


@serializable(name="test_prompts.Trip")
class Trip(BaseModel):
    start: int
    end: int
    kind: Literal["trip"] = "trip"

    @model_validator(mode="after")
    def is_in_order(self):
        if self.end < self.start:
            raise ValueError("The end is before the start")
        return self


def test_a_form_whose_fields_do_not_fit_together_is_asked_again():
    tester = only(form(Trip)).say("5").say("3")
    tester.expect("The end is before the start.").expect_containing("Start")
    tester.say("5").say("8").expect_done(Trip(start=5, end=8))


def test_a_form_is_asked_again_a_number_of_times_only():
    tester = only(form(Trip, attempts=2))
    with pytest.raises(NoValidAnswer, match="'Trip' got no valid answer in 2 attempts"):
        tester.say("5").say("3").say("5").say("3")


def test_a_field_is_asked_for_a_number_of_times_only():
    tester = only(form(Trip, attempts=2)).say("x")
    with pytest.raises(NoValidAnswer, match="Start"):
        tester.say("y")


def test_a_validator_of_the_whole_model_may_see_a_part_of_it():
    @serializable(name="test_prompts.Whole")
    class Whole(BaseModel):
        one: int
        two: int

        @model_validator(mode="before")
        @classmethod
        def sees(cls, data):
            if data["one"] == data["two"]:
                raise ValueError("Twice the same.")
            return data

    tester = only(form(Whole)).say("1").say("1").expect("Twice the same.", ...)
    tester.say("1").say("2").expect_done(Whole(one=1, two=2))


def test_a_mistake_in_a_validator_of_the_whole_model_is_raised_in_the_end():
    @serializable(name="test_prompts.Mistaken")
    class Mistaken(BaseModel):
        one: int

        @model_validator(mode="before")
        @classmethod
        def fails(cls, data):
            return data["two"]

    with pytest.raises(KeyError, match="two"):
        only(form(Mistaken)).say("1")


def test_known_fields_are_not_asked_for():
    only(form(Trip, known={"start": 3})).start().expect_containing("End").say("4").expect_done(
        Trip(start=3, end=4)
    )


@pytest.mark.parametrize("known", [{"begin": 3}, {"start": "soon"}])
def test_known_values_must_fit_the_model(known):
    with pytest.raises(UsageError, match="does not fit the model"):
        only(form(Trip, known=known)).start()


def test_a_model_must_be_registered_before_anything_is_asked():
    class Free(BaseModel):
        name: str

    tester = only(form(Free))
    with pytest.raises(UsageError, match="Write @serializable above `class Free`"):
        tester.start()
    assert tester.said == []


def test_the_types_in_a_model_must_be_registered_too():
    class Colour(enum.Enum):
        RED = 1

    class Inner(BaseModel):
        colours: list[Colour] = []

    @serializable(name="test_prompts.Outer")
    class Outer(BaseModel):
        inner: Inner

    with pytest.raises(UsageError, match="class Inner"):
        only(form(Outer)).start()
    serializable(name="test_prompts.Inner")(Inner)
    with pytest.raises(UsageError, match="class Colour"):
        only(form(Outer)).start()


@serializable(name="test_prompts.Root")
class Root(RootModel[list[int]]):
    pass


@pytest.mark.parametrize(
    "kind", [dict[str, int], list[Address], Address | None, Root, list[dict[str, int]]]
)
def test_a_field_that_cannot_be_asked_for_is_refused_before_anything_is_asked(kind):
    @serializable(name="test_prompts.Odd")
    class Odd(BaseModel):
        first: str
        odd: kind

    tester = only(form(Odd))
    with pytest.raises(UsageError, match=r"cannot ask for 'odd'.*known=\{'odd': \.\.\.\}"):
        tester.start()
    assert tester.said == []


@pytest.mark.parametrize("model", [5, int, Root, Trip(start=1, end=2)])
def test_only_a_model_with_fields_can_be_asked_for(model):
    with pytest.raises(UsageError, match="fields of a pydantic model"):
        form(model)


def test_fields_are_known_by_their_names():
    def made(**fields):
        model = type(
            "Made", (BaseModel,), {"__annotations__": dict.fromkeys(fields, str), **fields}
        )
        return version(form(serializable(name="test_prompts.Made")(model)))

    one = made(name=Field(title="Name"), mail=Field(title="Mail"))
    reworded = made(name=Field(title="Your name?"), mail=Field(title="Your mail?"))
    swapped = made(mail=Field(title="Mail"), name=Field(title="Name"))
    tester = DialogTester(one).start().say("Ada").upgrade(reworded).say("ada@example.org")
    assert tester.say("end").result[0].mail == "ada@example.org"
    tester = DialogTester(one).start().say("Ada").upgrade(swapped)
    with pytest.raises(ReplayError, match=r"name.*mail"):
        tester.say("ada@example.org")


def test_a_form_is_known_by_its_model_or_its_name():
    @serializable(name="test_prompts.Other")
    class Other(BaseModel):
        start: int

    tester = DialogTester(version(form(Trip))).start()
    tester.upgrade(version(form(Other)))
    with pytest.raises(ReplayError, match=r"Trip.*Other"):
        tester.say("1")
    tester.upgrade(version(form(Trip, name="journey"))).say("1").say("2").say("end")
    tester.expect_done([Trip(start=1, end=2)])


def test_a_form_needs_pydantic(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(UsageError, match=r'pip install "resumable-dialogs\[forms\]"'):
        form(Trip)


def test_prompts_do_not_import_pydantic():
    code = "import sys, dialogs.prompts; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
