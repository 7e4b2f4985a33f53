"""The game as a generator: what `make chat` plays."""

from dialogs import dialog, get_client_response, randint, send_message
from examples.guessbot.rules import HIGHEST, LOWEST, is_guess, praise, reply


@dialog
def game():
    secret = yield randint(LOWEST, HIGHEST)
    guesses: list[int] = []
    answer = ""
    while secret not in guesses:
        yield send_message(reply(answer, guesses, secret))
        answer = yield get_client_response()
        if is_guess(answer):
            guesses.append(int(answer))
    yield send_message(praise(guesses))
    return len(guesses)


@dialog
def changed():
    """The fallback of every version: runs when the code no longer fits a game under way."""
    yield send_message("The game was changed since you played last, so let us start anew.")
