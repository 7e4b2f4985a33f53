import os
import subprocess
import sys
from pathlib import Path

import pytest

from dialogs import (
    InMemoryPersistence,
    continue_as_new,
    dialog,
    run_async_gen_dialog,
    send_message,
)
from dialogs.prompts import confirm, form
from examples.dragons.transcript import read_transcript
from examples.signup.accounts import AccountService
from examples.signup.chat_example import shown
from examples.signup.signup import Person, make_account, newsletters, signup

README = Path(__file__).with_name("README.md")
THE_FORM = ["", "ada", "ada@example.org", "36"]


async def say(dialog_, persistence, *answers):
    """What the bot says to the last of these answers, as the terminal shows it."""
    said = ""
    for answer in answers:
        said = shown((await run_async_gen_dialog(dialog_, persistence, answer)).messages)
    return said


async def test_the_bot_says_what_the_readme_shows():
    persistence, service = InMemoryPersistence(), AccountService(lost=1)
    for answer, said in read_transcript(README):
        assert await say(signup(service), persistence, answer) == said


async def test_whoever_says_no_gets_no_account():
    persistence, service = InMemoryPersistence(), AccountService()
    said = await say(signup(service), persistence, *THE_FORM, "a friend", "no")
    assert said == "Then not. Nothing was kept."
    assert service.requests == 0
    assert (await run_async_gen_dialog(signup(service), persistence, "")).is_done


# --- a step that fails ------------------------------------------------------------------------


async def test_lost_answers_are_asked_for_again_and_make_one_account():
    persistence, service = InMemoryPersistence(), AccountService(lost=2)
    said = await say(signup(service), persistence, *THE_FORM, "a friend", "yes")
    assert said.startswith(
        "The account service does not answer.\n"
        "The account service does not answer.\n"
        "Done, ada: your account is A-1."
    )
    assert service.requests == 3
    assert len(service.accounts) == 1


async def test_recorded_failures_are_not_tried_again_when_the_conversation_is_resumed():
    persistence, service = InMemoryPersistence(), AccountService(lost=3)
    said = await say(signup(service), persistence, *THE_FORM, "a friend", "yes")
    assert said.endswith("Say anything, and I shall try again.")
    assert service.requests == 3

    assert "your account is A-1" in await say(signup(service), persistence, "please")
    assert service.requests == 4
    assert len(service.accounts) == 1


class FullDisk(InMemoryPersistence):
    """Cannot save while it is full."""

    full = False

    def save(self, log):
        if self.full:
            raise OSError("no space left")
        super().save(log)


async def test_turn_that_could_not_be_saved_is_tried_again_and_makes_no_second_account():
    persistence, service = FullDisk(), AccountService()
    await say(signup(service), persistence, *THE_FORM, "a friend")
    persistence.full = True
    with pytest.raises(OSError, match="no space left"):
        await say(signup(service), persistence, "yes")
    persistence.full = False

    assert "your account is A-1" in await say(signup(service), persistence, "yes")
    assert service.requests == 2
    assert len(service.accounts) == 1


async def test_two_people_get_an_account_each():
    service = AccountService(lost=1)
    for account in ("A-1", "A-2"):
        said = await say(signup(service), InMemoryPersistence(), *THE_FORM, "a friend", "yes")
        assert f"your account is {account}." in said


# --- a change under open conversations --------------------------------------------------------


@dialog(name="signup")
async def signup_before(service):
    """The dialog before it asked where the person had heard of us."""
    await send_message("Hello! A few questions, and the account is yours.")
    person = await form(Person, attempts=None)
    if not await confirm(f"Make an account for {person.email}?", attempts=None):
        await send_message("Then not. Nothing was kept.")
        return
    account = await make_account(service, person.email, "unknown")
    await send_message(f"Done, {person.login}: your account is {account}.")
    await continue_as_new(newsletters(account, []))


async def test_conversation_that_passed_the_change_before_it_was_made_goes_on_without_it():
    persistence, service = InMemoryPersistence(), AccountService()
    said = await say(signup_before(service), persistence, *THE_FORM)
    assert said.startswith("Make an account")

    assert "your account is A-1" in await say(signup(service), persistence, "yes")
    assert [account["source"] for account in service.accounts.values()] == ["unknown"]


async def test_conversation_that_waits_inside_a_dialog_after_the_change_goes_on_too():
    persistence, service = InMemoryPersistence(), AccountService(lost=3)
    said = await say(signup_before(service), persistence, *THE_FORM, "yes")
    assert said.endswith("Say anything, and I shall try again.")

    assert "your account is A-1" in await say(signup(service), persistence, "please")


async def test_conversation_that_had_not_reached_the_change_gets_it():
    persistence, service = InMemoryPersistence(), AccountService()
    said = await say(signup_before(service), persistence, *THE_FORM[:-1])
    assert said.startswith("Your age")

    assert await say(signup(service), persistence, "36") == "Where did you hear of us?"
    await say(signup(service), persistence, "a friend", "yes")
    assert [account["source"] for account in service.accounts.values()] == ["a friend"]


# --- a loop without end -----------------------------------------------------------------------


async def test_log_of_the_endless_loop_does_not_grow():
    persistence, service = InMemoryPersistence(), AccountService()
    await say(signup(service), persistence, *THE_FORM, "a friend", "yes")
    sizes = set()
    for _ in range(60):
        said = await say(signup(service), persistence, "Talks")
        assert said.startswith("A-1 is subscribed to Talks.")
        said = await say(signup(service), persistence, "2")
        assert said.startswith("A-1 is subscribed to nothing.")
        sizes.add(len(persistence.load() or b""))
    assert len(sizes) == 1


async def test_loop_remembers_what_was_chosen():
    persistence = InMemoryPersistence()
    await say(newsletters("A-1", []), persistence, "", "jobs", "talks", "releases", "jobs")
    said = await say(newsletters("A-1", []), persistence, "none of these")
    assert said.startswith("Please choose one of these")
    said = await say(newsletters("A-1", []), persistence, "jobs")
    assert said.startswith("A-1 is subscribed to Jobs, Releases, Talks.")


# --- the program ------------------------------------------------------------------------------


def test_program_ends_quietly_with_its_input_and_goes_on_when_started_again(tmp_path):
    def program(*lines):
        return subprocess.run(
            [sys.executable, "-m", "examples.signup.chat_example"],
            input="".join(f"{line}\n" for line in lines),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(README.parents[2])},
            capture_output=True,
            text=True,
            check=True,
        )

    first = program("ada")
    assert first.stdout.endswith("Your e-mail address\n> \n")
    second = program("ada@example.org", "36", "a friend", "no")
    assert second.stdout.startswith("Your e-mail address\n> Your age")
    assert second.stdout.endswith("Then not. Nothing was kept.\n")
    assert first.stderr == second.stderr == ""
    assert list(tmp_path.iterdir()) == []
