"""The game over HTTP, from an async generator: uvicorn examples.guessbot.server.server_adf:app"""

from fastapi import FastAPI

from dialogs import run_async_gen_dialog
from examples.guessbot.game import changed
from examples.guessbot.game_async_gen import game
from examples.guessbot.server.chats import AGAIN, Incoming, open_chat

app = FastAPI(title="guessbot")


@app.post("/")
@app.post("/async")
async def next_messages(said: Incoming) -> list[str]:
    async with open_chat(said.chat_id) as log:
        step = await run_async_gen_dialog(game(), log, said.message, changed())
        if not step.is_done:
            return step.messages
        log.path.unlink()
        return [*step.messages, AGAIN]
