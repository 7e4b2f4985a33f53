"""The rules that all versions of the game share: plain functions, nothing of the library."""

LOWEST, HIGHEST = 1, 10
QUESTION = f"I am thinking of a number from {LOWEST} to {HIGHEST}. Which one?"


def is_guess(answer: str) -> bool:
    return answer.strip() in map(str, range(LOWEST, HIGHEST + 1))


def reply(answer: str, guesses: list[int], secret: int) -> str:
    """What to say to an answer, while the number is not found; to an empty one, where we stand."""
    if not answer.strip():
        return " ".join([QUESTION, *(verdict(guess, secret) for guess in guesses)])
    if not is_guess(answer):
        return f"A whole number from {LOWEST} to {HIGHEST}, please."
    return verdict(guesses[-1], secret)


def verdict(guess: int, secret: int) -> str:
    return f"{guess} is too {'low' if guess < secret else 'high'}."


def praise(guesses: list[int]) -> str:
    return f"Yes, it is {guesses[-1]}! Guesses you needed: {len(guesses)}."
