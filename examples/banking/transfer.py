"""The conversation of `transfer.yaml` as a Python dialog, in the same words."""

import re
from datetime import timedelta

from dialogs import (
    Button,
    Message,
    ResponseTimeout,
    call,
    dialog,
    get_client_response,
    now,
    send_message,
    uuid4,
)
from examples.banking.client import BankClient, NoAnswer, Refused, two_factors
from examples.banking.words import is_account, understand

LIMIT = timedelta(minutes=15)
A_MOMENT = timedelta(milliseconds=1)
ATTEMPTS = 3
UNKNOWN = (
    "The bank does not answer, and I cannot tell whether the money has gone.\n"
    "Say anything, and I ask it again. The money goes once."
)


@dialog
async def transfer(bank: BankClient, message, customer="ada", account="1001-7"):
    """Sends money from a customer's account, after two factors and a question."""
    client = Client(await now() + LIMIT)
    try:
        await client.understand(message or "")
        deal = await agreed(bank, client, customer, account)
    except Ended as end:
        await send_message(end.words)
    except ResponseTimeout:
        await send_message("That took too long. Nothing was sent.")
    except (NoAnswer, NotFilled, Refused):
        await send_message("Sorry, that did not work. Nothing was sent.")
    else:
        await send_message(await sent(bank, client, deal))


async def agreed(bank: BankClient, client: "Client", customer: str, account: str) -> dict:
    """What is to be sent, once it is clear who the client is, and that they mean it."""
    granted = await two_factors(bank)(customer)
    if granted is None:
        raise Ended("I cannot let you in.")
    token = granted["token"]
    access = await call(bank.access, token, account)
    if not access["may_send"]:
        raise Ended(f"Nothing can be sent from {account}.")

    while (amount := await client.fill("amount", "How many euros?", an_amount)) > access["most"]:
        await send_message(f"At most {access['most']} EUR can leave {account} at a time.")
    payee = await client.fill("payee", "To which account?", an_account)
    balance = await call(bank.balance, token, account)

    # The transfer's own key, so that asking again is the same transfer.
    order = {"payer": account, "payee": payee, "amount": amount, "key": str(await uuid4())}
    question = f"Send {amount} EUR from {account} to {payee}?\nThere are {balance} EUR in it."
    while not await client.agrees(question):
        if client.said["intent"] == "cancel":
            raise Ended("Cancelled. Nothing was sent.")
    return {"token": token, "balance": balance, "order": order}


async def sent(bank: BankClient, client: "Client", deal: dict) -> str:
    """Send it, and say what became of it."""
    while True:
        try:
            number = await call(bank.transfer, token=deal["token"], **deal["order"])
        except Refused as refusal:
            if refusal.status == 409:
                balance = deal["balance"]
                return f"The account has {balance} EUR, which is too little. Nothing was sent."
            return f"The bank says no: {refusal.reason} Nothing was sent."
        except NoAnswer:
            await send_message(UNKNOWN)
        else:
            return f"Sent. The bank's number for it is {number}."
        try:
            await client.hear()
        except ResponseTimeout:
            return "I stop asking the bank. Please look at your account."


class Client:
    """What the client said last, and until when they may say more; made anew on every replay."""

    def __init__(self, until):
        self.until = until
        self.said: dict = {}

    async def understand(self, message):
        self.said = await call(understand, message)

    async def hear(self):
        left = max(self.until - await now(), A_MOMENT)
        await self.understand(await get_client_response(timeout=left))

    async def agrees(self, question) -> bool:
        await send_message(Message(question, buttons=(Button("Yes"), Button("No"))))
        await self.hear()
        return self.said["intent"] == "confirm" or "yes" in self.said["text"].lower()

    async def fill(self, slot, question, read):
        """What was said of a slot already, or else the answer to a question, if it is valid."""
        for attempt in range(ATTEMPTS + 1):
            if attempt > 0:
                await send_message(question)
                await self.hear()
            elif slot not in self.said["entities"]:
                continue
            try:
                return read(self.said["entities"].pop(slot, self.said["text"]).strip())
            except ValueError as error:
                if attempt < ATTEMPTS:
                    await send_message(str(error))
        raise NotFilled


class Ended(Exception):
    """The conversation is over, with these words."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class NotFilled(Exception):
    """There was no valid answer."""


def an_amount(text: str) -> int:
    try:
        amount = int(text)
    except ValueError:
        raise ValueError("Please give a whole number.") from None
    if amount < 1:
        raise ValueError("Please give 1 or more.")
    return amount


def an_account(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d", text) or not is_account(text):
        raise ValueError("An account number is like 2004-0, and its last digit checks the others.")
    return text
