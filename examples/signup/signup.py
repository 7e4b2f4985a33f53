"""A form, a service that fails and is tried again, a change made later, and a loop without end."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from dialogs import call, continue_as_new, dialog, patched, send_message, serializable, step_key
from dialogs.prompts import ask, choose, confirm, form
from examples.signup.accounts import AccountService, NoAnswer

TOPICS = ["Releases", "Talks", "Jobs"]


def an_address(text: str) -> str:
    if "@" not in text:
        raise ValueError("An e-mail address has an @ in it.")
    return text


@serializable
class Person(BaseModel):
    login: str = Field(title="Your login", min_length=3)
    email: Annotated[str, AfterValidator(an_address)] = Field(title="Your e-mail address")
    age: int = Field(title="Your age", ge=16)


@dialog
async def signup(service: AccountService):
    await send_message("Hello! A few questions, and the account is yours.")
    person = await form(Person, attempts=None)
    source = "unknown"
    # Added later: conversations that had passed this point go on without the question.
    if await patched("ask-source"):
        source = await ask("Where did you hear of us?")
    if not await confirm(f"Make an account for {person.email}?", attempts=None):
        await send_message("Then not. Nothing was kept.")
        return
    account = await make_account(service, person.email, source)
    await send_message(f"Done, {person.login}: your account is {account}.")
    await continue_as_new(newsletters(account, []))


@dialog
async def make_account(service: AccountService, email: str, source: str):
    # Recorded, so that all attempts have one key: an attempt may succeed and its answer get lost.
    key = await call(step_key)
    while True:
        for _ in range(3):
            try:
                return await call(service.create, email, source, key)
            except NoAnswer:
                await send_message("The account service does not answer.")
        await ask("Say anything, and I shall try again.")


@dialog
async def newsletters(account: str, topics: list[str]):
    subscribed = ", ".join(topics) or "nothing"
    topic = await choose(
        f"{account} is subscribed to {subscribed}. Add or remove:", TOPICS, attempts=None
    )
    # This dialog never ends. It starts again with an empty frame, and the log stays small.
    await continue_as_new(newsletters(account, sorted({topic} ^ {*topics})))
