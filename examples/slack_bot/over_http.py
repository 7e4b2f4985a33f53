"""Slack sends events to a web server: mounted in a FastAPI app.

uvicorn --factory examples.slack_bot.over_http:create_app --port 3000
"""

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp

from examples.slack_bot.bot import slack_bot


def create_app(app: AsyncApp | None = None, file: str = "slack_bot.db") -> FastAPI:
    # Without arguments it takes SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET from the environment.
    app = app or AsyncApp()
    channel = slack_bot(app, file)

    @asynccontextmanager
    async def lifespan(_web: FastAPI):
        async with channel.orchestrator, channel:
            timers = asyncio.create_task(channel.orchestrator.run_timers())
            yield
            timers.cancel()
            await asyncio.gather(timers, return_exceptions=True)

    web = FastAPI(lifespan=lifespan)
    events = AsyncSlackRequestHandler(app)

    @web.post("/slack/events")
    async def slack_events(request: Request):
        return await events.handle(request)

    return web
