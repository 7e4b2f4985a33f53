"""The game as a coroutine."""

from dialogs import dialog, get_client_response, randint, send_message
from examples.guessbot.rules import HIGHEST, LOWEST, is_guess, praise, reply


@dialog
async def game():
    secret = await randint(LOWEST, HIGHEST)
    guesses: list[int] = []
    answer = ""
    while secret not in guesses:
        await send_message(reply(answer, guesses, secret))
        answer = await get_client_response()
        if is_guess(answer):
            guesses.append(int(answer))
    await send_message(praise(guesses))
    return len(guesses)
