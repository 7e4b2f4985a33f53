"""`form`: models as a whole, and models that cannot be asked for."""

import enum
import subprocess
import sys
from operator import le, lt
from typing import Literal

import pytest
from pydantic import BaseModel, Field, RootModel, model_validator

from dialogs import (
    ReplayError,
    UsageError,
    serializable,
)
from dialogs.prompts import NoValidAnswer, form
from dialogs.testing import DialogTester
from tests.prompts.asked import only, version


@serializable(name="test_whole_forms.Trip")
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


def test_what_a_form_refused_stays_refused_when_its_model_would_take_it_now():
    def trip(is_in_order):
        @serializable(name="test_whole_forms.Journey")
        class Journey(BaseModel):
            start: int
            end: int

            @model_validator(mode="after")
            def check(self):
                if not is_in_order(self.start, self.end):
                    raise ValueError("The end is before the start")
                return self

        return form(Journey)

    tester = only(trip(lt)).say("5").say("5").expect("The end is before the start.", ...)
    tester.upgrade(only(trip(le)).dialog).say("7").say("7").expect_done()
    assert (tester.result.start, tester.result.end) == (7, 7)


def test_a_form_is_asked_again_a_number_of_times_only():
    tester = only(form(Trip, attempts=2))
    with pytest.raises(NoValidAnswer, match="'Trip' got no valid answer in 2 attempts"):
        tester.say("5").say("3").say("5").say("3")


def test_a_field_is_asked_for_a_number_of_times_only():
    tester = only(form(Trip, attempts=2)).say("x")
    with pytest.raises(NoValidAnswer, match="Start"):
        tester.say("y")


def test_a_validator_of_the_whole_model_may_see_a_part_of_it():
    @serializable(name="test_whole_forms.Whole")
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
    @serializable(name="test_whole_forms.Mistaken")
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

    @serializable(name="test_whole_forms.Outer")
    class Outer(BaseModel):
        inner: Inner

    with pytest.raises(UsageError, match="class Inner"):
        only(form(Outer)).start()
    serializable(name="test_whole_forms.Inner")(Inner)
    with pytest.raises(UsageError, match="class Colour"):
        only(form(Outer)).start()


@serializable(name="test_whole_forms.Root")
class Root(RootModel[list[int]]):
    pass


@pytest.mark.parametrize(
    "kind", [dict[str, int], list[Trip], Trip | None, Root, list[dict[str, int]]]
)
def test_a_field_that_cannot_be_asked_for_is_refused_before_anything_is_asked(kind):
    @serializable(name="test_whole_forms.Odd")
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
        return version(form(serializable(name="test_whole_forms.Made")(model)))

    one = made(name=Field(title="Name"), mail=Field(title="Mail"))
    reworded = made(name=Field(title="Your name?"), mail=Field(title="Your mail?"))
    swapped = made(mail=Field(title="Mail"), name=Field(title="Name"))
    tester = DialogTester(one).start().say("Ada").upgrade(reworded).say("ada@example.org")
    assert tester.say("end").result[0].mail == "ada@example.org"
    tester = DialogTester(one).start().say("Ada").upgrade(swapped)
    with pytest.raises(ReplayError, match=r"name.*mail"):
        tester.say("ada@example.org")


def test_a_form_is_known_by_its_model_or_its_name():
    @serializable(name="test_whole_forms.Other")
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
