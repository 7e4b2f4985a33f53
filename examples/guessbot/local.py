"""The game without the library: one person, one terminal, gone when the program ends.

python examples/guessbot/local.py
"""

import random


def game():
    secret = random.randint(1, 10)
    guesses = 0
    print("I am thinking of a number from 1 to 10. Which one?")
    while True:
        answer = input("> ").strip()
        if answer not in map(str, range(1, 11)):
            print("A whole number from 1 to 10, please.")
            continue
        guess = int(answer)
        guesses += 1
        if guess == secret:
            break
        print(f"{guess} is too {'low' if guess < secret else 'high'}.")
    print(f"Yes, it is {secret}! Guesses you needed: {guesses}.")


if __name__ == "__main__":
    try:
        game()
    except (EOFError, KeyboardInterrupt):
        print()
