"""The game as an async generator, with a pause for thought before each verdict."""

import asyncio

from dialogs import dialog, dialog_result, get_client_response, randint, send_message
from examples.guessbot.rules import HIGHEST, LOWEST, is_guess, praise, reply

THINKING_S = 0.5


@dialog
async def game():
    secret = yield randint(LOWEST, HIGHEST)
    guesses: list[int] = []
    answer = ""
    while secret not in guesses:
        yield send_message(reply(answer, guesses, secret))
        answer = yield get_client_response()
        if is_guess(answer):
            guesses.append(int(answer))
            # Yielded, not awaited: the pause is recorded, and no replay sleeps again.
            yield asyncio.sleep(THINKING_S)
    yield send_message(praise(guesses))
    yield dialog_result(len(guesses))
