import asyncio
import os
import random
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
import stamina

from dialogs import Orchestrator, Status
from dialogs.channels.showing import in_text, meant
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from examples.banking.__main__ import FORMS, HINT, STOP, workflows
from examples.banking.bank import Bank, opened, over_http
from examples.banking.words import is_account, understand

README = Path(__file__).with_name("README.md")
LOGGED_IN = """\
Your PIN?
> 1815
(ada's phone: Your code is 427131.)
A code is on its way to your phone.
Which code?
> 427131
"""
QUESTION = """\
Send 60 EUR from 1001-7 to 2004-0?
There are 500 EUR in it.
  1. Yes
  2. No
"""
ASKED = f"> send 60 euros to 2004-0\n{LOGGED_IN}{QUESTION}"
UNKNOWN = """\
The bank does not answer, and I cannot tell whether the money has gone.
Say anything, and I ask it again. The money goes once.
"""


class Line:
    """The way to a bank. Transfers happen, but their answers may not arrive.

    Attributes:
        cut: how many answers are cut off.
        is_silent: whether nothing is answered, for as long as the client waits.
        keys: the key of each request for a transfer.
        on_transfer: is called when a transfer has happened, before it is answered.
    """

    def __init__(self, bank):
        self.app = over_http(bank)
        self.cut = 0
        self.is_silent = False
        self.keys = []
        self.on_transfer = lambda: None

    async def __call__(self, scope, receive, send):
        if scope["path"] != "/transfers":
            await self.app(scope, receive, send)
            return
        self.keys.append(dict(scope["headers"]).get(b"idempotency-key"))
        answer = []

        async def keep(message):
            answer.append(message)

        await self.app(scope, receive, keep)
        self.on_transfer()
        if self.is_silent:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        self.cut, is_cut = max(self.cut - 1, 0), self.cut > 0
        for message in answer[:1] if is_cut else answer:
            await send(message)


class Town:
    """A bank that can be called, and the phones of its customers."""

    def __init__(self):
        self.texts: list[str] = []
        self.bank = Bank(
            text=lambda to, text: self.texts.append(f"({to}'s phone: {text})"),
            new_code=lambda: "427131",
        )
        self.line = Line(self.bank)
        self.open = ExitStack()
        self.open.callback(self.bank.close)
        self.url = self.open.enter_context(opened(self.line))

    def close(self):
        self.open.close()

    def balances(self):
        rows = self.bank.books.execute("SELECT number, balance FROM accounts ORDER BY number")
        return dict(map(tuple, rows))

    def transfers(self):
        return self.bank.books.execute("SELECT count(*) FROM transfers").fetchone()[0]


class Talk:
    """A conversation in one of the two forms."""

    def __init__(self, town, form, store=None, timeout=5.0, **variables):
        self.town = town
        self.clock = FakeClock()
        self.store = store or MemoryStore()
        root = FORMS[form](town.url, timeout, **variables)
        self.bot = Orchestrator(root, store=self.store, interrupts=[STOP], clock=self.clock)
        self.messages = []

    async def say(self, text, message_id=None):
        """What comes back, on the phone and in the chat."""
        answer = meant(text, self.messages)
        turn = await self.bot.handle_message("ada", answer, message_id=message_id)
        return self.shown(turn)

    async def wait(self, **span):
        self.clock.advance(timedelta(**span))
        return [self.shown(turn) for turn in await self.bot.fire_due()]

    def shown(self, turn):
        texts, self.town.texts[:] = list(self.town.texts), []
        self.messages = turn.messages
        self.status = turn.status
        return "".join(f"{line}\n" for line in [*texts, *map(in_text, turn.messages)])

    async def play(self, script):
        """Say what a script says, and expect its words and no others."""
        played = ""
        for line in dedent(script).splitlines(keepends=True):
            if line.startswith("> "):
                played += line + await self.say(line[2:].strip())
        assert played == dedent(script)
        return self


@pytest.fixture
def town():
    town = Town()
    yield town
    town.close()


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


@pytest.fixture
def talk(town, form):
    return Talk(town, form)


@pytest.fixture(autouse=True)
def attempts_follow_at_once():
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


# --- the way it should go ---------------------------------------------------------------------


async def test_both_forms_say_what_the_readme_shows(talk, town):
    shown = README.read_text().split("$ python -m examples.banking\n")[1].split("```")[0]
    hint, _, script = shown.partition("\n")
    assert hint == HINT
    await talk.play(script)
    assert talk.status is Status.COMPLETED
    assert town.balances() == {"1001-7": 440, "1003-3": 9000, "2004-0": 80}


async def test_what_the_opening_message_says_is_not_asked_for(talk):
    await talk.play(ASKED + "> 1\nSent. The bank's number for it is T-1.\n")


async def test_the_workflow_is_picked_by_its_intent(town):
    bot = Orchestrator(workflows(town.url).root(), store=MemoryStore())
    assert (await bot.handle_message("ada", "hello")).messages != ["Your PIN?"]
    assert (await bot.handle_message("ada", "transfer money")).messages == ["Your PIN?"]


async def test_a_sum_above_the_limit_and_words_that_are_no_answer_are_asked_for_again(talk):
    await talk.play(
        f"> send 1001 euros\n{LOGGED_IN}"
        """\
At most 1000 EUR can leave 1001-7 at a time.
How many euros?
> all
Please give a whole number.
How many euros?
> 0
Please give 1 or more.
How many euros?
> 60
To which account?
> bob
An account number is like 2004-0, and its last digit checks the others.
To which account?
> 2004-1
An account number is like 2004-0, and its last digit checks the others.
To which account?
> 2004-0
""" + QUESTION + f"> hm\n{QUESTION}> yes please\nSent. The bank's number for it is T-1.\n"
    )


async def test_whoever_gives_no_amount_in_three_attempts_sends_nothing(talk):
    complaint = "Please give a whole number.\nHow many euros?\n"
    await talk.play(
        f"> hello\n{LOGGED_IN}How many euros?\n> a\n{complaint}> b\n{complaint}"
        "> c\nSorry, that did not work. Nothing was sent.\n"
    )


# --- the ways it may end ----------------------------------------------------------------------


async def test_too_little_money(talk, town):
    await talk.play(
        f"> send 600 euros to 2004-0\n{LOGGED_IN}"
        + QUESTION.replace("60", "600")
        + "> yes\nThe account has 500 EUR, which is too little. Nothing was sent.\n"
    )
    assert town.balances()["1001-7"] == 500


async def test_an_account_that_does_not_exist(talk):
    await talk.play(
        f"> send 60 euros to 3000-7\n{LOGGED_IN}"
        + QUESTION.replace("2004-0", "3000-7")
        + "> yes\nThe bank says no: There is no account 3000-7. Nothing was sent.\n"
    )


async def test_no_at_the_question(talk, town):
    await talk.play(ASKED + "> 2\nCancelled. Nothing was sent.\n")
    assert town.line.keys == []


@pytest.mark.parametrize("answers", [[], ["1815"], ["1815", "427131"]])
async def test_stop_at_any_question(talk, town, answers):
    for text in ["send 60 euros to 2004-0", *answers]:
        await talk.say(text)
    assert await talk.say("Cancel") == "I stop here.\n"
    assert talk.status is Status.CANCELLED
    assert town.transfers() == 0


async def test_a_wrong_pin_and_a_wrong_code_are_denied(talk):
    denied = "I cannot let you in.\n"
    await talk.play(f"> hello\nYour PIN?\n> 1234\n{denied}")
    await talk.play(f"> hello\n{LOGGED_IN.replace('> 427131', '> 427132')}{denied}")


@pytest.mark.parametrize("account", ["1003-3", "2004-0"])
async def test_an_account_that_may_not_send_and_one_of_somebody_else(town, form, account):
    talk = Talk(town, form, account=account)
    said = {
        "1003-3": "Nothing can be sent from 1003-3.\n",
        "2004-0": "Sorry, that did not work. Nothing was sent.\n",
    }
    await talk.play(f"> hello\n{LOGGED_IN}{said[account]}")


async def test_silence_ends_it(talk):
    late = ["That took too long. Nothing was sent.\n"]
    await talk.say("hello")
    assert await talk.wait(minutes=15) == late
    await talk.play(ASKED)
    assert await talk.wait(minutes=15) == late
    assert talk.status is Status.COMPLETED


# --- a bank that fails ------------------------------------------------------------------------


async def test_a_bank_that_is_down(talk, town):
    town.close()
    await talk.play("> hello\nYour PIN?\n> 1815\nSorry, that did not work. Nothing was sent.\n")


async def test_a_bank_that_goes_down_before_the_transfer(talk, town):
    await talk.play(ASKED)
    town.close()
    await talk.play(f"> yes\n{UNKNOWN}> well?\n{UNKNOWN}")


async def test_an_answer_that_is_cut_off_is_asked_for_again_under_the_same_key(talk, town):
    await talk.play(ASKED)
    town.line.cut = 2
    assert await talk.say("yes") == "Sent. The bank's number for it is T-1.\n"
    assert len(town.line.keys) == 3
    assert len(set(town.line.keys)) == 1
    assert town.transfers() == 1


@pytest.fixture
async def unanswered(talk, town, form):
    """A conversation that has waited for the bank, three times, and does not know more."""
    await talk.play(ASKED)
    town.line.is_silent = True
    assert await Talk(town, form, talk.store, timeout=0.3).say("yes") == UNKNOWN
    assert town.transfers() == 1
    town.line.is_silent = False
    return talk


async def test_a_bank_that_was_silent_is_asked_again_and_transfers_once(unanswered, town):
    assert await unanswered.say("and now?") == "Sent. The bank's number for it is T-1.\n"
    assert len(town.line.keys) == 4
    assert len(set(town.line.keys)) == 1
    assert town.balances()["1001-7"] == 440


async def test_nothing_is_claimed_about_a_transfer_that_nobody_knows_of(unanswered):
    assert await unanswered.wait(minutes=15) == [
        "I stop asking the bank. Please look at your account.\n"
    ]


# --- a program that fails ---------------------------------------------------------------------


class Frail(MemoryStore):
    """Loses the next turn, when it is to be saved."""

    is_failing = False

    async def commit(self, *args, **kwargs):
        if self.is_failing:
            self.is_failing = False
            raise OSError("no power")
        return await super().commit(*args, **kwargs)


async def test_a_turn_that_was_lost_after_the_transfer_comes_again_and_transfers_once(town, form):
    store = Frail()
    talk = Talk(town, form, store)
    await talk.play(ASKED)
    store.is_failing = True
    with pytest.raises(OSError, match="no power"):
        await talk.say("yes", message_id="m-4")
    assert town.balances()["1001-7"] == 440

    again = Talk(town, form, store)
    assert await again.say("yes", message_id="m-4") == "Sent. The bank's number for it is T-1.\n"
    assert len(town.line.keys) == 2
    assert town.balances()["1001-7"] == 440


async def test_the_pin_is_forgotten_with_its_question(talk):
    await talk.say("hello")
    await talk.say("1815")
    await talk.say("427131")
    body = (await talk.store.load("ada", now=0)).body
    assert b"two_factors" in body
    assert b"1815" not in body


# --- equal words ------------------------------------------------------------------------------

SAYINGS = """\
yes
yes
yes
no
1
2
60
700
2000 euros
send 30 euros to 2004-0
to 2004-0
2004-0
2004-1
hm
1815
427131
cancel""".splitlines()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_say_both_forms_say_the_same(seed):
    dice = random.Random(seed)
    towns = [Town(), Town()]
    try:
        talks = [Talk(town, form) for town, form in zip(towns, FORMS, strict=True)]
        for _ in range(4):
            known = ["send 60 euros", "1815", "427131", *dice.choices(["2004-0", "to bob"])]
            for text in known + dice.choices(SAYINGS, k=8):
                one, other = [await talk.say(text) for talk in talks]
                assert one == other, text
                if talks[0].status.is_over:
                    break
            assert await talks[0].wait(minutes=20) == await talks[1].wait(minutes=20)
        assert towns[0].balances() == towns[1].balances()
    finally:
        for town in towns:
            town.close()


# --- the program, and the bank ----------------------------------------------------------------


def program(form, folder, *arguments):
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "examples.banking", form, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(README.parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_program_that_is_killed_after_the_transfer_goes_on_and_transfers_once(
    town, form, tmp_path
):
    first = program(form, tmp_path, "--bank", town.url)
    town.line.on_transfer = first.kill
    first.communicate("send 60 euros to 2004-0\n1815\n427131\nyes\n", timeout=60)
    assert first.returncode == -signal.SIGKILL
    assert town.balances()["1001-7"] == 440

    town.line.on_transfer = lambda: None
    second = program(form, tmp_path, "--bank", town.url)
    said, complaints = second.communicate("yes\n", timeout=60)
    assert said == f"{QUESTION}> Sent. The bank's number for it is T-1.\n"
    assert (second.returncode, complaints) == (0, "")
    assert town.balances()["1001-7"] == 440
    assert len(set(town.line.keys)) == 1


def test_the_program_starts_a_bank_of_its_own_and_stops_quietly(tmp_path):
    program_ = program("document", tmp_path)
    said, complaints = program_.communicate("send 60 euros to 2004-0\n1815\n", timeout=60)
    assert said.startswith(f"{HINT}\n> Your PIN?\n> (ada's phone: Your code is ")
    assert said.endswith("Which code?\n> \n")
    assert (program_.returncode, complaints) == (0, "")


async def test_the_bank_refuses_what_is_not_allowed(town):
    async with httpx.AsyncClient(base_url=town.url) as http:
        login = await http.post("/logins", json={"customer": "ada", "pin": "1815"})
        path = f"/logins/{login.json()['login']}/code"
        for _ in range(3):
            assert (await http.post(path, json={"code": "000000"})).status_code == 403
        assert (await http.post(path, json={"code": "427131"})).status_code == 403, (
            "tried too often"
        )

        assert (await http.get("/accounts/1001-7/balance")).status_code == 401
        login = await http.post("/logins", json={"customer": "ada", "pin": "1815"})
        path = f"/logins/{login.json()['login']}/code"
        token = (await http.post(path, json={"code": "427131"})).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        order = {"payer": "1001-7", "payee": "2004-0", "amount": 5}
        assert (await http.post("/transfers", json=order)).status_code == 422, "no key"

        async def sent(key, **changes):
            headers = {"Idempotency-Key": key}
            return await http.post("/transfers", json={**order, **changes}, headers=headers)

        answers = await asyncio.gather(*[sent("k") for _ in range(10)])
        assert {answer.json()["id"] for answer in answers} == {"T-1"}
        assert (await sent("k", amount=6)).status_code == 422, "another transfer"
        assert (await sent("l", amount=-5)).status_code == 422
        assert (await sent("l", amount=1001)).status_code == 403
        assert (await sent("l", payer="2004-0")).status_code == 403
        assert (await sent("l", amount=500)).status_code == 409
    assert town.balances() == {"1001-7": 495, "1003-3": 9000, "2004-0": 25}


def test_words_are_understood():
    assert understand("Send 60 euros to 2004-0") == {
        "text": "Send 60 euros to 2004-0",
        "intent": "transfer",
        "entities": {"amount": "60", "payee": "2004-0"},
    }
    assert understand("Yes!")["intent"] == "confirm"
    assert [number for number in range(10) if is_account(f"1001-{number}")] == [7]
