"""The game over HTTP, its state kept by hand: uvicorn examples.guessbot.server.server:app"""

import random
from dataclasses import dataclass, field

from fastapi import FastAPI

from examples.guessbot.rules import HIGHEST, LOWEST, QUESTION, is_guess, praise, reply
from examples.guessbot.server.chats import AGAIN, Incoming


@dataclass
class Game:
    secret: int = field(default_factory=lambda: random.randint(LOWEST, HIGHEST))
    guesses: list[int] = field(default_factory=list)


app = FastAPI(title="guessbot")
games: dict[str, Game] = {}


@app.post("/")
@app.post("/async")
async def next_messages(said: Incoming) -> list[str]:
    # Nothing is awaited in here, so no other request can come between.
    game = games.get(said.chat_id)
    if game is None:
        games[said.chat_id] = Game()
        return [QUESTION]
    if is_guess(said.message):
        game.guesses.append(int(said.message))
    if game.secret not in game.guesses:
        return [reply(said.message, game.guesses, game.secret)]
    del games[said.chat_id]
    return [praise(game.guesses), AGAIN]
