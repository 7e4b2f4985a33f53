"""The game over HTTP, from a plain function: uvicorn examples.guessbot.server.server_df:app"""

import asyncio

from fastapi import FastAPI

from dialogs import run_dialog
from examples.guessbot.game import changed
from examples.guessbot.game_plain import game
from examples.guessbot.server.chats import AGAIN, Incoming, open_chat

app = FastAPI(title="guessbot")


@app.post("/")
@app.post("/async")
async def next_messages(said: Incoming) -> list[str]:
    async with open_chat(said.chat_id) as log:
        # In a thread, where a plain function may take its time.
        step = await asyncio.to_thread(run_dialog, game(), log, said.message, changed())
        if not step.is_done:
            return step.messages
        log.path.unlink()
        return [*step.messages, AGAIN]
