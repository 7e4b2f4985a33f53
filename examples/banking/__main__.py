"""Send money in the terminal. Ctrl-C stops; started again, the conversation goes on."""

import argparse
import asyncio
import contextlib
import logging
import re
import sys
from pathlib import Path
from uuid import uuid4

from dialogs import DialogsError, Interrupt, Orchestrator, dialog, send_message
from dialogs.channels.showing import in_text, meant
from dialogs.stores import SQLiteStore
from dialogs.workflows import Integration, Workflows
from examples.banking.bank import Bank, opened, over_http
from examples.banking.client import BankClient, two_factors
from examples.banking.transfer import transfer
from examples.banking.words import is_account, understand

DOCUMENT = Path(__file__).with_name("transfer.yaml")
HINT = "What can I do? Say: send 60 euros to 2004-0"


@dialog
def stopped():
    yield send_message("I stop here.")


STOP = Interrupt(re.compile(r"stop|cancel", re.IGNORECASE), stopped, cancel=True)


def workflows(url: str, timeout: float = 5.0, document: str | Path | dict = DOCUMENT) -> Workflows:
    """The document, with all that it names."""
    return Workflows(
        document,
        integrations={"bank": Integration(url, timeout=timeout)},
        auth={"two_factors": two_factors(BankClient(url, timeout))},
        actions={"new_key": lambda: uuid4().hex},
        validators={"account": is_account},
        understand=understand,
    )


def from_document(url: str, timeout: float = 5.0, document=DOCUMENT, **variables: str):
    """The root dialog that the document is."""
    transfer = workflows(url, timeout, document).dialog("transfer")

    @dialog
    def banking(message):
        return (yield transfer(message, variables))

    return banking


def from_python(url: str, timeout: float = 5.0, **variables: str):
    """The same in Python."""

    @dialog
    def banking(message):
        return (yield transfer(BankClient(url, timeout), message, **variables))

    return banking


FORMS = {"document": from_document, "python": from_python}


def chat(form: str, file: Path, url: str) -> None:
    """Converse until it is over. The conversation is in the file, and nowhere else."""
    with asyncio.Runner() as runner:
        store = SQLiteStore(file)
        # A turn that a killed program had in its hands rests for the lease, in seconds.
        bot = Orchestrator(FORMS[form](url), store=store, interrupts=[STOP], lease=2)
        try:
            chat_id = f"terminal:{form}"
            messages = runner.run(question(bot, chat_id)) or [HINT]
            is_over = False
            while not is_over:
                show(messages)
                answer = meant(input("> "), messages)
                turn = runner.run(bot.handle_message(chat_id, answer))
                messages, is_over = turn.messages, turn.status.is_over
            show(messages)
        finally:
            runner.run(store.close())


async def question(bot: Orchestrator, chat_id: str) -> list:
    """What was said last and waits for an answer."""
    conversation = await bot.conversation(chat_id)
    return conversation.asking.messages if conversation and conversation.asking else []


def show(messages: list) -> None:
    for message in messages:
        print(in_text(message))


def text_message(to: str, text: str) -> None:
    print(f"({to}'s phone: {text})", flush=True)


def main() -> None:
    options = argparse.ArgumentParser("python -m examples.banking", description=__doc__)
    options.add_argument(
        "form", nargs="?", choices=FORMS, default="document", help="how the dialog is written"
    )
    options.add_argument("--bank", help="the address of a bank, in place of one of its own")
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        url = given.bank
        if url is None:
            bank = stack.enter_context(contextlib.closing(Bank("bank.db", text_message)))
            url = stack.enter_context(opened(over_http(bank)))
        chat(given.form, Path("banking.db"), url)


if __name__ == "__main__":
    logging.getLogger("stamina").setLevel(logging.ERROR)  # it tells of every attempt
    try:
        main()
    except (EOFError, KeyboardInterrupt):
        print()
    except DialogsError as error:
        sys.exit(f"{error}")
