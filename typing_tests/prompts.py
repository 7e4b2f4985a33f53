"""What prompts answer, as a type checker sees it. Checked by mypy, never run."""

from decimal import Decimal
from typing import Any, assert_type

from pydantic import BaseModel

from dialogs import Button, Dialog, DialogGen, dialog, run
from dialogs.prompts import ask, choose, confirm, form


class Person(BaseModel):
    name: str


@dialog
def signup() -> DialogGen[None]:
    assert_type((yield from ask("Name?")), str)
    assert_type((yield from ask("Age?", parse=int)), int)
    assert_type((yield from ask("Price?", Decimal, validate=lambda price: price > 0)), Decimal)
    assert_type((yield from choose("Colour?", ["red", "blue"])), str)
    assert_type((yield from choose("Size?", {"small": 1, "large": 2})), int)
    assert_type((yield from choose("Which?", [Button("Both", 2), "none"])), Any)
    assert_type((yield from confirm("Sure?")), bool)
    assert_type((yield from form(Person)), Person)


@dialog
async def coroutine() -> Person:
    assert_type(await ask("Age?", parse=int), int)
    return await form(Person)


@dialog
def plain() -> int:
    assert_type(run(confirm("Sure?")), bool)
    return run(ask("Age?", parse=int, attempts=None))


age: Dialog[int] = ask("Age?", parse=int)

ask()  # type: ignore[call-overload]
ask("Age?", parse=5)  # type: ignore[call-overload]
choose("Colour?", 5)  # type: ignore[call-overload]
form(dict)  # type: ignore[type-var]
wrong: Dialog[str] = confirm("Sure?")  # type: ignore[assignment]
