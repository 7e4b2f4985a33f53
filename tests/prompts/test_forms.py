"""`form`: what it asks, and what it makes of the answers."""

import enum
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field, field_validator

from dialogs import (
    serializable,
)
from dialogs.prompts import form
from tests.prompts.asked import only


@serializable(name="test_forms.Plan")
class Plan(enum.Enum):
    BASIC = "basic"
    FULL_TIME = "full"


@serializable(name="test_forms.Address")
class Address(BaseModel):
    street: str
    zip: Annotated[int, Field(ge=10_000, lt=100_000)]


@serializable(name="test_forms.SignUp")
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
    tester = only(form(serializable(name="test_forms.Made")(made))).start()
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
    @serializable(name="test_forms.Skips")
    class Skips(BaseModel):
        nick: str = "?"
        note: str | None

    tester = only(form(Skips, skip="Weiter")).start().expect("Nick (default ?)")
    tester.say("Skip").say("weiter").expect_done(Skips(nick="Skip", note=None))


def test_responses_that_are_no_text_are_taken():
    @serializable(name="test_forms.Data")
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
    @serializable(name="test_forms.Aliased")
    class Aliased(BaseModel):
        name: str = Field(alias="userName", min_length=2)
        age: int = Field(validation_alias="years", gt=0)

    tester = only(form(Aliased)).start().expect_containing("Name").say("A").say("Ada")
    tester.expect_containing("Age").say("0").say("7")
    tester.expect_done(Aliased(userName="Ada", years=7))


def test_a_strict_model_takes_text_too():
    @serializable(name="test_forms.Strict")
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        age: int

    only(form(Strict)).say("7").expect_done(Strict(age=7))
