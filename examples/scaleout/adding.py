"""The dialog that the workers run, and what a person who talks with it must see."""

import asyncio

from dialogs import dialog, get_client_response, send_message

ROUNDS = 6


@dialog
def adding():
    """Adds up what the person says."""
    total = 0
    for number in range(1, ROUNDS + 1):
        yield send_message(f"{number}. So far {total}. How much do I add?")
        total += int((yield get_client_response()))
        yield asyncio.sleep(0.01)  # some service that takes its time
    yield send_message(f"That makes {total}.")
    return total


def screen_of(answers: list[int]) -> list[str]:
    """What the person sees who gives these answers, told without the library."""
    screen = [
        f"{number}. So far {sum(answers[: number - 1])}. How much do I add?"
        for number in range(1, ROUNDS + 1)
    ]
    return [*screen, f"That makes {sum(answers)}."]
