"""The game as a plain function."""

from dialogs import dialog, get_client_response, randint, run, send_message
from examples.guessbot.rules import HIGHEST, LOWEST, is_guess, praise, reply


@dialog
def game():
    secret = run(randint(LOWEST, HIGHEST))
    guesses: list[int] = []
    answer = ""
    while secret not in guesses:
        run(send_message(reply(answer, guesses, secret)))
        answer = run(get_client_response())
        if is_guess(answer):
            guesses.append(int(answer))
    run(send_message(praise(guesses)))
    return len(guesses)
