"""Sign up in the terminal. Ctrl-C stops; started again, the conversation goes on."""

import asyncio
from pathlib import Path

from dialogs import FilePersistence, run_async_gen_dialog
from examples.signup.accounts import AccountService
from examples.signup.signup import signup

FILE = Path("signup.dialog")


def shown(messages: list) -> str:
    """Messages as text; buttons become a numbered list."""
    lines = []
    for message in messages:
        lines.append(str(message))
        buttons = enumerate(getattr(message, "buttons", ()), 1)
        lines += [f"{number}. {button.label}" for number, button in buttons]
    return "\n".join(lines)


def chat() -> None:
    persistence = FilePersistence(FILE)
    service = AccountService(lost=1)
    # The log keeps what was answered, not what was said: these are the words to show again.
    last_words = FILE.with_suffix(".words.dialog")
    last_words.touch()

    answer = ""  # the first one starts the conversation, and answers nothing
    if FILE.exists():
        print(last_words.read_text())
        answer = input("> ")
    while True:
        turn = asyncio.run(run_async_gen_dialog(signup(service), persistence, answer))
        last_words.write_text(shown(turn.messages))
        print(shown(turn.messages))
        if turn.is_done:
            break
        answer = input("> ")
    FILE.unlink()
    last_words.unlink()


def main() -> None:
    try:
        chat()
    except (EOFError, KeyboardInterrupt):
        print()


if __name__ == "__main__":
    main()
