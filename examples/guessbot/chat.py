"""The game in the terminal: stop it at any time, run it again, and it goes on.

    python -m examples.guessbot.chat [FILE]

The conversation is kept in FILE, or else in guessbot.dialog in the current folder.
"""

import sys
from pathlib import Path

from dialogs import FilePersistence, LogError, run_gen_dialog
from examples.guessbot.game import changed, game


def chat(path: Path) -> None:
    persistence = FilePersistence(path)
    # The first message only starts the game. One that is under way answers the empty message
    # with where it stands, so whoever comes back sees that first.
    answer = ""
    while True:
        step = run_gen_dialog(game(), persistence, answer, fallback_dialog=changed())
        for message in step.messages:
            print(message)
        if not step.is_done:
            answer = input("> ")
            continue
        if not step.messages:
            print(f"Your last game is over. Guesses you needed: {step.return_value}.")
        if input("Another game? [Y/n] ").strip().lower().startswith("n"):
            return
        path.unlink()
        answer = ""


if __name__ == "__main__":
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "guessbot.dialog")
    print(f"This game is kept in {file}; delete that file to start over.")
    try:
        chat(file)
    except (EOFError, KeyboardInterrupt):
        print()
    except LogError as error:
        sys.exit(f"{file}: {error}")
