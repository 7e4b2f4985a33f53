"""Talk to the innkeeper in the terminal. Ctrl-C stops; started again, the talk goes on."""

from pathlib import Path

from dialogs import FilePersistence, run_dialog
from examples.dragons.small_talk import small_talk

FILE = Path("dragons.dialog")


def chat() -> None:
    persistence = FilePersistence(FILE)
    # The first message starts the talk. A talk under way answers an empty one by asking again.
    answer = ""
    while True:
        turn = run_dialog(small_talk(), persistence, answer)
        for message in turn.messages:
            print(message)
        if turn.is_done:
            break
        answer = input("> ")
    FILE.unlink()


def main() -> None:
    try:
        chat()
    except (EOFError, KeyboardInterrupt):
        print()


if __name__ == "__main__":
    main()
